"""Generated images with what was requested of them, which their files and a notebook say: that they are synthetic."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semiray.escaping import in_spreadsheet
from semiray.radiographs import contact_sheet
from semiray.radiographs.pixels.marks import png_text

__all__ = [
    "WARNING",
    "Synthetic",
    "decimal",
    "describe_image",
    "encode_image",
    "file_name",
    "manifest_head",
    "manifest_row",
    "metadata_row",
    "software",
]

WARNING = "A generated image, not a radiograph of a patient. Not for diagnosis."


@dataclass(frozen=True)
class Synthetic:
    """Generated images and what was requested of them.

    Attributes:
        images: (N, H, W) uint8, 0..255.
        codes: (N, M) float32, in the factors' own units.
        labels: (N,) int64, the position in ``classes``; -1 where the run knows no classes.
        classes: The run's class names; () for an unlabelled run.
        names: The M code dimensions, e.g. ``"duration[0]"``.
        index: (N,) int64, each image's place in the sample of this seed.
        seed: The seed of the sample.
        event: The event that all codes obey, but for those that are held; None for the whole prior.
        event_probability: The event's probability under the prior, None without an event.
        assumed: The factors that nothing grounds: what they show is assumed, not known.
        held: Factors or dimensions that were set after codes were drawn, and their values.
    """

    images: NDArray[np.uint8]
    codes: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    index: NDArray[np.int64]
    seed: int
    event: str | None = None
    event_probability: float | None = None
    assumed: tuple[str, ...] = ()
    held: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Synthetic:
        """The images at some rows, or under a mask."""
        parts = {name: getattr(self, name)[rows] for name in ("images", "codes", "labels", "index")}
        return replace(self, **parts)

    def label_name(self, i: int) -> str:
        """The class name of image ``i``; empty where the run knows no classes."""
        return self.classes[int(self.labels[i])] if self.labels[i] >= 0 else ""

    def _repr_html_(self) -> str:
        """What a notebook shows: some images of every class, and what was requested."""
        facts = [f"{len(self):,} generated images, not radiographs of patients; seed {self.seed}."]
        if self.classes:
            counts = [f"{name} {np.count_nonzero(self.labels == k):,}" for k, name in enumerate(self.classes)]
            facts.append(f"Classes: {', '.join(counts)}.")
        if self.event is not None:
            facts.append(f"Event: {self.event}, probability {self.event_probability:.4g} under the prior.")
        if self.held:
            facts.append(f"Held: {', '.join(f'{name} = {value:g}' for name, value in self.held.items())}.")
        if self.assumed:
            facts.append(f"Assumed factors, grounded on no image: {', '.join(self.assumed)}.")
        lines = "".join(f"<li>{html.escape(fact)}</li>" for fact in facts)
        if not len(self):
            return f"<ul>{lines}</ul>"
        png = BytesIO()
        labels = [self.label_name(i) for i in range(len(self))] if self.classes else None
        sheet = contact_sheet(self.images, labels, order=self.classes, columns=10, rows=2, tile=72)
        sheet.save(png, format="PNG")
        image = base64.b64encode(png.getvalue()).decode("ascii")
        return f"<figure><img alt='generated images' src='data:image/png;base64,{image}'></figure><ul>{lines}</ul>"


@cache
def software() -> str:
    """What made the images: the package's name and version."""
    return f"semiray {version('semiray')}"


def encode_image(synthetic: Synthetic, i: int, run_name: str) -> bytes:
    """Image ``i`` as a PNG file that says in its text metadata that it is synthetic, and what was requested."""
    probability = synthetic.event_probability
    said = {
        "Software": software(),
        "Synthetic": "true",
        "Comment": WARNING,
        "Seed": str(synthetic.seed),
        "Event": synthetic.event or "",
        "Event probability": "" if probability is None else f"{probability:.6g}",
        "Held": json.dumps(dict(synthetic.held)) if synthetic.held else "",
        "Run": run_name,
        "Label": synthetic.label_name(i),
        "Index": str(synthetic.index[i]),
        "Codes": json.dumps(_codes_of(synthetic, i)),
    }
    text = png_text({key: value for key, value in said.items() if value})
    file = BytesIO()
    Image.fromarray(synthetic.images[i]).save(file, format="PNG", compress_level=1, pnginfo=text)
    return file.getvalue()


def describe_image(synthetic: Synthetic, i: int, run_name: str) -> dict[str, Any]:
    """The same as a tree for JSON."""
    return {
        "synthetic": True,
        "comment": WARNING,
        "software": software(),
        "run": run_name,
        "label": synthetic.label_name(i) or None,
        "seed": synthetic.seed,
        "index": int(synthetic.index[i]),
        "event": synthetic.event,
        "event_probability": synthetic.event_probability,
        "codes": _codes_of(synthetic, i),
    } | ({"held": dict(synthetic.held)} if synthetic.held else {})


def file_name(synthetic: Synthetic, i: int, folders: Sequence[str], ending: str) -> str:
    """Path of image ``i`` in a folder of files: in its class's folder, or at the top without classes."""
    name = f"{synthetic.index[i]:06d}{ending}"
    return f"{folders[synthetic.labels[i]]}/{name}" if synthetic.labels[i] >= 0 else name


def manifest_head(names: Sequence[str]) -> list[str]:
    """The manifest's columns."""
    return ["file", "label", *names, "seed", "index"]


def manifest_row(synthetic: Synthetic, i: int, file: str) -> list[str]:
    """The manifest's row of image ``i``; ``from_spreadsheet`` gives back a label that a spreadsheet would run."""
    codes = [decimal(code) for code in synthetic.codes[i]]
    return [file, in_spreadsheet(synthetic.label_name(i)), *codes, str(synthetic.seed), str(synthetic.index[i])]


def metadata_row(synthetic: Synthetic, i: int, file: str) -> dict[str, Any]:
    """The same as columns of Hugging Face's ``metadata.jsonl``, whose numbers are numbers."""
    said = {"file_name": file, "label": synthetic.label_name(i) or None, **_codes_of(synthetic, i)}
    return said | {"seed": synthetic.seed, "index": int(synthetic.index[i]), "synthetic": True}


def _codes_of(synthetic: Synthetic, i: int) -> dict[str, float]:
    return {name: float(decimal(code)) for name, code in zip(synthetic.names, synthetic.codes[i], strict=True)}


def decimal(value: np.float32) -> str:
    """The shortest decimal that reads back as the same float32: 1 for 1.0, 0.1 for 0.1."""
    return np.format_float_positional(value, unique=True, trim="-")
