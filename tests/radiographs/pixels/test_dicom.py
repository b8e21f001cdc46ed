from __future__ import annotations

import io
import random
import struct
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semiray.radiographs.pixels.dicom import decode_dicom, decode_frame
from semiray.radiographs.pixels.framing import decode_grey
from semiray.radiographs.pixels.grey import UnreadableImageError
from semiray.radiographs.reading.dicom_format import HEAD_BYTES, looks_like_dicom

pydicom = pytest.importorskip("pydicom")
from pydicom.data.data_manager import DATA_ROOT  # noqa: E402
from pydicom.encaps import encapsulate  # noqa: E402

FILES = Path(DATA_ROOT)
RAMP = (np.arange(4096, dtype=np.uint16).reshape(64, 64) * 37 % 4096).astype(np.uint16)  # every value of 12 bits, once
JPEG, JPEG_2000 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"
# Of pydicom's own files with pixels, those that aren't read: 32 bits, 12-bit lossy JPEG, cut off, broken.
REFUSED = {
    *("JPEG-lossy.dcm", "JPGExtended.dcm", "JPEG2000-embedded-sequence-delimiter.dcm", "MR_truncated.dcm"),
    *("SC_rgb_rle_32bit.dcm", "SC_rgb_rle_32bit_2frame.dcm", "badVR.dcm", "rtdose.dcm", "rtdose_1frame.dcm"),
    *("rtdose_expb.dcm", "rtdose_expb_1frame.dcm", "rtdose_rle.dcm", "rtdose_rle_1frame.dcm"),
    *("meta_missing_tsyntax.dcm", "nested_priv_SQ.dcm"),  # PixelData without rows and columns
}


def expect(path: Path) -> np.ndarray:
    """What is to be shown, pixel by pixel, from the pixels that pydicom decodes."""
    dataset = pydicom.dcmread(path, force=True)
    pixels = pydicom.pixels.pixel_array(dataset, index=0).astype(np.float64)
    bits = dataset.BitsStored
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        pixels = pydicom.pixels.apply_color_lut(pixels.astype(np.uint8), dataset)
        bits = dataset.RedPaletteColorLookupTableDescriptor[2]
    if pixels.ndim == 3:
        red, green, blue = np.moveaxis(pixels, -1, 0)
        return (0.299 * red + 0.587 * green + 0.114 * blue) / (2**bits - 1) * 255
    values = pixels * float(dataset.get("RescaleSlope", 1)) + float(dataset.get("RescaleIntercept", 0))
    centre, width = (np.ravel(dataset.get(key)) for key in ("WindowCenter", "WindowWidth"))
    if centre[0] is not None:  # DICOM PS3.3, C.11.2.1.2.1
        grey = np.clip((values - (centre[0] - 0.5)) / (width[0] - 1) + 0.5, 0, 1) * 255
    elif bits <= 8:
        grey = values / (2**bits - 1) * 255
    else:
        image = values[pixels != dataset.get("PixelPaddingValue", np.inf)]
        low, high = np.quantile(image, (0.001, 0.999), method="nearest")
        grey = np.clip((values - low) / (high - low), 0, 1) * 255
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        grey = 255 - grey
    grey[pixels == dataset.get("PixelPaddingValue", np.inf)] = 0
    return grey


def test_pydicoms_own_files_are_read_to_its_pixels_or_refused_in_a_sentence():
    read, refused, wrong, syntaxes = set(), {}, [], set()
    for path in sorted(FILES.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        if not looks_like_dicom(content[:HEAD_BYTES]):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, force=True)
            if "PixelData" not in dataset:
                continue
            try:
                grey, kind, _ = decode_grey(content)
            except UnreadableImageError as error:
                refused[path.name] = str(error)
                continue
            read.add(path.name)
            syntaxes.add(dataset.file_meta.TransferSyntaxUID.name)
            wanted = expect(path)
        assert kind.startswith("DICOM, ")
        assert grey.dtype == np.float32
        if grey.shape != wanted.shape or np.abs(grey - wanted).max() > 0.01:
            wrong.append((path.name, kind, np.abs(grey - wanted).max()))
    print(f"{len(read)} read, {len(refused)} refused, {len(wrong)} wrong; {len(syntaxes)} transfer syntaxes")
    assert wrong == []
    assert set(refused) <= REFUSED
    assert all(len(reason.splitlines()) == 1 for reason in refused.values())
    assert len(read) >= 90
    assert len(syntaxes) >= 10


def test_lossless_compression_changes_no_pixel():
    first = decode_dicom((FILES / "test_files/MR_small.dcm").read_bytes())[0]
    for name in ("RLE", "bigendian", "expb", "implicit", "jp2klossless", "jpeg_ls_lossless", "padded"):
        np.testing.assert_array_equal(decode_dicom((FILES / f"test_files/MR_small_{name}.dcm").read_bytes())[0], first)


def test_a_frame_is_decoded_apart_as_it_is_here():
    content = (FILES / "test_files/MR_small_jpeg_ls_lossless.dcm").read_bytes()
    pixels = np.load(io.BytesIO(decode_frame(content)), allow_pickle=False)
    np.testing.assert_array_equal(pixels, pydicom.pixels.pixel_array(FILES / "test_files/MR_small.dcm"))


WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}
SHOWN = RAMP / 4095 * 255


@pytest.mark.parametrize(
    ("elements", "shown"),
    [
        (WINDOW, SHOWN),
        (WINDOW | {"PhotometricInterpretation": "MONOCHROME1"}, 255 - SHOWN),
        (WINDOW | {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}, 255 - SHOWN),
        (WINDOW | {"PresentationLUTShape": "INVERSE"}, 255 - SHOWN),
        (WINDOW | {"PresentationLUTShape": "IDENTITY"}, SHOWN),
        ({"WindowCenter": [2048, 5], "WindowWidth": [4096, 3]}, SHOWN),  # the first of several
        # Rescaled first, also by a negative slope, which exchanges black and white.
        ({"WindowCenter": 4096, "WindowWidth": 8191, "RescaleSlope": 2, "RescaleIntercept": 0}, SHOWN),
        (WINDOW | {"RescaleSlope": -1, "RescaleIntercept": 4095}, 255 - SHOWN),
        (
            {"WindowCenter": 1000, "WindowWidth": 1, "VOILUTFunction": "LINEAR"},
            np.where(RAMP > 999, 255, 0),
        ),
        (
            {"WindowCenter": 1000, "WindowWidth": 500, "VOILUTFunction": "SIGMOID"},
            255 / (1 + np.exp(-4 * (RAMP - 1000.0) / 500)),
        ),
        (
            {"WindowCenter": 1000, "WindowWidth": 500, "VOILUTFunction": "LINEAR_EXACT"},
            np.clip((RAMP - 1000.0) / 500 + 0.5, 0, 1) * 255,
        ),
    ],
)
def test_rescale_then_window_then_presentation(make_dicom, elements, shown):
    grey, kind, _ = decode_dicom(make_dicom(RAMP, **elements))
    assert kind == "DICOM, 12-bit grey"
    np.testing.assert_allclose(grey, shown, atol=0.1)


@pytest.mark.parametrize(
    "elements",
    [{}, {"WindowCenter": 5, "WindowWidth": 0}, {"WindowCenter": 5}, {"WindowCenter": "", "WindowWidth": ""}],
)
def test_without_a_valid_window_the_range_in_use_counts(make_dicom, elements):
    grey = decode_dicom(make_dicom(RAMP // 4 + 500, **elements))[0]
    assert (grey.min(), grey.max()) == (0, 255)
    np.testing.assert_allclose(grey, np.clip((RAMP // 4 - 1.0) / 1021, 0, 1) * 255, atol=0.1)
    first = decode_dicom(make_dicom(RAMP // 4 + 500, PhotometricInterpretation="MONOCHROME1", **elements))[0]
    np.testing.assert_allclose(first, 255 - grey, atol=1e-4)


def test_all_values_of_eight_bits_and_fewer_are_kept(make_dicom):
    pixels = np.array([[10, 20], [30, 40]], np.uint8)
    grey, kind, _ = decode_dicom(make_dicom(pixels, BitsAllocated=8, BitsStored=8))
    assert kind == "DICOM, 8-bit grey"
    np.testing.assert_allclose(grey, pixels, atol=1e-4)
    grey = decode_dicom(make_dicom(pixels, BitsAllocated=8, BitsStored=6, RescaleSlope=3, RescaleIntercept=-7))[0]
    np.testing.assert_allclose(grey, pixels / 63 * 255, atol=1e-4)
    signed = decode_dicom(make_dicom(pixels.astype(np.int8), BitsAllocated=8, BitsStored=8, PixelRepresentation=1))[0]
    np.testing.assert_allclose(signed, pixels + 128.0, atol=1e-4)


def table(entries: np.ndarray, first: int, bits: int) -> list:
    item = pydicom.Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) % 65536, first % 65536, bits])
    item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return [item]


def test_tables_are_looked_up_and_go_before_windows(make_dicom):
    curve = (np.arange(4096) ** 2 // 4095 // 16).astype(np.uint16)  # 8 bits
    grey = decode_dicom(make_dicom(RAMP, VOILUTSequence=table(curve, 0, 8), **WINDOW))[0]
    np.testing.assert_allclose(grey, curve[RAMP], atol=0.01)
    # Values outside get the first or last entry.
    part = decode_dicom(make_dicom(RAMP, VOILUTSequence=table(np.array([0, 40, 255]), 100, 8)))[0]
    np.testing.assert_allclose(part, np.where(RAMP <= 100, 0, np.where(RAMP == 101, 40, 255)), atol=0.01)
    # A table that claims 16 bits and uses 12, as some devices write it, isn't almost black.
    deep = decode_dicom(make_dicom(RAMP, VOILUTSequence=table(np.arange(4096), 0, 16)))[0]
    np.testing.assert_allclose(deep, SHOWN, atol=0.01)
    turned = make_dicom(RAMP, ModalityLUTSequence=table(4095 - np.arange(4096), 0, 12), **WINDOW)
    np.testing.assert_allclose(decode_dicom(turned)[0], 255 - SHOWN, atol=0.1)
    with pytest.raises(UnreadableImageError, match="broken lookup table"):
        decode_dicom(make_dicom(RAMP, VOILUTSequence=table(np.arange(3), 0, 40)))


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("window", [{}, WINDOW])
def test_padding_is_black_and_not_part_of_the_range(make_dicom, photometric, window):
    pixels = (RAMP // 2 + 1000).astype(np.uint16)
    padded = pixels.copy()
    padded[:10] = 4095
    padded[10:12] = 4000
    grey = decode_dicom(
        make_dicom(
            padded, PhotometricInterpretation=photometric, PixelPaddingValue=4095, PixelPaddingRangeLimit=4000, **window
        )
    )[0]
    assert (grey[:12] == 0).all()
    same = decode_dicom(make_dicom(pixels[12:], PhotometricInterpretation=photometric, **window))[0]
    np.testing.assert_allclose(grey[12:], same, atol=1e-4)


def test_padding_is_found_though_its_sign_is_wrong(make_dicom):
    pixels = np.array([[-2000, 0], [500, 1000]], np.int16)
    wrong = make_dicom(pixels, BitsStored=16, PixelRepresentation=1, WindowCenter=500, WindowWidth=1001)
    tag = pydicom.tag.Tag("PixelPaddingValue")
    dataset = pydicom.dcmread(io.BytesIO(wrong))
    dataset.add_new(tag, "US", 65536 - 2000)
    file = io.BytesIO()
    dataset.save_as(file)
    np.testing.assert_allclose(decode_dicom(file.getvalue())[0], [[0, 0], [127.5, 255]], atol=0.2)


def test_a_file_needs_no_preamble_and_no_transfer_syntax(make_dicom):
    for syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"):
        pixels = RAMP.byteswap() if syntax.endswith(".2.2") else RAMP
        content = make_dicom(pixels, syntax, **WINDOW)
        for start in (132, 144 + int.from_bytes(content[140:144], "little")):
            np.testing.assert_allclose(decode_grey(content[start:])[0], SHOWN, atol=0.1)


def test_of_several_frames_the_first_is_used_and_the_kind_says_so(make_dicom):
    frames = np.stack([RAMP, RAMP // 2])
    grey, kind, _ = decode_dicom(make_dicom(frames, Rows=64, Columns=64, NumberOfFrames=2, **WINDOW))
    assert kind == "DICOM, 12-bit grey, first of 2 frames"
    np.testing.assert_allclose(grey, SHOWN, atol=0.1)


def jpeg(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


COLOUR = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": "RGB"}
BYTES = {"BitsAllocated": 8, "BitsStored": 8}


def test_colour_becomes_luma(make_dicom):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    grey, kind, _ = decode_dicom(make_dicom(pixels, **COLOUR, **BYTES))
    assert kind == "DICOM, RGB"
    np.testing.assert_allclose(grey, np.asarray(Image.fromarray(pixels).convert("L")), atol=0.6)


CODE = jpeg(Image.fromarray((RAMP // 16).astype(np.uint8)))
CODE_2000 = jpeg(Image.fromarray((RAMP // 16).astype(np.uint8)), "JPEG2000", no_jp2=True)


@pytest.mark.parametrize(("code", "syntax"), [(CODE, JPEG), (CODE_2000, JPEG_2000)])
def test_compressed_pixels_that_claim_another_size_or_end_early_are_refused(make_dicom, code, syntax):
    def wrap(frame: bytes, side: int = 64) -> bytes:
        return make_dicom(encapsulate([frame]), syntax, Rows=side, Columns=side, **BYTES)

    assert decode_dicom(wrap(code))[0].shape == (64, 64)
    huge = code.replace(struct.pack(">HH", 64, 64), b"\xff\xff\xff\xff", 1)
    huge = huge.replace(struct.pack(">II", 64, 64), b"\0\1\xff\xff\0\1\xff\xff", 1)
    assert huge != code
    tracemalloc.start()
    with pytest.raises(UnreadableImageError, match="disagree on their size"):
        decode_dicom(wrap(huge))
    with pytest.raises(UnreadableImageError, match="disagree on their size"):
        decode_dicom(wrap(code, 65))
    with pytest.raises(UnreadableImageError, match="cut off"):
        decode_dicom(wrap(code[: len(code) // 2]))
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"Rows": 65535, "Columns": 65535}, "30,000 pixels"),
        ({"Rows": 20000, "Columns": 20000}, "100 million"),
        ({"NumberOfFrames": 2**31 - 1}, "100 million"),
        ({"Rows": 9000, "Columns": 9000}, "cut off: 8,192 of 162,000,000 bytes"),
        ({"Rows": 0}, "without Rows"),
        ({"PhotometricInterpretation": None}, "without a photometric interpretation"),
        ({"BitsAllocated": 32, "BitsStored": 32}, "radiographs have 16 at most"),
        ({"BitsStored": 17, "HighBit": 16}, "radiographs have 16 at most"),
        ({"HighBit": 15}, "lowest bit"),
        ({"SamplesPerPixel": 4}, "samples a pixel"),
        ({"PhotometricInterpretation": "DOE JANE"}, "samples a pixel"),
        ({"RescaleSlope": 1e300, "RescaleIntercept": 1e300, **WINDOW}, ""),
    ],
)
def test_what_cannot_be_right_is_refused_before_memory_is_used(make_dicom, elements, reason):
    content = make_dicom(RAMP, **{"Rows": 64, "Columns": 64, **elements})
    tracemalloc.start()
    if reason:
        with pytest.raises(UnreadableImageError, match=reason) as error:
            decode_dicom(content)
        assert "DOE" not in str(error.value)
    else:
        assert np.isfinite(decode_dicom(content)[0]).all()
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_damaged_files_are_read_or_refused_whatever_is_damaged():
    names = ("MR_small_RLE", "SC_rgb_jpeg_gdcm", "JPEGLSNearLossless_16", "MR_small_jp2klossless", "examples_palette")
    names += ("SC_rgb_small_odd_jpeg", "CT_small", "image_dfl", "MR_small_bigendian", "SC_rgb_jls_lossy_line")
    contents = [(FILES / f"test_files/{name}.dcm").read_bytes() for name in names]
    contents += [path.read_bytes() for path in sorted((FILES / "test_files/dicomdirtests").rglob("CR*/*"))]
    draw = random.Random(0)
    outcomes = {True: 0, False: 0}
    for _ in range(300):
        content = bytearray(draw.choice(contents))
        pixels = max(content.find(b"\xe0\x7f\x10\0"), 0)
        for _ in range(draw.choice((0, 1, 3, 20))):
            near = draw.choice((0, pixels))
            content[min(near + draw.randrange(600), len(content) - 1)] = draw.choice((0, 255, draw.randrange(256)))
        if draw.random() < 0.3:
            del content[draw.randrange(len(content)) :]
        try:
            grey = decode_dicom(bytes(content))[0]
        except UnreadableImageError:
            outcomes[False] += 1
        else:
            outcomes[True] += 1
            assert grey.min() >= 0
            assert grey.max() <= 255
    assert min(outcomes.values()) > 50


def test_reasons_quote_nothing_of_a_file(make_dicom, capfd):
    planted = {"PatientName": "Planted^Name", "PatientID": "PLANTED", "InstitutionName": "Planted Hospital"}
    content = make_dicom(RAMP, WindowCenter="2048", WindowWidth="4096", **planted)
    seen = []
    for old, new in (
        (b"2048", b"PLAN"),
        (b"4096", b"TED "),
        (b"1.2.840.10008.1.2.1\0", b"1.2.826.0.1.PLANTED\0"),
        (b"MONOCHROME2 ", b"PLANTED     "),
        (b"MONOCHROME2 ", b"PLANTED     "),
    ):
        assert old in content
        try:
            seen.append(decode_dicom(content.replace(old, new))[1])
        except UnreadableImageError as error:
            seen.append(str(error))
    assert "PLAN" not in "".join(seen).upper()
    assert capfd.readouterr() == ("", "")


def test_without_pydicom_a_sentence_says_what_to_install(make_dicom, monkeypatch):
    content = make_dicom(RAMP)
    monkeypatch.setitem(sys.modules, "pydicom.filereader", None)
    with pytest.raises(UnreadableImageError, match=r"needs pydicom \(pip install 'semiray\[dicom\]'\)"):
        decode_grey(content)


@pytest.mark.parametrize("name", ["JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless", "RLELossless"])
def test_twelve_bits_are_decoded_exactly_whatever_compresses_them(make_dicom, tmp_path, name):
    gdcm = pytest.importorskip("gdcm")
    (tmp_path / "plain.dcm").write_bytes(make_dicom(RAMP, **WINDOW))
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(tmp_path / "plain.dcm"))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, name)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(tmp_path / "compressed.dcm"))
    assert writer.Write()
    content = (tmp_path / "compressed.dcm").read_bytes()
    assert pydicom.dcmread(io.BytesIO(content)).file_meta.TransferSyntaxUID.is_compressed
    np.testing.assert_allclose(decode_dicom(content)[0], SHOWN, atol=0.1)
