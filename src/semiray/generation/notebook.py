"""How generated images show themselves in a notebook: a contact sheet above a few facts."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from semiray.radiographs import contact_sheet

__all__ = ["image_page"]

COLUMNS, ROWS = 10, 2


def image_page(
    images: NDArray[np.uint8], labels: Sequence[str] | None, classes: Sequence[str], facts: Sequence[str]
) -> str:
    """HTML that contains its image: some images (N, H, W) of every class, and facts in sentences."""
    lines = "".join(f"<li>{html.escape(fact)}</li>" for fact in facts)
    if not len(images):
        return f"<ul>{lines}</ul>"
    png = BytesIO()
    contact_sheet(images, labels, order=classes, columns=COLUMNS, rows=ROWS, tile=72).save(png, format="PNG")
    image = base64.b64encode(png.getvalue()).decode("ascii")
    return f"<figure><img alt='generated images' src='data:image/png;base64,{image}'></figure><ul>{lines}</ul>"
