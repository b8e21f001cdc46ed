"""Pictures for the page: PNG files that say what they are, also when they are saved; differences in colours."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semiray.generation.synthetic import WARNING
from semiray.radiographs.pixels.marks import png_text

__all__ = ["LIMIT", "difference_picture", "pack", "real_picture"]

LIMIT = 64
"""Grey levels of 255 at which the colours of a difference end."""

_ENDS = ((33, 102, 172), (247, 247, 247), (178, 24, 43))  # darker, equal, brighter: ColorBrewer's RdBu


def difference_picture(image: NDArray[np.uint8], before: NDArray[np.uint8]) -> bytes:
    """``image - before``, both (H, W), in colours: red where the image is brighter, blue where it is darker."""
    difference = np.clip(image.astype(np.int16) - before, -LIMIT, LIMIT) + LIMIT
    said = {"Synthetic": "true", "Comment": f"A difference of generated images. {WARNING}"}
    return _png(Image.fromarray(_colours()[difference]), said)


def real_picture(image: NDArray[np.uint8]) -> bytes:
    """A real image (H, W) as it was framed; marked as what semiray wrote, so that it isn't taken for data."""
    return _png(Image.fromarray(image), {"Comment": "A real image, as semiray framed it."})


def pack(head: Mapping[str, Any], pictures: Sequence[bytes] = ()) -> bytes:
    """One answer for the page: a JSON text, the pictures (PNG files) in it as data URLs.

    Many pictures in one answer save a request each. As data URLs they show at once: measured, a dozen `blob:` URLs take
    Chromium three times as long.
    """
    addresses = [f"data:image/png;base64,{b64encode(picture).decode('ascii')}" for picture in pictures]
    return json.dumps({**head, "pictures": addresses}, allow_nan=False).encode()


@cache
def _colours() -> NDArray[np.uint8]:
    """Colours (2 LIMIT + 1, 3) from darker to brighter."""
    at = np.linspace(-1, 1, 2 * LIMIT + 1)
    channels = [np.interp(at, (-1, 0, 1), levels) for levels in zip(*_ENDS, strict=True)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def _png(image: Image.Image, said: Mapping[str, str]) -> bytes:
    file = BytesIO()
    image.save(file, "PNG", compress_level=1, pnginfo=png_text(said))
    return file.getvalue()
