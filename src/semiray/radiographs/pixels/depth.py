"""Reads 16-bit colour at its full depth, of which Pillow keeps 8 bits."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["DeepColour", "deep_colour"]

Bytes = npt.NDArray[np.uint8]
_OTHER_ORDER = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}


class DeepColour(NamedTuple):
    """A 16-bit colour image.

    Attributes:
        grey: (H, W) uint16, luma (ITU-R BT.601); of 8-bit values in such a file, on their own scale, 0 to 255.
        alpha: (H, W) float32, 0 to 1; None where there is no transparency.
        kind: ``16-bit RGB``, ``16-bit RGBA`` or ``16-bit grey + alpha``.
    """

    grey: npt.NDArray[np.uint16]
    alpha: npt.NDArray[np.float32] | None
    kind: str


def deep_colour(image: Image.Image, content: bytes) -> DeepColour | None:
    """Read an opened PNG or TIFF file at its full depth, if it is a 16-bit colour image.

    Pillow keeps the high byte of every such value. The same decoder gives the low byte if it is told that the bytes
    stand in the other order, so that the file is decoded twice.

    Args:
        image: as ``Image.open`` returns it, not loaded yet; it is loaded here if it is of that kind.
        content: the bytes of its file.

    Returns:
        The image; None if it isn't of that kind (of CMYK and of colour multiplied by its alpha, 8 bits are read).
    """
    raw = _raw_mode(image)
    if raw == "LA;16B":  # The four bytes of a pixel, as if they were four channels.
        high, alpha_high = _channels(_loaded(image, "RGBA"), (0, 2))
        low, alpha_low = _channels(image, (1, 3))
        return DeepColour(_grey([high], [low]), _opacity(alpha_high, alpha_low), "16-bit grey + alpha")
    stem, _, order = raw.partition(";")
    if stem not in ("RGB", "RGBA", "RGBX") or order not in _OTHER_ORDER:
        return None
    transparent = image.info.get("transparency") if image.mode == "RGB" else None
    bands = range(len(image.getbands()))
    image.load()
    with Image.open(io.BytesIO(content), formats=[str(image.format)]) as again:
        lower = _channels(_loaded(again, f"{stem};{_OTHER_ORDER[order]}"), bands)
    upper = _channels(image, bands)
    alpha = _opacity(upper[3], lower[3]) if len(bands) == 4 else None
    if isinstance(transparent, tuple):
        there = [_united(upper[i], lower[i]) != transparent[i] for i in range(3)]
        alpha = np.asarray(there[0] | there[1] | there[2], dtype=np.float32)
    return DeepColour(_grey(upper[:3], lower[:3]), alpha, "16-bit RGB" if len(bands) == 3 else "16-bit RGBA")


def _raw_mode(image: Image.Image) -> str:
    """How the file stores its pixels, in Pillow's words, such as ``RGB;16B``; empty where nothing says it."""
    tiles = getattr(image, "tile", None)
    if image.format not in ("PNG", "TIFF") or not tiles:
        return ""
    arguments = tiles[0][3]
    return str(arguments if isinstance(arguments, str) else arguments[0])


def _loaded(image: Image.Image, raw: str) -> Image.Image:
    """Load an image whose file is read as if it stored its pixels in another way."""

    def changed(tile: Any) -> Any:
        arguments = raw if isinstance(tile[3], str) else (raw, *tile[3][1:])
        return tile._replace(args=arguments) if hasattr(tile, "_replace") else (*tile[:3], arguments)

    image.tile = [changed(tile) for tile in image.tile]  # type: ignore[attr-defined]
    image.load()
    return image


def _channels(image: Image.Image, bands: Iterable[int]) -> list[Bytes]:
    return [np.asarray(image.getchannel(band)) for band in bands]


def _united(high: Bytes, low: Bytes) -> npt.NDArray[np.uint16]:
    return np.asarray(high.astype(np.uint16) << 8 | low, dtype=np.uint16)


def _opacity(high: Bytes, low: Bytes) -> npt.NDArray[np.float32]:
    return np.asarray(_united(high, low) / np.float32(65535), dtype=np.float32)


def _grey(high: list[Bytes], low: list[Bytes]) -> npt.NDArray[np.uint16]:
    """Luma of the high and low bytes of one or three channels; equal channels keep their value, as in Pillow."""
    widened = all(np.array_equal(one, other) for one, other in zip(high, low, strict=True))
    if widened or not any(one.any() for one in high):
        channels = [one.astype(np.uint16) for one in low]
    else:
        channels = [_united(one, other) for one, other in zip(high, low, strict=True)]
    if len(channels) == 1:
        return channels[0]
    red, green, blue = (channel.astype(np.uint32) for channel in channels)
    return np.asarray((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16, dtype=np.uint16)
