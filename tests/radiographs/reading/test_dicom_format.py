from __future__ import annotations

import io
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from semiray.radiographs.reading import dicom_format
from semiray.radiographs.reading.dicom_format import HEAD_BYTES, DicomError, looks_like_dicom, parse_dicom, tag_of

PIXELS = np.arange(12, dtype=np.uint16).reshape(3, 4)
IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_dicom_is_told_by_content_with_and_without_preamble_and_meta(make_dicom, syntax):
    content = make_dicom(PIXELS, syntax, ImageType=["ORIGINAL", "PRIMARY"])
    meta = 144 + int.from_bytes(content[140:144], "little")
    for start in (0, 132, meta):
        assert looks_like_dicom(content[start : start + HEAD_BYTES]), start
        dataset, _ = parse_dicom(content[start:], ["Rows", "Modality"])
        assert (dataset.Rows, dataset.Modality) == (3, "DX")


def test_other_files_are_not_dicom(draw, tmp_path):
    for ending in ("png", "jpg", "tif", "bmp", "webp"):
        assert not looks_like_dicom(draw(tmp_path / f"a.{ending}").read_bytes()[:HEAD_BYTES]), ending
    icon = io.BytesIO()
    Image.new("L", (16, 16)).save(icon, "ICO")
    others = [
        b"",
        b"DICM",
        bytes(HEAD_BYTES),
        icon.getvalue(),
        b"\x08\0" * 256,
        b"\x08\0\x05\0CS",
        b"PK\3\4" + bytes(300),
        b"key,age\n" * 64,
        "Größe;Wert\n".encode("utf-16") * 32,
        b"\x02\0\0\0\xff\xff\xff\xff" + bytes(300),
    ]
    random = np.random.default_rng(0)
    others += [b"\x08\0" + random.bytes(300) for _ in range(300)]
    assert [head for head in others if looks_like_dicom(head)] == []


def test_only_what_is_asked_for_is_parsed_and_the_end_is_told(make_dicom):
    content = make_dicom(PIXELS, PatientName="Doe^Jane")
    dataset, reached = parse_dicom(content, ["Rows"], last=0x0028_FFFF)
    assert reached
    assert "PatientName" not in dataset
    assert "PixelData" not in dataset
    assert not parse_dicom(content[:300], ["Rows"], last=0x0028_FFFF)[1]
    assert "PixelData" in parse_dicom(content)[0]
    assert tag_of("Rows") == 0x0028_0010


def test_deflated_files_are_inflated_within_bounds(make_dicom, monkeypatch):
    content = make_dicom(np.zeros((500, 500), np.uint16), DEFLATED)
    dataset, _ = parse_dicom(content)
    assert len(dataset.PixelData) == 500_000
    assert parse_dicom(content, ["Rows"], last=0x0028_FFFF)[1]
    monkeypatch.setattr(dicom_format, "_MAX_INFLATED", 100_000)
    with pytest.raises(DicomError, match="larger than 256 MiB"):
        parse_dicom(content)
    start = 144 + int.from_bytes(content[140:144], "little")
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = content[:start] + deflater.compress(bytes(200_000_000)) + deflater.flush()
    hidden = content[:140] + b"\2\0\0\0" + content[144:]  # a length that leaves the transfer syntax out
    tracemalloc.start()
    for broken, last in ((bomb, None), (bomb, 0x0028_FFFF), (hidden, None)):
        try:
            parse_dicom(broken, ["Rows"], last)
        except DicomError:
            continue
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_broken_elements_are_one_sentence_without_values(make_dicom):
    nested = b"\xfe\xff\0\xe0\xff\xff\xff\xff\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" * 3000
    content = make_dicom(PIXELS)
    start = 144 + int.from_bytes(content[140:144], "little")
    with pytest.raises(DicomError, match="its header is broken"):
        parse_dicom(content[:start] + b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + nested, ["Rows"])


def test_without_pydicom_a_sentence_says_what_to_install(make_dicom, monkeypatch):
    content = make_dicom(PIXELS)
    monkeypatch.setitem(sys.modules, "pydicom.filereader", None)
    with pytest.raises(DicomError, match=r"needs pydicom \(pip install 'semiray\[dicom\]'\)"):
        parse_dicom(content)
