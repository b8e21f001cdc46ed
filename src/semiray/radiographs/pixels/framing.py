"""Turns any image file into a square grey image without stretching or aliasing it."""

from __future__ import annotations

import functools
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from semiray.errors import SemirayError
from semiray.radiographs.reading.options import Framing

__all__ = ["UnreadableImageError", "decode_grey", "frame", "read_radiograph"]

# Formats of radiographs that need no helper program.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
_TIFF_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0


class UnreadableImageError(SemirayError):
    """A file that isn't a readable image; the message is the reason, without the file's name."""


_KINDS = {
    "1": "1-bit",
    "L": "8-bit grey",
    "LA": "8-bit grey + alpha",
    "P": "palette",
    "PA": "palette + alpha",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "CMYK": "CMYK",
    "I": "32-bit grey",
    "F": "float grey",
}


def decode_grey(content: bytes) -> tuple[npt.NDArray[np.float32], str]:
    """Decode the bytes of a PNG, JPEG, TIFF, BMP or WebP file to grey values from 0 to 255.

    Colour becomes luma (ITU-R BT.601), transparent pixels become black, only the first of several frames is used, and
    EXIF orientation is ignored. Values of more than 8 bits are scaled by the range that the image uses (0.1 % of the
    pixels are clipped at either end), because 16-bit files often contain 10, 12 or 14 bits. 8-bit values in such a file
    are kept.

    Returns:
        The pixels, (H, W) float32 from 0 (black) to 255 (white), and how the file stores them, such as ``8-bit grey``.

    Raises:
        UnreadableImageError: if it can't be decoded completely.
    """
    if not content:
        raise UnreadableImageError("the file is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            # Pillow warns about what it repairs and about large images; twice that size is an error.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                image.load()
                deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")
                return _to_grey(image), "16-bit grey" if deep else _KINDS.get(image.mode, image.mode)
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not an image in a supported format") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError("more than 178 million pixels") from error
    except Exception as error:  # Broken files make decoders raise almost anything; one bad file mustn't end the run.
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UnreadableImageError(f"can't be decoded: {reason}") from error


def _to_grey(image: Image.Image) -> npt.NDArray[np.float32]:
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        values = np.asarray(image)
        grey = _scale_range(values)
        # Pillow inverts white-is-zero TIFFs at 1 and 8 bits only.
        tags = getattr(image, "tag_v2", None)
        if tags is not None and tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO:
            grey = 255 - grey
        return grey
    if "transparency" in image.info or mode in ("LA", "PA", "La", "RGBa"):
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        grey = np.asarray(image.convert("RGB").convert("L"), dtype=np.float32)
        return np.asarray(grey * np.asarray(image.getchannel("A"), dtype=np.float32) / 255, dtype=np.float32)
    if image.mode not in ("L", "1", "RGB"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"), dtype=np.float32)


def _scale_range(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Scale values of more than 8 bits to [0, 255] by the range in use; 8-bit values in such a file are kept."""
    exact = np.array(values, dtype=np.float64)
    finite = np.isfinite(exact)
    exact[~finite] = exact[finite].min(initial=0)
    low, high = float(exact.min()), float(exact.max())
    integral = not np.issubdtype(values.dtype, np.floating)
    if integral and low >= 0 and high <= 255:
        return np.asarray(exact, dtype=np.float32)
    if integral and low >= 0 and high <= 65535 and not np.any(exact % 257):
        return np.asarray(exact / 257, dtype=np.float32)
    low, high = (float(q) for q in np.quantile(exact, (0.001, 0.999), method="nearest"))
    if high <= low:
        low, high = float(exact.min()), float(exact.max())
    if high <= low:
        return np.full(exact.shape, 127.5, dtype=np.float32)
    scaled: npt.NDArray[np.float32] = (np.clip((exact - low) / (high - low), 0, 1) * 255).astype(np.float32)
    return scaled


def frame(pixels: npt.NDArray[np.float32], resolution: int, framing: Framing = "crop") -> npt.NDArray[np.uint8]:
    """Make an image square without stretching it: cut its longer side at the centre, or pad its shorter side.

    Every pixel of the result is the mean of the area that it covers, including fractions of pixels; an image that is
    smaller than the square is interpolated linearly. Padding is black.

    Args:
        pixels: (H, W), 0 to 255.
        resolution: side of the square in pixels.
        framing: ``crop`` or ``pad``.

    Returns:
        (resolution, resolution) uint8.
    """
    if framing == "crop":
        side = min(pixels.shape)
        top, left = ((size - side) // 2 for size in pixels.shape)
        pixels = pixels[top : top + side, left : left + side]
    height, width = pixels.shape
    rows, columns = (max(1, round(size * resolution / max(pixels.shape))) for size in pixels.shape)
    if (height, width) != (rows, columns):
        resampled = axis_weights(height, rows) @ pixels @ axis_weights(width, columns).T
        pixels = np.asarray(resampled, dtype=np.float32)
    square = np.zeros((resolution, resolution), dtype=np.uint8)
    top, left = (resolution - rows) // 2, (resolution - columns) // 2
    square[top : top + rows, left : left + columns] = np.clip(np.rint(pixels), 0, 255)
    return square


@functools.lru_cache(maxsize=64)
def axis_weights(before: int, after: int) -> npt.NDArray[np.float32]:
    """Return the weights (after, before) that resample one axis: by area to shrink it, linearly to enlarge it."""
    weights: npt.NDArray[np.float64]
    if after <= before:
        edges = np.arange(after + 1) * (before / after)
        pixel = np.arange(before)
        overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
        weights = np.clip(overlap, 0, None)
    else:
        centres = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
        weights = np.clip(1 - np.abs(centres[:, None] - np.arange(before)), 0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def read_radiograph(path: str | Path, resolution: int, framing: Framing = "crop") -> npt.NDArray[np.uint8]:
    """Read one image file as (resolution, resolution) uint8.

    Raises:
        SemirayError: naming the file and why it can't be read.
    """
    path = Path(path).expanduser()
    try:
        return frame(decode_grey(path.read_bytes())[0], resolution, framing)
    except UnreadableImageError as error:
        raise SemirayError(f"{path}: {error}.") from error
    except OSError as error:
        raise SemirayError(f"{path}: {error.strerror or error}.") from error
