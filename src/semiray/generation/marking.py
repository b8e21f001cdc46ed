"""The marks of every generated image, in its file and beside it: that it is synthetic, and what was requested."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from semiray.generation.synthetic import Synthetic

__all__ = ["WARNING", "describe_image", "encode_image", "manifest_head", "manifest_row", "png_name"]

WARNING = "A generated image, not a radiograph of a patient. Not for diagnosis."


@cache
def software() -> str:
    """The program and its version."""
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
        "Run": run_name,
        "Label": synthetic.label_name(i),
        "Index": str(synthetic.index[i]),
        "Codes": json.dumps(codes_of(synthetic, i)),
    }
    text = PngInfo()
    for key, value in said.items():
        if value:
            text.add_text(key, value)
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
        "codes": codes_of(synthetic, i),
    }


def png_name(synthetic: Synthetic, i: int, folders: Sequence[str]) -> str:
    """Path of image ``i`` in a folder of PNG files: in its class's folder, or at the top without classes."""
    name = f"{synthetic.index[i]:06d}.png"
    return f"{folders[synthetic.labels[i]]}/{name}" if synthetic.labels[i] >= 0 else name


def manifest_head(names: Sequence[str]) -> list[str]:
    """The manifest's columns."""
    return ["file", "label", *names, "seed", "index"]


def manifest_row(synthetic: Synthetic, i: int, file: str) -> list[str]:
    """The manifest's row of image ``i``."""
    codes = [_text(code) for code in synthetic.codes[i]]
    return [file, synthetic.label_name(i), *codes, str(synthetic.seed), str(synthetic.index[i])]


def codes_of(synthetic: Synthetic, i: int) -> dict[str, float]:
    """Codes by name."""
    return {name: float(_text(code)) for name, code in zip(synthetic.names, synthetic.codes[i], strict=True)}


def _text(value: np.float32) -> str:
    """The shortest decimal that reads back as the same float32: 1 for 1.0, 0.1 for 0.1."""
    return np.format_float_positional(value, unique=True, trim="-")
