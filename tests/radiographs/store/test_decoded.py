from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.radiographs.pixels import decoding
from semiray.radiographs.pixels.decoding import Decoder, FileFacts, digest
from semiray.radiographs.pixels.framing import read_radiograph
from semiray.radiographs.reading.options import ReadingOptions
from semiray.radiographs.reading.readers import read_records
from semiray.radiographs.reading.records import Listing
from semiray.radiographs.reading.summary import Summary
from semiray.radiographs.store import decoded
from semiray.radiographs.store.decoded import cache_folder, decode_cached, read_decoded, write_decoded

COUNT = 20
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8), dtype=np.uint8)
FACTS = [FileFacts(f"k{i}", f"c{i}", 8, 8, "8-bit grey", "broken" if i == 2 else "") for i in range(COUNT)]
NAMES = ["decoded.json", "files.jsonl", "files.npy", "images.npy", "source.json"]


def results(first: int = 0):
    for facts, image in list(zip(FACTS, IMAGES, strict=True))[first:]:
        yield facts, None if facts.problem else image


@dataclass(frozen=True)
class Given(Decoder):
    """Gives what a function gives, in place of decoding files."""

    results: Callable = results

    def decode(self, first: int = 0):
        return self.results(first)


def write(folder: Path, decode=results, source="source", **options) -> None:
    decoder = Given(Listing(Path("DATA"), (), Summary("a layout")), 8, results=decode)
    write_decoded(folder, decoder, source, batch=3, **options)


def test_what_is_written_is_read(tmp_path):
    write(tmp_path)
    decoded = read_decoded(tmp_path, verify=True)
    assert isinstance(decoded.images, np.memmap)
    assert not decoded.images.flags.writeable
    np.testing.assert_array_equal(decoded.images, np.delete(IMAGES, 2, 0))
    assert list(decoded.files) == FACTS
    assert decoded.fingerprint == digest("2 8 crop", ((facts.key, facts.content) for facts in FACTS))
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
    write(tmp_path, lambda _: iter(list(results())[5:9]), "other")
    np.testing.assert_array_equal(read_decoded(tmp_path).images, IMAGES[5:9])


def test_pixels_need_not_be_kept(tmp_path):
    write(tmp_path, keep=False)
    decoded = read_decoded(tmp_path)
    assert decoded.images.shape == (0, 8, 8)
    assert list(decoded.files) == FACTS


def test_what_another_version_decoded_is_not_read(tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setattr(decoded, "VERSION", 10**6)
    with pytest.raises(SemirayError, match=f"{tmp_path}: its images were decoded by another version"):
        read_decoded(tmp_path)


@pytest.mark.parametrize("framing", ["crop", "pad"])
def test_what_looks_wrong_is_kept(tmp_path, framing):
    y, x = np.mgrid[:48, :60] / np.array([48, 60])[:, None, None]
    lungs = sum(((x - centre) / 0.16) ** 2 + ((y - 0.42) / 0.3) ** 2 < 1 for centre in (0.28, 0.72))
    corners = (y < 0.15) & (np.abs(x - 0.5) > 0.2)
    chest = (140 + 80 * y - 90 * lungs - 110 * corners).astype(np.uint8)
    for name, pixels in (("chest", chest), ("inverse", 255 - chest), ("black", 0 * chest), ("side", np.rot90(chest))):
        Image.fromarray(np.ascontiguousarray(pixels)).save(tmp_path / f"{name}.png")
    decoder = Decoder(read_records(tmp_path, ReadingOptions()), 32, framing)
    first = decode_cached(decoder, tmp_path / "cache", batch=2)
    assert {file.key: file.looks for file in first.files} == {
        "black.png": "black",
        "chest.png": "",
        "inverse.png": "inverted",
        "side.png": "rotated",
    }
    assert list(decode_cached(decoder, tmp_path / "cache").files) == list(first.files)


def test_files_that_are_left_out_have_no_pixels(tmp_path):
    left = [facts._replace(problem="a mask", left_out="masks") for facts in FACTS[:3]] + FACTS[3:]
    write(
        tmp_path, lambda first: iter([(f, None if f.problem else i) for f, i in zip(left, IMAGES, strict=True)][first:])
    )
    found = read_decoded(tmp_path)
    np.testing.assert_array_equal(found.images, IMAGES[3:])
    assert list(found.files) == left


def test_nothing_readable_is_an_error_that_names_files(tmp_path):
    (tmp_path / "mine").write_text("")
    with pytest.raises(SemirayError, match=r"DATA: no image can be read\. k2: broken"):
        write(tmp_path, lambda _: iter([(FACTS[2], None)]))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.fixture
def decoder(tmp_path, draw):
    for i in range(9):
        draw(tmp_path / "data" / f"{i}.png", seed=i)
    return Decoder(read_records(tmp_path / "data", ReadingOptions()), 16)


def test_an_interrupted_start_leaves_nothing_that_is_read_and_the_next_goes_on(decoder, tmp_path, monkeypatch):
    cache, decode = tmp_path / "cache", decoding.decode_grey
    opened = []

    def interrupted(raw):
        opened.append(raw)
        if len(opened) == 6:
            raise KeyboardInterrupt
        return decode(raw)

    monkeypatch.setattr(decoding, "decode_grey", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decode_cached(Decoder(decoder.listing, 16, workers=1), cache, batch=2)
    assert not list(cache.glob("start-*"))
    opened[:] = [b""] * 10
    decoded = decode_cached(Decoder(decoder.listing, 16, workers=1), cache, batch=2)
    assert len(opened) == 10 + 5  # four were kept
    for i, image in enumerate(decoded.images):
        np.testing.assert_array_equal(image, read_radiograph(tmp_path / "data" / f"{i}.png", 16))


def test_two_starts_at_once_decode_once(decoder, tmp_path, monkeypatch):
    decode, count = decoding.decode_grey, []

    def slowly(raw):
        count.append(raw)
        time.sleep(0.01)
        return decode(raw)

    monkeypatch.setattr(decoding, "decode_grey", slowly)
    found = []
    threads = [threading.Thread(target=lambda: found.append(decode_cached(decoder, tmp_path / "c"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(count) == 9
    assert len({decoded.fingerprint for decoded in found}) == 1


def test_what_killed_starts_left_is_swept_after_a_week(decoder, tmp_path):
    cache = tmp_path / "cache"
    for name in ("old", "new"):
        (cache / f"part-{name}").mkdir(parents=True)
        (cache / f"part-{name}" / "images.npy").write_bytes(b"x")
    os.utime(cache / "part-old", (time.time() - 8 * 86_400,) * 2)
    decode_cached(decoder, cache)
    assert not (cache / "part-old").exists()
    assert (cache / "part-new").exists()


def test_a_file_that_goes_while_it_is_read_stops_the_start(decoder, tmp_path):
    (tmp_path / "data" / "5.png").unlink()
    with pytest.raises(SemirayError, match=r"5\.png is gone since .* listed"):
        decode_cached(decoder, tmp_path / "cache")


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
