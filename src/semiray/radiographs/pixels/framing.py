"""Turns any image file into a square grey image without stretching or aliasing it."""

from __future__ import annotations

import functools
import io
import logging
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from semiray.errors import SemirayError
from semiray.files import user_path
from semiray.radiographs.pixels.depth import deep_colour
from semiray.radiographs.pixels.dicom import decode_dicom
from semiray.radiographs.pixels.grey import Decoded, UnreadableImageError, check_size, scale_range
from semiray.radiographs.reading.dicom_format import HEAD_BYTES, looks_like_dicom
from semiray.radiographs.reading.options import Framing

__all__ = ["Decoded", "UnreadableImageError", "decode_grey", "frame", "read_radiograph", "unframe"]

# Pillow warns about what it repairs and about large images, which are checked here. The filter is set once: images are
# decoded in threads, where `warnings.catch_warnings` could leave all warnings of the process ignored.
warnings.filterwarnings("ignore", module=r"PIL\.")

# Formats of radiographs that need no helper program.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
_TIFF_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0
_ORIENTATION = 274
_NOTES = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})  # where orientation may be said
_KEPT_WEIGHTS = 1 << 21  # of which several may be in memory for later images
# Pillow logs what is wrong with a TIFF file before it raises an error, which says so.
logging.getLogger("PIL").addHandler(logging.NullHandler())
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


# What often lies where a radiograph should: where its mark begins, the mark, and what to say.
_STRANGERS = (
    (0, b"GIF8", "a GIF file: convert it to PNG"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 file: convert it to PNG"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 file: convert it to PNG"),
    (4, b"ftyp", "an AVIF, HEIC or video file: convert it to PNG"),
    (0, b"8BPS", "a Photoshop file: convert it to PNG"),
    (0, b"%PDF", "a PDF file"),
    (0, b"PK\3\4", "a zip archive: unpack it"),
    (0, b"\x1f\x8b", "a gzip archive: unpack it"),
    (0, b"version https://git-lfs", "a Git LFS pointer: fetch the file itself with `git lfs pull`"),
    (0, b"<!doctype html", "a web page, as a failed download leaves it: download the file again"),
    (0, b"<html", "a web page, as a failed download leaves it: download the file again"),
)


def decode_grey(content: bytes) -> Decoded:
    """Decode the bytes of a PNG, JPEG, TIFF, BMP, WebP or DICOM file, whatever its name, to grey from 0 to 255.

    Colour becomes luma (ITU-R BT.601), EXIF orientation is applied, and only the first of several frames is used.
    Transparent pixels become black; of an image that would be black all over for that reason, transparency is ignored.
    Values of more than 8 bits are scaled by the range that the image uses (0.1 % of the pixels are clipped at either
    end), because 16-bit files often contain 10, 12 or 14 bits. 8-bit values in such a file are kept.

    Raises:
        UnreadableImageError: if it can't be decoded completely, has more than 100 million pixels, a side of more than
            30,000, or is more than 20 times as long as wide.
    """
    if not content:
        raise UnreadableImageError("the file is empty (0 bytes)")
    if looks_like_dicom(content[:HEAD_BYTES]):
        return decode_dicom(content)
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            check_size(*image.size)
            return _to_grey(image, content)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImageError(_name_stranger(content)) from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError("more than 100 million pixels") from error
    except Exception as error:  # Broken files make decoders raise almost anything; one bad file mustn't end the run.
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UnreadableImageError(f"can't be decoded: {reason}") from error


def _name_stranger(content: bytes) -> str:
    start = content[:256]
    for place, mark, name in _STRANGERS:
        if start[place:].startswith(mark) or (mark.startswith(b"<") and start.lstrip().lower().startswith(mark)):
            return name
    return "not an image in a supported format"


def _to_grey(image: Image.Image, content: bytes) -> Decoded:
    deep = deep_colour(image, content)
    grey: npt.NDArray[np.float32] | npt.NDArray[np.uint16]
    if deep is None:
        image.load()
        wide = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")
        kind = "16-bit grey" if wide else _KINDS.get(image.mode, image.mode)
        grey, alpha = _grey_and_alpha(image)
    else:
        grey, alpha, kind = deep
    transparent = 0.0 if alpha is None else float(np.mean(alpha < 0.5))
    if alpha is not None and alpha.max() > 0 and alpha.min() < 1:
        grey = grey * alpha if deep is None else np.rint(grey * alpha).astype(np.uint16)
    pixels = np.asarray(grey if deep is None else scale_range(grey), dtype=np.float32)
    return Decoded(_turned(pixels, image), kind, transparent)


def _grey_and_alpha(image: Image.Image) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
    """Grey values, and opacity from 0 to 1 where the file says any."""
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        grey = scale_range(np.asarray(image))
        # Pillow inverts white-is-zero TIFFs at 1 and 8 bits only.
        tags = getattr(image, "tag_v2", None)
        if tags is not None and tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO:
            grey = 255 - grey
        return grey, None
    if "transparency" in image.info or mode in ("LA", "PA", "La", "RGBa"):
        image = image.convert("RGBA")
    alpha = None
    if image.mode == "RGBA":
        alpha = np.asarray(image.getchannel("A"), dtype=np.float32) / np.float32(255)
    if image.mode not in ("L", "1", "RGB"):
        image = image.convert("RGB")
    return np.asarray(image if image.mode == "L" else image.convert("L"), dtype=np.float32), alpha


def _turned(pixels: npt.NDArray[np.float32], image: Image.Image) -> npt.NDArray[np.float32]:
    """Apply the orientation that the file's EXIF (or XMP) says; Pillow has done so for TIFF."""
    if _NOTES.isdisjoint(image.info):
        return pixels
    orientation = 1
    with suppress(Exception):  # Of a broken note about an image that can be read.
        orientation = image.getexif().get(_ORIENTATION, 1)
    if orientation in (5, 6, 7, 8):
        pixels = pixels.T
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


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
    rows, columns = _fitted(height, width, resolution)
    if (height, width) != (rows, columns):
        resampled = axis_weights(height, rows) @ pixels @ axis_weights(width, columns).T
        pixels = np.asarray(resampled, dtype=np.float32)
    square = np.zeros((resolution, resolution), dtype=np.uint8)
    top, left = (resolution - rows) // 2, (resolution - columns) // 2
    square[top : top + rows, left : left + columns] = np.clip(np.rint(pixels), 0, 255)
    return square


def unframe(square: npt.NDArray[np.uint8], height: int, width: int, framing: Framing) -> npt.NDArray[np.uint8]:
    """Return the part of a framed image that isn't padding, from the height and width that it had before."""
    if framing == "crop":
        return square
    rows, columns = _fitted(height, width, len(square))
    top, left = (len(square) - rows) // 2, (len(square) - columns) // 2
    return square[top : top + rows, left : left + columns]


def _fitted(height: int, width: int, resolution: int) -> tuple[int, int]:
    longer = max(height, width)
    return max(1, round(height * resolution / longer)), max(1, round(width * resolution / longer))


def axis_weights(before: int, after: int) -> npt.NDArray[np.float32]:
    """Return the weights (after, before) that resample one axis: by area to shrink it, linearly to enlarge it."""
    return (_kept_weights if before * after <= _KEPT_WEIGHTS else _weights)(before, after)


def _weights(before: int, after: int) -> npt.NDArray[np.float32]:
    weights: npt.NDArray[np.float64]
    if after <= before:
        edges = np.arange(after + 1) * (before / after)
        pixel = np.arange(before)
        weights = np.minimum(edges[1:, None], pixel + 1)
        weights -= np.maximum(edges[:-1, None], pixel)
    else:
        centres = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
        weights = 1 - np.abs(centres[:, None] - np.arange(before))
    np.clip(weights, 0, None, out=weights)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)


_kept_weights = functools.lru_cache(maxsize=64)(_weights)


def read_radiograph(path: str | Path, resolution: int, framing: Framing = "crop") -> npt.NDArray[np.uint8]:
    """Read one image file as (resolution, resolution) uint8.

    Raises:
        SemirayError: naming the file and why it can't be read.
    """
    path = user_path(path)
    try:
        return frame(decode_grey(path.read_bytes())[0], resolution, framing)
    except UnreadableImageError as error:
        raise SemirayError(f"{path}: {error}.") from error
    except OSError as error:
        raise SemirayError(f"{path}: {error.strerror or error}.") from error
