from __future__ import annotations

import dataclasses
import os
import shutil
import warnings

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.radiographs.pixels.decoding import Decoder, processors, read_bytes
from semiray.radiographs.pixels.framing import UnreadableImageError, read_radiograph
from semiray.radiographs.pixels.marks import png_text
from semiray.radiographs.reading.options import ReadingOptions
from semiray.radiographs.reading.readers import read_records
from semiray.radiographs.reading.records import Listing, Record


def record(path, offset=0, size=None):
    return Record(path, path.name, None, path.name, {}, offset, size)


def test_a_part_of_a_file_is_read(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"0123456789")
    assert read_bytes(record(tmp_path / "a.tar")) == b"0123456789"
    assert read_bytes(record(tmp_path / "a.tar", 3, 4)) == b"3456"
    with pytest.raises(UnreadableImageError, match=r"its shard a\.tar is cut off"):
        read_bytes(record(tmp_path / "a.tar", 8, 4))


def test_what_is_no_file_says_why(tmp_path):
    (tmp_path / "link.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(UnreadableImageError, match="broken link"):
        read_bytes(record(tmp_path / "link.png"))
    with pytest.raises(SemirayError, match="is gone since"):
        read_bytes(record(tmp_path / "gone.png"))


def test_decoding_goes_on_from_a_number(tmp_path, draw):
    for i in range(7):
        draw(tmp_path / f"{i}.png", seed=i)
    seen = []
    decoder = Decoder(read_records(tmp_path, ReadingOptions()), 8, workers=2, progress=lambda *at: seen.append(at))
    whole, rest = list(decoder.decode()), list(decoder.decode(4))
    assert [facts for facts, _ in rest] == [facts for facts, _ in whole[4:]]
    np.testing.assert_array_equal([image for _, image in rest], [image for _, image in whole[4:]])
    assert seen == [(i, 7) for i in (1, 2, 3, 4, 5, 6, 7, 5, 6, 7)]
    assert [facts.content for facts in decoder.hash()] == [facts.content for facts, _ in whole]


def test_a_listing_is_known_by_names_sizes_and_times(tmp_path, draw):
    path = draw(tmp_path / "data" / "a.png")
    decoder = Decoder(read_records(tmp_path / "data", ReadingOptions()), 8)
    names, source = decoder.identify()
    assert decoder.identify() == (names, source)
    os.utime(path, (1, 1))
    assert decoder.identify()[0] == names
    assert decoder.identify()[1] != source
    assert Decoder(decoder.listing, 9).identify()[0] != names
    assert processors() >= 1


def inverted(listing: Listing, *keys: str) -> Listing:
    records = tuple(dataclasses.replace(record, inverted=record.key in keys) for record in listing.records)
    return dataclasses.replace(listing, records=records)


@pytest.mark.parametrize("framing", ["crop", "pad"])
def test_what_a_column_calls_inverted_is_shown_inverted(tmp_path, draw, framing):
    for name in ("a.png", "b.png"):
        draw(tmp_path / name)
    listing = inverted(read_records(tmp_path, ReadingOptions()), "b.png")
    (_, a), (_, b) = Decoder(listing, 16, framing).decode()
    np.testing.assert_allclose(a[2:-2].astype(int) + b[2:-2], 255, atol=1)
    if framing == "pad":
        assert not a[0].any()
        assert not b[0].any()


def test_inverted_images_are_others(tmp_path, draw):
    for name in ("a.png", "b.png"):
        draw(tmp_path / name)
    listing = read_records(tmp_path, ReadingOptions())
    decoders = [Decoder(inverted(listing, *keys), 8) for keys in ((), ("a.png",), ("b.png",), ("a.png", "b.png"))]
    assert len({decoder.identify() for decoder in decoders}) == 4
    assert len({decoder.fingerprint(decoder.hash()) for decoder in decoders}) == 4


def test_marked_files_are_left_out_unless_they_are_wanted(tmp_path, draw):
    picture = Image.open(draw(tmp_path / "real.png"))
    picture.save(tmp_path / "made.png", pnginfo=png_text({"Synthetic": "true", "Seed": "0"}))
    picture.save(tmp_path / "sheet.png", pnginfo=png_text())
    listing = read_records(tmp_path, ReadingOptions())
    (made, pixels), (real, _), (sheet, _) = Decoder(listing, 8).decode()
    assert [facts.left_out for facts in (made, real, sheet)] == ["synthetic images", "", "semiray output"]
    assert pixels is None
    assert "synthetic" in made.problem
    assert "semiray" in sheet.problem
    (made, pixels), _, (sheet, nothing) = Decoder(listing, 8, synthetic=True).decode()
    assert made.left_out == made.problem == ""
    np.testing.assert_array_equal(pixels, read_radiograph(tmp_path / "real.png", 8))
    assert nothing is None
    assert Decoder(listing, 8).identify() != Decoder(listing, 8, synthetic=True).identify()


def test_masks_beside_their_radiographs_are_left_out(tmp_path, draw):
    picture = draw(tmp_path / "images" / "a.png")
    shape = Image.new("L", (24, 20))
    shape.paste(255, (4, 4, 10, 16))
    for name in ("lungs/a.png", "images/a_left.png", "images/alone.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shape.save(tmp_path / name)
    shutil.copy(picture, tmp_path / "lungs" / "alone.png")
    facts = {facts.key: facts for facts, _ in Decoder(read_records(tmp_path, ReadingOptions()), 8).decode()}
    masks = {"images/a_left.png", "images/alone.png", "lungs/a.png"}
    assert {key for key, one in facts.items() if one.left_out == "masks"} == masks
    assert facts["lungs/a.png"].width == 24
    assert "mask" in facts["lungs/a.png"].problem
    assert {key for key, one in facts.items() if not one.problem} == {"images/a.png", "lungs/alone.png"}


@pytest.mark.parametrize("side", [0, -1, 10**6])
def test_resolutions_are_bounded(tmp_path, side):
    with pytest.raises(SemirayError, match="resolution= must be at least 1 and at most"):
        Decoder(Listing(tmp_path, "a layout", ()), side)


def test_decoding_in_threads_leaves_warnings_as_they_were(tmp_path, draw):
    for i in range(200):
        draw(tmp_path / f"{i}.png", seed=i)
    before = list(warnings.filters)
    list(Decoder(read_records(tmp_path, ReadingOptions()), 8, workers=8).decode())
    assert warnings.filters == before
