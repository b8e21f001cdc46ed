from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.store import images as store
from semiray.radiographs.store.images import (
    FileFacts,
    cache_folder,
    digest,
    read_decoded,
    read_json,
    unseal,
    write_decoded,
)

COUNT = 20
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8), dtype=np.uint8)
FACTS = [FileFacts(f"k{i}", f"c{i}", 8, 8, "8-bit grey", "broken" if i == 2 else "") for i in range(COUNT)]
NAMES = ["decoded.json", "files.jsonl", "files.npy", "images.npy", "source.json"]


def results(first: int = 0):
    for facts, image in list(zip(FACTS, IMAGES, strict=True))[first:]:
        yield facts, None if facts.problem else image


def write(folder: Path, decode=results, **options) -> None:
    write_decoded(
        folder, Path("DATA"), "source", 8, decode, lambda files: digest("", (file.content for file in files)), **options
    )


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(store, "_BATCH", 3)


def test_what_is_written_is_read(tmp_path):
    write(tmp_path)
    decoded = read_decoded(tmp_path, verify=True)
    assert isinstance(decoded.images, np.memmap)
    assert not decoded.images.flags.writeable
    np.testing.assert_array_equal(decoded.images, np.delete(IMAGES, 2, 0))
    assert list(decoded.files) == FACTS
    assert decoded.fingerprint == digest("", (facts.content for facts in FACTS))
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES
    # Any program that reads .npy reads it.
    np.testing.assert_array_equal(np.load(tmp_path / "images.npy", allow_pickle=False), decoded.images)


@pytest.mark.parametrize("name", NAMES[:-1])
@pytest.mark.parametrize("damage", ["flip", "cut", "grow", "empty", "gone", "other"])
def test_damage_is_noticed(tmp_path, name, damage):
    write(tmp_path)
    file = tmp_path / name
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[-7] ^= 1
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(content[:-9])
    elif damage == "grow":
        file.write_bytes(bytes(content) + b" x")
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "gone":
        file.unlink()
    else:
        file.write_text("[1, 2]")
    with pytest.raises(SemirayError, match=f"{name} is missing or damaged"):
        read_decoded(tmp_path)


def test_checksums_of_large_files_are_compared_when_asked(tmp_path, monkeypatch):
    write(tmp_path)
    content = bytearray((tmp_path / "images.npy").read_bytes())
    content[-1] ^= 1
    (tmp_path / "images.npy").write_bytes(content)
    monkeypatch.setattr(store, "_CHEAP", 1000)
    assert len(read_decoded(tmp_path).images) == COUNT - 1
    with pytest.raises(SemirayError, match=r"images\.npy"):
        unseal(tmp_path / "decoded.json", verify=True)


@pytest.mark.parametrize("at", [0, 2, 7, 19])
@pytest.mark.parametrize("lost", [0, 1, 100, 10_000])
def test_an_interrupted_write_is_gone_on_with(tmp_path, at, lost):
    begun = []

    def interrupted(first):
        begun.append(first)
        yield from list(results(first))[: at - first]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, interrupted)
    with pytest.raises(SemirayError):
        read_decoded(tmp_path)
    # What the system hadn't written yet, or wrote in part.
    pixels = (tmp_path / "images.npy").read_bytes()
    (tmp_path / "images.npy").write_bytes(pixels[: len(pixels) - lost])
    with (tmp_path / "files.jsonl").open("ab") as lines:
        lines.write(b'["k1", "c')

    def resumed(first):
        begun.append(first)
        return results(first)

    write(tmp_path, resumed)
    assert begun[0] == 0
    assert begun[1] == (at // 3 * 3 if lost == 0 else begun[1]) <= at
    decoded = read_decoded(tmp_path, verify=True)
    np.testing.assert_array_equal(decoded.images, np.delete(IMAGES, 2, 0))
    assert list(decoded.files) == FACTS


def test_another_source_starts_anew(tmp_path):
    write(tmp_path)
    write_decoded(tmp_path, Path("DATA"), "other", 8, lambda _: iter(list(results())[5:9]), lambda _: "f")
    np.testing.assert_array_equal(read_decoded(tmp_path).images, IMAGES[5:9])


def test_pixels_need_not_be_kept(tmp_path):
    write(tmp_path, keep=False)
    decoded = read_decoded(tmp_path)
    assert decoded.images.shape == (0, 8, 8)
    assert list(decoded.files) == FACTS


def test_nothing_readable_is_an_error_that_names_files(tmp_path):
    (tmp_path / "mine").write_text("")
    with pytest.raises(SemirayError, match=r"DATA: none of 1 images can be read\. k2: broken"):
        write(tmp_path, lambda _: iter([(FACTS[2], None)]))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_broken_json_is_empty(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"b": [1, "ü"]}), encoding="utf-8")
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
