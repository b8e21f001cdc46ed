from __future__ import annotations

import os

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.pixels.decoding import Decoder, processors, read_bytes
from semiray.radiographs.pixels.framing import UnreadableImageError
from semiray.radiographs.reading.options import ReadingOptions
from semiray.radiographs.reading.readers import read_records
from semiray.radiographs.reading.records import Record


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
