from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.radiographs import load_radiographs, prepare_radiographs, split_by_patient
from semiray.radiographs.pixels.framing import decode_grey, frame
from semiray.radiographs.reading import shards as shards_module
from semiray.radiographs.reading.options import reading_options
from semiray.radiographs.reading.readers import find_shards, read_records


def listed(data, **options):
    return read_records(data, reading_options(options))


def png(seed: int, kind: str = "PNG") -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize((24, 20), Image.Resampling.BICUBIC).save(stream, kind)
    return stream.getvalue()


def read_radiograph_bytes(seed: int) -> np.ndarray:
    return frame(decode_grey(png(seed))[0], 16)


def shard(path: Path, members: list[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def samples(numbers) -> list[tuple[str, bytes]]:
    return [member for i in numbers for member in sample(i)]


def sample(i: int, **more) -> list[tuple[str, bytes]]:
    row = {"label": "NP"[i % 2], "patient": f"p{i // 3}", "seed": 7, "codes": {"duration": 1.5}, "synthetic": True}
    return [(f"{i:06d}.json", json.dumps(row | more).encode()), (f"{i:06d}.png", png(i))]


@pytest.fixture
def data(tmp_path):
    for k in range(4):
        shard(tmp_path / "data" / f"{k:05d}.tar", samples(range(k * 10, k * 10 + 10)))
    return tmp_path / "data"


def test_json_tells_label_patient_and_metadata(data):
    listing = listed(data)
    assert listing.layout == "4 WebDataset shards"
    assert listing.classes == ("N", "P")
    assert listing.notes == ()
    record = listing.records[11]
    assert (record.key, record.label, record.patient) == ("000011.png", "P", "p3")
    assert record.metadata["codes"] == '{"duration": 1.5}'
    assert record.metadata["synthetic"] == "true"
    assert record.path.read_bytes()[record.offset :][: record.size] == png(11)


def test_options_name_other_fields_and_patterns(tmp_path):
    members = [member for i in range(6) for member in sample(i, finding="ab"[i % 2], who=i // 2)]
    shard(tmp_path / "a.tar", members)
    listing = listed(tmp_path, label_column="finding", patient_column="who", classes={"b": "ill"})
    assert [(record.label, record.patient) for record in listing.records] == [("ill", "0"), ("ill", "1"), ("ill", "2")]
    listing = listed(tmp_path, patient_from=r"^\d{5}", label_from=r"[135]\.png")
    assert {record.patient for record in listing.records} == {"00000"}
    with pytest.raises(SemirayError, match=r"no column 'nobody'.*The columns are: label, patient"):
        listed(tmp_path, patient_column="nobody")


def test_the_way_it_is_cut_into_shards_changes_nothing(data, tmp_path):
    shard(tmp_path / "other" / "one.tar", samples(reversed(range(40))))
    ours, theirs = (load_radiographs(root, resolution=16, cache=tmp_path / "c") for root in (data, tmp_path / "other"))
    assert tuple(ours.keys) == tuple(theirs.keys)
    assert ours.fingerprint == theirs.fingerprint
    np.testing.assert_array_equal(np.asarray(ours.images), np.asarray(theirs.images))
    np.testing.assert_array_equal(split_by_patient(ours).test, split_by_patient(theirs).test)
    patients = [set(ours.patients[getattr(split_by_patient(ours), part)]) for part in ("train", "test")]
    assert not patients[0] & patients[1]


def test_prepared_and_direct_are_one_set(data, tmp_path):
    direct = load_radiographs(data, resolution=16, cache=tmp_path / "cache")
    prepared = prepare_radiographs(data, tmp_path / "prepared", resolution=16)
    assert direct.fingerprint == prepared.fingerprint
    np.testing.assert_array_equal(np.asarray(direct.images), prepared.images)
    assert tuple(direct.metadata) == tuple(prepared.metadata)
    assert not list((tmp_path / "cache").glob("start-*"))


def test_headers_are_read_once(data, tmp_path, monkeypatch):
    first = load_radiographs(data, resolution=16, cache=tmp_path / "cache")
    monkeypatch.setattr(shards_module, "_members", lambda *_: pytest.fail("read again"))
    again = load_radiographs(data, resolution=16, cache=tmp_path / "cache")
    assert again.fingerprint == first.fingerprint
    # A shard that changed is looked at anew.
    shard(data / "00003.tar", sample(90))
    monkeypatch.undo()
    assert len(load_radiographs(data, resolution=16, cache=tmp_path / "cache")) == 31


def test_labels_in_files_of_their_own_and_in_folders(tmp_path):
    for suffix in (".cls", ".txt"):
        members = [(f"{i}{suffix}", str(i % 2).encode()) for i in range(4)] + [(f"{i}.JPG", png(i)) for i in range(4)]
        shard(tmp_path / suffix / "a.tar", members)
        assert [record.label for record in listed(tmp_path / suffix).records] == ["0", "1", "0", "1"]
    shard(tmp_path / "folders" / "a.tar", [(f"./{'NP'[i % 2]}/{i}.png", png(i)) for i in range(4)])
    listing = listed(tmp_path / "folders")
    assert [(record.key, record.label) for record in listing.records][:2] == [("N/0.png", "N"), ("N/2.png", "N")]
    captions = [(f"{i}.txt", f"a caption, number {i}".encode()) for i in range(30)]
    shard(tmp_path / "captions" / "a.tar", captions + [(f"{i}.png", png(i)) for i in range(30)])
    listing = listed(tmp_path / "captions")
    assert listing.classes == ()
    assert "too many to be classes" in listing.notes[0]


def test_odd_samples_are_told_of(tmp_path):
    members = [
        *sample(0),
        ("1.png", png(1)),
        ("1.json", b"{no json"),
        ("2.json", b"{}"),
        ("3.png", png(3)),
        ("3.json", b"[1]"),
        ("4.png", png(4)),
        ("4.jpg", png(5, "JPEG")),
        ("4.seg.png", png(6)),
        ("5.png", b"no image"),
    ]
    shard(tmp_path / "a.tar", members)
    xrays = load_radiographs(tmp_path, resolution=16, cache=tmp_path / "cache")
    assert list(xrays.keys) == ["000000.png", "1.png", "3.png", "4.png"]
    assert xrays.skipped == (("5.png", "not an image in a supported format"),)
    assert "1 samples have no .png, .jpg or .jpeg and are left out: 2." in xrays.notes
    assert "2 samples have a .json file without a JSON object; it is left out: 1." in xrays.notes
    assert "1 samples contain several images, of which the first is used: 4." in xrays.notes
    assert xrays.labels.tolist() == [0, -1, -1, -1]


def test_two_samples_of_one_name_are_an_error(data, tmp_path):
    shard(data / "copy.tar", sample(3))
    with pytest.raises(SemirayError, match=r"000003\.png: in 00000\.tar and copy\.tar"):
        listed(data)
    shard(tmp_path / "b" / "a.tar", sample(1) + sample(1))
    with pytest.raises(SemirayError, match=r"two samples are called 000001"):
        listed(tmp_path / "b")


@pytest.mark.parametrize("cut", [0, 1, 100, 1_000, 1_536, 4_000])
def test_a_shard_that_is_cut_off_gives_what_is_whole(data, tmp_path, cut):
    path = data / "00003.tar"
    with tarfile.open(path) as tar:
        last = tar.getmembers()[-1]
    with path.open("r+b") as file:
        file.truncate(last.offset_data + last.size - cut)
    xrays = load_radiographs(data, resolution=16, cache=tmp_path / "cache")
    assert 30 <= len(xrays) <= 40 - (cut > 0)
    assert any("00003.tar is" in note and "cut off" in note for note in xrays.notes)
    whole = np.stack([read_radiograph_bytes(i) for i in range(len(xrays))])
    np.testing.assert_array_equal(np.asarray(xrays.images), whole)


def test_a_damaged_header_is_told_of(data, tmp_path):
    path = data / "00002.tar"
    content = bytearray(path.read_bytes())
    content[content.index(b"000025.json") + 148] ^= 0xFF  # its header's checksum
    path.write_bytes(content)
    listing = listed(data)
    assert len(listing) == 35
    assert any("00002.tar is damaged at byte" in note for note in listing.notes)


def test_what_holds_no_sample_is_an_error(tmp_path):
    shard(tmp_path / "a.tar", [("1.json", b"{}")])
    with pytest.raises(SemirayError, match="the shards contain no sample"):
        listed(tmp_path)
    (tmp_path / "a.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(SemirayError, match=r"a\.tar is damaged or cut off"):
        listed(tmp_path)


def test_an_archive_beside_its_images_is_no_shard(data, draw):
    assert len(find_shards(data)) == 4
    draw(data / "a.png")
    assert find_shards(data) == ()
    listing = listed(data)
    assert len(listing) == 1
    assert listing.summary.left_out == {"archives": 4}


def header(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """A tar header whose checksum is right, whatever its size says."""
    block = bytearray(512)
    block[: len(name)] = name.encode()
    block[100:108], block[124:136], block[136:148] = b"0000644\0", size, b"00000000000\0"
    block[148:156], block[156:157], block[257:265] = b" " * 8, kind, b"ustar\x0000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


IMPOSSIBLE = [
    header("b.png", b"77777777777\0"),
    header("b.png", b"\x80" + b"\x7f" + b"\xff" * 10),
    header("b.png", b"\xff" * 12),
    header("b.json", b"77777777777\0"),
    header("b", b"77777777777\0", b"x"),
    header("b", b"\x80" + b"\x7f" + b"\xff" * 10, b"L"),
    header("b", b"00000000030\0", b"x")
    + b"24 size=9999999999999999".ljust(512, b"\0")
    + header("b.png", b"00000000001\0"),
    header("b.png", b"00000000001\0", b"S"),
    header("b", b"00000000012\0", b"x") + b"10 a=bcde\n".ljust(512, b"\0"),
] + [header(f"b{i}", b"00000000000\0", b"x") * 3000 for i in range(1)]


@pytest.mark.parametrize("tail", IMPOSSIBLE, ids=range(len(IMPOSSIBLE)))
def test_members_of_impossible_sizes_end_the_shard(tmp_path: Path, tail: bytes) -> None:
    path = shard(tmp_path / "a.tar", [("a.png", png(0)), ("a.cls", b"x")])
    whole = path.read_bytes().rstrip(b"\0")
    whole += bytes(-len(whole) % 512)
    path.write_bytes(whole + tail + bytes(1024))
    found = listed(tmp_path)
    assert [record.key for record in found.records] == ["a.png"]
    assert "left out" in " ".join(found.notes) or "cut off" in " ".join(found.notes) or not tail


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b"\xff", b'{"a": "\\ud800"}', b"3"]
)
def test_descriptions_that_nobody_can_read_are_counted(tmp_path: Path, content: bytes) -> None:
    shard(tmp_path / "a.tar", [("a.png", png(0)), ("a.json", content), ("a.cls", b"x" * 20_000)])
    found = listed(tmp_path)
    assert len(found.records) == 1
    assert "without a JSON object" in " ".join(found.notes)
    assert "too long to be a label" in " ".join(found.notes)
