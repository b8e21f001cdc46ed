"""Contact sheets: many radiographs on one page, to be looked at before any statistic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from semiray.errors import SemirayError
from semiray.radiographs.pixels.images import ImageArray
from semiray.radiographs.pixels.marks import OUTPUT, png_text

__all__ = ["ContactSheet", "contact_sheet"]

_GAP = 2
_MARGIN = 16
_INK = 40
_PALE = 130
_NOTE = f"{OUTPUT}: a contact sheet"


class ContactSheet(Image.Image):
    """A page whose PNG, JPEG and TIFF files say that it is a contact sheet, so that none is taken for a radiograph."""

    def __init__(self, page: Image.Image) -> None:
        super().__init__()
        self.__dict__.update(page.__dict__)

    def save(self, fp: Any, format: str | None = None, **params: Any) -> None:
        """Save as Pillow does, with that mark."""
        marks = {"pnginfo": png_text({"Description": _NOTE}), "comment": _NOTE, "software": _NOTE}
        super().save(fp, format, **{**marks, **params})


def contact_sheet(
    images: ImageArray,
    labels: Sequence[str] | npt.NDArray[np.str_] | None = None,
    *,
    order: Sequence[str] = (),
    columns: int = 12,
    rows: int | None = None,
    tile: int = 96,
    title: str = "",
) -> ContactSheet:
    """Draw images in rows on white, one block per label; if there are too many, a sample spread over the set.

    Args:
        images: (N, H, W) uint8.
        labels: (N,) names to group by; None for one block without a heading.
        order: names that come first; others follow in the order in which they first appear.
        columns: images per row.
        rows: largest number of rows per block; None for 2 per label, or 8 without labels.
        tile: width of an image on the page in pixels.
        title: a line at the top.

    Returns:
        The page, 8-bit grey; files that its ``save`` writes are marked.

    Raises:
        SemirayError: if there is no image, or the number of labels differs.

    Examples:
        >>> contact_sheet(np.zeros((30, 64, 64), np.uint8), columns=10, tile=64).size
        (690, 228)
    """
    if images.ndim != 3 or 0 in images.shape:
        raise SemirayError("a contact sheet needs at least one image, (N, H, W).")
    if labels is not None and len(labels) != len(images):
        raise SemirayError(f"a contact sheet needs a label for each image: {len(labels)} for {len(images)}.")
    names = np.asarray(labels if labels is not None else [""] * len(images), dtype=np.str_)
    most = columns * (rows or (8 if labels is None else 2))
    height = max(1, round(tile * images.shape[1] / images.shape[2]))
    large, small = ImageFont.load_default(22), ImageFont.load_default(15)
    heading = 30 if labels is not None else 0

    blocks = []
    present = dict.fromkeys(names.tolist())
    for name in dict.fromkeys([*(name for name in order if name in present), *present]):
        members = np.flatnonzero(names == name)
        shown = np.linspace(0, len(members) - 1, min(most, len(members))).round().astype(np.int64)
        tall = heading + -(-len(shown) // columns) * (height + _GAP) + 10
        blocks.append((name or "(unlabelled)", len(members), members[shown], tall))

    widest = min(columns, max(len(shown) for _, _, shown, _ in blocks))
    width = widest * (tile + _GAP) - _GAP + 2 * _MARGIN
    top = _MARGIN + (36 if title else 0)
    page = Image.new("L", (width, top + sum(tall for *_, tall in blocks) - 10 - _GAP + _MARGIN), 255)
    draw = ImageDraw.Draw(page)
    if title:
        draw.text((_MARGIN, _MARGIN - 2), title, fill=_INK, font=large)
    for name, count, shown, tall in blocks:
        if heading:
            draw.text((_MARGIN, top + 4), name, fill=_INK, font=small)
            after = _MARGIN + draw.textlength(name, font=small) + 10
            draw.text((after, top + 4), f"{len(shown):,} of {count:,}", fill=_PALE, font=small)
        for k, i in enumerate(shown):
            at = (_MARGIN + k % columns * (tile + _GAP), top + heading + k // columns * (height + _GAP))
            page.paste(Image.fromarray(images[i]).resize((tile, height), Image.Resampling.BICUBIC), at)
        top += tall
    return ContactSheet(page)
