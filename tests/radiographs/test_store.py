from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.store import FileFacts, cache_folder, digest, read_array, read_json, write_array, write_json

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8), dtype=np.uint8)
FACTS = [FileFacts(f"k{i}", f"c{i}", 8, 8, "8-bit grey", "broken" if i == 2 else "") for i in range(5)]
KEYS = [facts.key for facts in FACTS]


def write(folder: Path) -> str:
    results = [(facts, None if facts.problem else image) for facts, image in zip(FACTS, IMAGES, strict=True)]
    return write_array(folder, 8, results, lambda contents: ("stem", digest("", contents)), Path("DATA"))


def test_what_is_written_is_read(tmp_path):
    decoded = read_array(tmp_path, write(tmp_path), KEYS)
    assert decoded is not None
    assert isinstance(decoded.images, np.memmap)
    assert not decoded.images.flags.writeable
    np.testing.assert_array_equal(decoded.images, np.delete(IMAGES, 2, 0))
    assert decoded.files == tuple(FACTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stem.json", "stem.npy"]
    # Any program that reads .npy reads it.
    np.testing.assert_array_equal(np.load(tmp_path / "stem.npy", allow_pickle=False), decoded.images)


@pytest.mark.parametrize(
    "damage", ["flip", "cut", "grow", "empty", "gone", "no json", "bad json", "other json", "other keys"]
)
def test_damage_is_noticed(tmp_path, damage):
    stem = write(tmp_path)
    array, facts = tmp_path / f"{stem}.npy", tmp_path / f"{stem}.json"
    content = bytearray(array.read_bytes())
    keys = KEYS
    if damage == "flip":
        content[-7] ^= 1
        array.write_bytes(content)
    elif damage == "cut":
        array.write_bytes(content[:-9])
    elif damage == "grow":
        array.write_bytes(bytes(content[:40]).replace(b"(4,", b"(9,") + content[40:])
        array.write_bytes(array.read_bytes().replace(b"(4, 8, 8)", b"(9, 8, 8)"))
    elif damage == "empty":
        array.write_bytes(b"")
    elif damage == "gone":
        array.unlink()
    elif damage == "no json":
        facts.unlink()
    elif damage == "bad json":
        facts.write_text(facts.read_text()[:-20])
    elif damage == "other json":
        facts.write_text("[1, 2]")
    else:
        keys = KEYS[::-1]
    assert read_array(tmp_path, stem, keys) is None


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def results():
        yield FACTS[0], IMAGES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_array(tmp_path, 8, results(), lambda _: ("stem", ""), Path("DATA"))
    assert not list(tmp_path.iterdir())


def test_nothing_readable_is_an_error_that_names_files(tmp_path):
    with pytest.raises(SemirayError, match=r"DATA: none of 1 images can be read\. k2: broken"):
        write_array(tmp_path, 8, [(FACTS[2], None)], lambda _: ("stem", ""), Path("DATA"))
    assert not list(tmp_path.iterdir())


def test_what_killed_starts_left_is_swept_after_a_day(tmp_path):
    old, new = tmp_path / "part-old.tmp", tmp_path / "part-new.tmp"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (time.time() - 90_000,) * 2)
    write(tmp_path)
    assert not old.exists()
    assert new.exists()


def test_json_survives_and_broken_json_is_empty(tmp_path):
    write_json(tmp_path / "a.json", {"b": [1, "ü"]})
    assert read_json(tmp_path / "a.json") == {"b": [1, "ü"]}
    (tmp_path / "a.json").write_bytes(b"\xff\xfe{")
    assert read_json(tmp_path / "a.json") == {}
    assert read_json(tmp_path / "none.json") == {}


def test_where_the_cache_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("SEMIRAY_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("SEMIRAY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "semiray"
    monkeypatch.delenv("XDG_CACHE_HOME")
    for platform in ("linux", "darwin", "win32"):
        monkeypatch.setattr(sys, "platform", platform)
        assert "semiray" in cache_folder().parts
