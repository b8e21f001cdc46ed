"""Generated images with what was requested of them, and how they show themselves in a notebook."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from semiray.radiographs import contact_sheet

__all__ = ["Synthetic"]


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
        event: The event that all codes obey, None for the whole prior.
        event_probability: The event's probability under the prior, None without an event.
        assumed: The factors that no metadata ground: what they show is assumed, not known.
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
