from __future__ import annotations

import os
import sys
import threading
import time

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.pixels import decoding
from semiray.radiographs.pixels.decoding import Decoder
from semiray.radiographs.pixels.framing import read_radiograph
from semiray.radiographs.reading.readers import read_records
from semiray.radiographs.store.cache import cache_folder, decode_cached


@pytest.fixture
def decoder(tmp_path, draw):
    for i in range(9):
        draw(tmp_path / "data" / f"{i}.png", seed=i)
    return Decoder(read_records(tmp_path / "data"), 16)


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
