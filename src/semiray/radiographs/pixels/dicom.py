"""Decodes DICOM files to grey values as a viewer shows them: rescale, then window, then presentation."""

from __future__ import annotations

import math
import struct
import warnings
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from semiray.radiographs.pixels.apart import call_apart
from semiray.radiographs.pixels.grey import MOST_PIXELS, Decoded, UnreadableImageError, check_size, scale_range
from semiray.radiographs.reading.dicom_format import DicomError, parse_dicom

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.pixels.decoders.base import Decoder

__all__ = ["decode_dicom", "decode_frame"]

# pydicom warns about what it repairs, and quotes it. Set once, as in framing.py: files are decoded in threads.
warnings.filterwarnings("ignore", module=r"pydicom\.")

# By how well they bear broken code; their pixels are the same. GDCM, the only one for lossless JPEG and JPEG-LS, ends
# its process with some of it, and the Rust code of pylibjpeg-rle raises what isn't an Exception.
_PLUGINS = ("pydicom", "pylibjpeg", "pillow", "gdcm", "pyjpegls")
Values = npt.NDArray[np.float64]
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as for the other formats
# Markers that begin a JPEG's frame header; C4, C8 and CC are others, F7 is JPEG-LS.
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})


class _Layout(NamedTuple):
    """What the header claims about the pixels."""

    rows: int
    columns: int
    frames: int
    samples: int
    bits: int
    signed: bool
    photometric: str


def decode_dicom(content: bytes) -> Decoded:
    """Decode the bytes of a DICOM file to grey values from 0 to 255.

    In this order (DICOM PS3.4, N.2): the modality table or rescale slope and intercept; the first VOI table, else the
    first window, else the range that the image uses (all values that fit into its bits, where these are 8 or fewer);
    MONOCHROME1 or an INVERSE presentation shape exchanges black and white, once. Padding pixels become black, colour
    becomes luma (ITU-R BT.601). Of several frames only the first is used.

    Raises:
        UnreadableImageError: if it can't be decoded completely, has more than 100 million pixels in all frames or more
            than 16 bits a pixel, or pydicom isn't installed. The message contains no value of the file but its sizes.
    """
    try:
        with np.errstate(all="ignore"):
            dataset, _ = parse_dicom(content)
            layout = _check(dataset)
            pixels = _first_frame(content, dataset, layout)
            if layout.photometric.startswith("MONOCHROME"):
                grey, kind = _show(pixels, dataset, layout), f"{layout.bits}-bit grey"
            else:
                grey, kind = _luma(pixels, dataset, layout), layout.photometric
    except UnreadableImageError:
        raise
    except DicomError as error:
        raise UnreadableImageError(str(error)) from error
    except Exception as error:  # As for other formats; pydicom's messages may quote the header.
        raise UnreadableImageError("a DICOM file whose header or pixels are broken") from error
    more = f", first of {layout.frames:,} frames" if layout.frames > 1 else ""
    return Decoded(grey, f"DICOM, {kind}{more}")


def _check(dataset: Dataset) -> _Layout:
    """Read the layout of the pixels, and refuse what can't be decoded, or can't be right, before anything is."""
    from pydicom import uid

    if "PixelData" not in dataset:
        raise UnreadableImageError("no image in this DICOM file, or cut off before it ends")
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        implicit, little = dataset.original_encoding
        explicit = uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
        syntax = dataset.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else explicit
    if dataset["PixelData"].is_undefined_length and not syntax.is_encapsulated:
        raise UnreadableImageError("a DICOM file that doesn't say how its pixels are compressed")
    missing = [name for name in ("Rows", "Columns", "BitsAllocated", "BitsStored") if not dataset.get(name)]
    photometric = str(dataset.get("PhotometricInterpretation") or "").strip().upper()
    if missing or not photometric:
        raise UnreadableImageError(f"a DICOM file without {', '.join(missing) or 'a photometric interpretation'}")
    layout = _Layout(
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        frames=max(1, int(dataset.get("NumberOfFrames") or 1)),
        samples=int(dataset.get("SamplesPerPixel") or 1),
        bits=int(dataset.BitsStored),
        signed=dataset.get("PixelRepresentation") == 1,
        photometric=photometric,
    )
    check_size(layout.columns, layout.rows)
    if layout.rows * layout.columns * layout.frames > MOST_PIXELS:
        raise UnreadableImageError(
            f"{layout.frames:,} frames of more than {MOST_PIXELS // 10**6:,} million pixels in all"
        )
    allocated = int(dataset.BitsAllocated)
    if allocated not in (1, 8, 16) or not 1 <= layout.bits <= allocated:
        raise UnreadableImageError(f"a DICOM file of {layout.bits} in {allocated} bits: radiographs have 16 at most")
    if dataset.get("HighBit") not in (None, layout.bits - 1):
        raise UnreadableImageError("a DICOM file whose pixels don't begin at their lowest bit")
    if layout.samples != (1 if photometric in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR") else 3):
        raise UnreadableImageError(f"a DICOM file with {layout.samples} samples a pixel that isn't of a known colour")
    if not syntax.is_encapsulated and photometric != "YBR_FULL_422":
        claimed = math.ceil(layout.rows * layout.columns * layout.frames * layout.samples * allocated / 8)
        if len(dataset.PixelData) < claimed:
            raise UnreadableImageError(f"cut off: {len(dataset.PixelData):,} of {claimed:,} bytes of pixels")
    return layout


def _first_frame(content: bytes, dataset: Dataset, layout: _Layout) -> npt.NDArray[Any]:
    """Decode the first frame: (H, W) integers, or (H, W, 3) as RGB."""
    from pydicom.encaps import get_frame
    from pydicom.pixels.decoders.base import get_decoder

    syntax = dataset.file_meta.TransferSyntaxUID
    name = syntax.name if syntax.is_transfer_syntax and not syntax.is_private else "an unknown transfer syntax"
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise UnreadableImageError(f"DICOM pixels compressed as {name}, which isn't supported") from error
    if not decoder.is_available:
        raise UnreadableImageError(f"{name} needs decoders: pip install 'semiray[dicom]'")
    try:
        if syntax.is_encapsulated:
            size = _coded_size(get_frame(dataset.PixelData, 0, number_of_frames=layout.frames))
            # A decoder allocates what the code claims.
            if size is not None and size != (layout.rows, layout.columns, layout.samples):
                raise UnreadableImageError("a DICOM file whose header and compressed pixels disagree on their size")
        if _plugin(decoder) == "gdcm":
            with BytesIO(call_apart(f"{__name__}:decode_frame", content)) as answer:
                return np.asarray(np.load(answer, allow_pickle=False))
        return _decode(dataset)
    except UnreadableImageError:
        raise
    except Exception as error:
        bits = f" of {layout.bits} bits" if layout.bits > 8 else ""
        raise UnreadableImageError(
            f"its pixels ({name}{bits}) are broken, or of a kind that no decoder here reads"
        ) from error


def decode_frame(content: bytes) -> bytes:
    """Decode the first frame of a DICOM file, as it is stored, to the bytes of an .npy file."""
    answer = BytesIO()
    np.save(answer, _decode(parse_dicom(content)[0]), allow_pickle=False)
    return answer.getvalue()


def _decode(dataset: Dataset) -> npt.NDArray[Any]:
    from pydicom.pixels.decoders.base import get_decoder

    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    pixels, found = decoder.as_array(dataset, index=0, decoding_plugin=_plugin(decoder))
    if pixels.ndim == 3 and found["photometric_interpretation"] != "RGB":
        raise ValueError("an unknown colour space")
    return pixels


def _plugin(decoder: Decoder) -> str:
    """Name the best of the decoders that are installed; none where pixels aren't compressed."""
    return next((name for name in _PLUGINS if name in decoder.available_plugins), "") if decoder.is_encapsulated else ""


def _coded_size(frame: bytes) -> tuple[int, int, int] | None:
    """Rows, columns and samples that JPEG, JPEG-LS or JPEG 2000 code claims; None where it claims none, as RLE.

    Sources: ISO/IEC 10918-1, B.2.2 (frame header), and 15444-1, A.5.1 (SIZ).
    """
    if frame[:1] in (b"\0", b"\xff") and b"\xff\xd9" not in frame[-64:]:
        raise UnreadableImageError("cut off: its compressed pixels don't end")
    if frame[:12] == b"\0\0\0\x0cjP  \r\n\x87\n" or frame[:4] == b"\xff\x4f\xff\x51":
        at = frame.index(b"\xff\x4f\xff\x51") + 8
        right, bottom, left, top, *_, samples = struct.unpack_from(">8IH", frame, at)
        return bottom - top, right - left, samples
    if frame[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 10 <= len(frame):
        marker = frame[at + 1]
        if frame[at] != 0xFF or marker == 0xFF:
            at += 1
        elif marker in _FRAME_HEADERS:
            return struct.unpack_from(">HHB", frame, at + 5)
        else:
            at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    raise UnreadableImageError("a DICOM file whose compressed pixels have no size")


def _show(pixels: npt.NDArray[Any], dataset: Dataset, layout: _Layout) -> npt.NDArray[np.float32]:
    """Turn stored values into what is shown: one value is looked up for each value that is stored, not for each pixel.

    Args:
        pixels: (H, W) integers of at most 16 bits.
        dataset: the header.
        layout: what it claims about the pixels.

    Returns:
        (H, W), 0 to 255.
    """
    lowest = int(pixels.min())
    stored = np.arange(lowest, int(pixels.max()) + 1)  # (V,)
    index = pixels.astype(np.int32) - lowest
    rescaled = _rescale(stored, dataset)
    shown = _apply_voi(rescaled, dataset)
    if shown is None and layout.bits <= 8:
        first = -(2 ** (layout.bits - 1)) if layout.signed else 0
        ends = _rescale(np.array([first, first + 2**layout.bits - 1]), dataset)
        shown = (rescaled - ends.min()) / max(float(np.ptp(ends)), 1e-9)
    padded = _is_padding(stored, dataset)
    if shown is None:
        grey = np.zeros(pixels.shape, np.float32)
        image = ~padded[index]
        if image.any():
            grey[image] = scale_range(rescaled[index[image]].reshape(1, -1))[0]
    else:
        grey = (np.clip(shown, 0, 1) * 255).astype(np.float32)[index]
    if "MONOCHROME1" in layout.photometric or str(dataset.get("PresentationLUTShape")).strip().upper() == "INVERSE":
        grey = 255 - grey
    if padded.any():
        grey[padded[index]] = 0
    if not np.isfinite(grey).all():
        raise UnreadableImageError("a DICOM file whose rescaling or window isn't finite")
    return grey


def _rescale(stored: npt.NDArray[Any], dataset: Dataset) -> Values:
    """Apply the modality table, or slope and intercept."""
    from pydicom.pixels.processing import apply_modality_lut

    if sequence := dataset.get("ModalityLUTSequence"):
        return _look_up(stored.astype(np.float64), sequence[0])[0]
    return np.asarray(apply_modality_lut(stored, dataset), np.float64)


def _apply_voi(rescaled: Values, dataset: Dataset) -> Values | None:
    """Apply the first VOI table, else the first window: values from 0 to 1, or None where there is neither.

    A window that the standard forbids (a width below 1 for linear ones, or no number) counts as none.
    """
    from pydicom import Dataset as Elements
    from pydicom.pixels.processing import apply_windowing

    sequence = dataset.get("VOILUTSequence")
    if sequence and "LUTData" in sequence[0]:
        shown, white = _look_up(rescaled, sequence[0])
        return shown / white
    # The output of 16 unsigned bits, whatever those of the pixels: pydicom inverts windows after negative slopes.
    window = Elements()
    window.PhotometricInterpretation, window.BitsStored, window.PixelRepresentation = "MONOCHROME2", 16, 0
    for keyword in ("WindowCenter", "WindowWidth"):
        with suppress(ValueError, TypeError):
            values = np.atleast_1d(np.asarray(dataset.get(keyword), np.float64))
            if len(values) and math.isfinite(values[0]):
                window.add(dataset[keyword])
    window.VOILUTFunction = str(dataset.get("VOILUTFunction") or "LINEAR").strip().upper()
    if "WindowCenter" not in window or "WindowWidth" not in window:
        return None
    try:
        return np.asarray(apply_windowing(rescaled, window), np.float64) / (2**16 - 1)
    except ValueError:
        return None


def _look_up(values: Values, table: Dataset) -> tuple[Values, int]:
    """Look values up in a modality or VOI table (DICOM PS3.3, C.11.1.1.1); those outside get its first or last entry.

    pydicom's own functions wrap 8-bit tables around, and values that were rescaled.

    Returns:
        The entries, and the largest that the table can have. Where the descriptor claims more bits than any entry
        uses, as some devices do, the bits in use count: the image would be almost black.
    """
    length, first, bits = (int(number) for number in table.LUTDescriptor)
    length = length or 2**16
    data = table.LUTData
    if isinstance(data, bytes):
        order = "<" if table.original_encoding[1] is not False else ">"
        data = np.frombuffer(data, np.uint8 if len(data) < 2 * length else f"{order}u2")
    entries = np.atleast_1d(np.asarray(data, np.float64))[:length]
    if len(entries) < length or not 1 <= bits <= 16:
        raise UnreadableImageError("a DICOM file with a broken lookup table")
    used = max(int(entries.max()).bit_length(), 1)
    index = np.clip(np.rint(values) - first, 0, length - 1)
    return entries[np.nan_to_num(index).astype(np.int64)], 2 ** (bits if bits - used <= 0 else used) - 1


def _is_padding(stored: npt.NDArray[Any], dataset: Dataset) -> npt.NDArray[np.bool_]:
    """Which stored values (V,) are padding, whether the header gives them signed or not."""
    padding = dataset.get("PixelPaddingValue")
    if not isinstance(padding, int):
        return np.zeros(stored.shape, bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = [padding, limit if isinstance(limit, int) else padding]
    signed = dataset.get("PixelRepresentation") == 1
    half = 2 ** (int(dataset.BitsAllocated) - 1) if signed else 0
    low, high = sorted((end + half) % 2 ** int(dataset.BitsAllocated) - half for end in ends)
    return np.asarray((stored >= low) & (stored <= high))


def _luma(pixels: npt.NDArray[Any], dataset: Dataset, layout: _Layout) -> npt.NDArray[np.float32]:
    from pydicom.pixels.processing import apply_color_lut

    bits = layout.bits
    if layout.photometric == "PALETTE COLOR":
        if bits > 8 or layout.signed:
            raise UnreadableImageError("a DICOM file with a palette of more than 256 colours")
        pixels, bits = apply_color_lut(pixels, dataset), int(dataset.RedPaletteColorLookupTableDescriptor[2])
    elif layout.signed:
        raise UnreadableImageError("a DICOM file of signed colours")
    grey: npt.NDArray[np.float32] = pixels[..., :3].astype(np.float32) @ _LUMA
    return np.asarray(np.clip(grey * np.float32(255 / (2**bits - 1)), 0, 255), np.float32)
