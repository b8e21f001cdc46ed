from __future__ import annotations

import json
import os
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from semiray.cli import main
from semiray.errors import SemirayError
from semiray.radiographs import ReadingOptions, Split, inspect, split_by_patient
from semiray.radiographs.loading import is_prepared, load_radiographs, prepare_radiographs
from semiray.radiographs.phantom import save_phantoms
from semiray.radiographs.pixels import decoding
from semiray.radiographs.pixels.decoding import Decoder
from semiray.radiographs.pixels.framing import read_radiograph
from semiray.radiographs.store import sets
from semiray.radiographs.store.sets import open_set

OPTIONS = {"patient_from": r"(\d)\.png", "classes": {"P": "ill", "N": "healthy"}}


@pytest.fixture
def folder(tmp_path, draw):
    for i in range(6):
        draw(tmp_path / "data" / "NP"[i % 2] / f"{i}.png", seed=i)
    return tmp_path / "data"


@pytest.fixture
def opened(monkeypatch):
    """The image files that are opened."""
    seen: list[str] = []
    read = decoding.read_bytes

    def spy(record):
        seen.append(record.path.name)
        return read(record)

    monkeypatch.setattr(decoding, "read_bytes", spy)
    return seen


@pytest.mark.parametrize("framing", ["crop", "pad"])
def test_pixels_labels_and_names_belong_together(folder, tmp_path, framing):
    xrays = load_radiographs(folder, resolution=16, framing=framing, cache=tmp_path / "cache", workers=3)
    assert xrays.images.shape == (6, 16, 16)
    assert xrays.images.dtype == np.uint8
    assert xrays.classes == ("N", "P")
    assert xrays.labels.dtype == np.int64
    for i, key in enumerate(xrays.keys):
        np.testing.assert_array_equal(xrays.images[i], read_radiograph(folder / key, 16, framing))
        assert xrays.classes[xrays.labels[i]] == key[0]


def test_the_second_start_opens_no_image(folder, tmp_path, opened):
    first = load_radiographs(folder, resolution=16, cache=tmp_path / "cache")
    assert len(opened) == 6
    progress = []
    second = load_radiographs(folder, resolution=16, cache=tmp_path / "cache", progress=lambda *at: progress.append(at))
    assert len(opened) == 6
    assert not progress
    np.testing.assert_array_equal(first.images, second.images)
    assert first.fingerprint == second.fingerprint
    # Neither do other labels, which are no matter of pixels.
    other = load_radiographs(folder, resolution=16, cache=tmp_path / "cache", label_from=r"/(\d)")
    assert len(opened) == 6
    assert len(other.classes) == 6
    assert other.fingerprint != first.fingerprint


def test_settings_and_contents_make_another_cache(folder, tmp_path, draw):
    load = lambda **options: load_radiographs(folder, cache=tmp_path / "cache", **options)  # noqa: E731
    prints = {
        load(resolution=16).fingerprint,
        load(resolution=8).fingerprint,
        load(resolution=16, framing="pad").fingerprint,
    }
    assert len(prints) == 3
    before = load(resolution=16)
    stat = (folder / "N" / "0.png").stat()
    draw(folder / "N" / "0.png", seed=99)
    after = load(resolution=16)
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.images[0], read_radiograph(folder / "N" / "0.png", 16))
    assert stat.st_size > 0


@pytest.mark.skipif(os.name == "nt", reason="the time of change of a file's name and rights is a POSIX notion")
def test_a_change_that_keeps_size_and_time_is_seen(tmp_path):
    path = tmp_path / "data" / "a.bmp"
    path.parent.mkdir()
    Image.new("L", (8, 8), 10).save(path)
    stat = path.stat()
    load_radiographs(path.parent, resolution=8, cache=tmp_path / "cache")
    Image.new("L", (8, 8), 20).save(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert load_radiographs(path.parent, resolution=8, cache=tmp_path / "cache").images[0, 0, 0] == 20


def test_a_copy_is_compared_but_not_decoded(folder, tmp_path, opened, monkeypatch):
    first = load_radiographs(folder, resolution=16, cache=tmp_path / "cache")
    shutil.copytree(folder, tmp_path / "copy")
    monkeypatch.setattr(decoding, "decode_grey", lambda *_: pytest.fail("decoded again"))
    copied = load_radiographs(tmp_path / "copy", resolution=16, cache=tmp_path / "cache")
    assert copied.fingerprint == first.fingerprint
    assert len(opened) == 12
    load_radiographs(tmp_path / "copy", resolution=16, cache=tmp_path / "cache")
    assert len(opened) == 12


@pytest.mark.parametrize("kind", ["*/images.npy", "*/files.jsonl", "*/files.npy", "*/decoded.json", "start-*.json"])
@pytest.mark.parametrize("damage", ["cut", "noise", "gone"])
def test_a_damaged_cache_is_built_again(folder, tmp_path, kind, damage):
    first = np.array(load_radiographs(folder, resolution=16, cache=tmp_path / "cache").images)
    damaged = list((tmp_path / "cache").glob(kind))
    assert len(damaged) == 1
    for path in damaged:
        content = path.read_bytes()
        if damage == "cut":
            path.write_bytes(content[: len(content) // 2])
        elif damage == "noise":
            path.write_bytes(content[:-30] + bytes(30))
        else:
            path.unlink()
    np.testing.assert_array_equal(load_radiographs(folder, resolution=16, cache=tmp_path / "cache").images, first)


def test_unreadable_files_are_skipped_and_named(folder, tmp_path, opened):
    (folder / "N" / "empty.png").write_bytes(b"")
    (folder / "P" / "text.jpg").write_text("no image")
    half = (folder / "N" / "0.png").read_bytes()
    (folder / "P" / "half.png").write_bytes(half[: len(half) // 2])
    for _ in range(2):
        xrays = load_radiographs(folder, resolution=16, cache=tmp_path / "cache")
        assert len(xrays) == 6
        assert [key for key, _ in xrays.skipped] == ["N/empty.png", "P/half.png", "P/text.jpg"]
        assert "0 bytes" in dict(xrays.skipped)["N/empty.png"]
    assert len(opened) == 9


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_broken_links_do_not_stop_the_start(folder, tmp_path):
    os.mkfifo(folder / "N" / "pipe.png")
    (folder / "N" / "link.png").symlink_to(folder / "nowhere.png")
    xrays = load_radiographs(folder, resolution=16, cache=tmp_path / "cache")
    assert dict(xrays.skipped) == {"N/pipe.png": "not a regular file, or gone", "N/link.png": "a broken link"}


def test_a_class_without_a_readable_image_disappears(folder, tmp_path):
    (folder / "Q").mkdir()
    (folder / "Q" / "a.png").write_bytes(b"")
    assert load_radiographs(folder, resolution=16, cache=tmp_path / "cache").classes == ("N", "P")


def test_nothing_readable_is_an_error(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").write_bytes(b"")
    with pytest.raises(SemirayError, match=r"data: no image can be read\. a\.png"):
        load_radiographs(tmp_path / "data", resolution=16, cache=tmp_path / "cache")


def test_wrong_settings_and_places_are_explained(folder, tmp_path):
    with pytest.raises(SemirayError, match="at least 1"):
        load_radiographs(folder, resolution=0, cache=tmp_path / "cache")
    with pytest.raises(SemirayError, match="'crop' or 'pad'"):
        load_radiographs(folder, resolution=8, framing="stretch", cache=tmp_path / "cache")
    (tmp_path / "file").write_text("")
    with pytest.raises(SemirayError, match="SEMIRAY_CACHE"):
        load_radiographs(folder, resolution=8, cache=tmp_path / "file")


def test_progress_counts_files(folder, tmp_path):
    seen = []
    load_radiographs(folder, resolution=8, cache=tmp_path / "cache", progress=lambda *at: seen.append(at))
    assert seen == [(i, 6) for i in range(1, 7)]


def test_the_number_of_threads_changes_nothing(folder, tmp_path):
    sets = [load_radiographs(folder, resolution=16, cache=tmp_path / str(n), workers=n) for n in (1, 4)]
    np.testing.assert_array_equal(sets[0].images, sets[1].images)
    assert sets[0].fingerprint == sets[1].fingerprint


def test_hannover(shared_data, tmp_path):
    xrays = load_radiographs(shared_data / "hannover", resolution=32, cache=tmp_path)
    assert xrays.images.shape == (243, 32, 32)
    assert not xrays.skipped
    assert 100 < xrays.images.mean() < 170


def test_paths_may_be_text_and_begin_at_home(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    xrays = load_radiographs("~/data", resolution=16, cache="~/cache")
    assert len(xrays) == 6
    assert list((tmp_path / "cache").glob("start-*"))
    assert len(prepare_radiographs("~/data", "~/prepared", resolution=16)) == 6
    assert len(inspect("~/prepared", sheet="~/sheet.png").data.radiographs) == 6
    assert (tmp_path / "sheet.png").exists()
    np.testing.assert_array_equal(read_radiograph(f"~/data/{xrays.keys[0]}", 16), xrays.images[0])
    split = split_by_patient(xrays)
    split.save("~/split.json", xrays.keys)
    np.testing.assert_array_equal(Split.load("~/split.json", xrays.keys).train, split.train)
    save_phantoms("~/phantoms", np.zeros((1, 16, 16), np.uint8), np.zeros((1, 20)), [0], [f"c{i}" for i in range(20)])
    assert (tmp_path / "phantoms" / "factors.csv").exists()


def test_classes_may_be_a_list(folder, tmp_path):
    xrays = load_radiographs(str(folder), resolution=16, cache=str(tmp_path / "cache"), classes=["P", "N"])
    assert xrays.classes == ("P", "N")
    assert xrays.options == ReadingOptions(classes={"P": "P", "N": "N"})
    with pytest.raises(SemirayError, match="clases: no such option"):
        load_radiographs(folder, resolution=16, clases=["P"])


@pytest.fixture
def mixed(tmp_path, draw):
    for i in range(40):
        draw(tmp_path / "data" / "NPQ"[i % 3] / f"{i:02d}.png", seed=i)
    (tmp_path / "data" / "N" / "broken.png").write_bytes(b"no image")
    lines = [f"{i:02d}.png,{i}" for i in range(0, 40, 2)]
    (tmp_path / "data" / "table.csv").write_text("\n".join(["file,age", *lines]))
    return tmp_path / "data"


@pytest.mark.parametrize("framing", ["crop", "pad"])
def test_a_prepared_set_is_the_set_itself(mixed, tmp_path, framing):
    reading = {"resolution": 16, "framing": framing, **OPTIONS}
    original = load_radiographs(mixed, cache=tmp_path / "cache", **reading)
    prepare_radiographs(mixed, tmp_path / "prepared", **reading)
    shutil.rmtree(mixed)  # nothing of it is needed any more
    kept = load_radiographs(str(tmp_path / "prepared"), resolution=16)  # labels, patients, framing: its own
    np.testing.assert_array_equal(kept.images, original.images)
    np.testing.assert_array_equal(kept.labels, original.labels)
    np.testing.assert_array_equal(np.asarray(kept.patients), original.patients)
    np.testing.assert_array_equal(kept.patient_codes, original.patient_codes)
    assert isinstance(kept.images, np.memmap)
    assert not kept.images.flags.writeable
    assert kept.options == original.options
    assert kept.options.classes == OPTIONS["classes"]
    assert kept.classes == original.classes == ("ill", "healthy")
    assert tuple(kept.keys) == original.keys
    assert tuple(kept.metadata) == original.metadata
    assert any(row.get("age") == "4" for row in kept.metadata)
    for name in ("fingerprint", "skipped", "notes"):
        assert getattr(kept, name) == getattr(original, name), name
    assert [key for key, _ in kept.skipped] == ["N/broken.png"]
    for part in ("train", "validation", "test"):
        ours, theirs = (getattr(split_by_patient(data), part) for data in (kept, original))
        np.testing.assert_array_equal(ours, theirs)
    taken, same = (data.take([3, 0, 3]) for data in (kept, original))
    assert (taken.keys, taken.metadata, taken.fingerprint) == (same.keys, same.metadata, same.fingerprint)
    np.testing.assert_array_equal(taken.patients, same.patients)
    assert kept.groups("age")[1] == original.groups("age")[1]


def test_inspection_sees_the_files_that_it_was_made_of(mixed, tmp_path):
    shutil.copy(mixed / "N" / "00.png", mixed / "P" / "copy.png")
    prepare_radiographs(mixed, tmp_path / "prepared", resolution=32, framing="pad")
    ours = inspect(tmp_path / "prepared", sheet=tmp_path / "sheet.png")
    theirs = inspect(mixed, resolution=32, framing="pad", cache=tmp_path / "cache")
    ours_said, theirs_said = vars(ours), vars(theirs)
    assert ours.data.layout == f"a prepared set ({theirs.data.layout})"
    assert ours.exact == (("N/00.png", "P/copy.png"),)
    for name in set(ours_said) - {"data"}:
        assert ours_said[name] == theirs_said[name], name
    assert ours.lines()[2:] == theirs.lines()[2:]


def test_what_was_prepared_otherwise_is_refused(mixed, tmp_path):
    prepare_radiographs(mixed, tmp_path / "prepared", resolution=16, **OPTIONS)
    with pytest.raises(SemirayError, match=r"with resolution=16, not 32: give resolution=16"):
        load_radiographs(tmp_path / "prepared", resolution=32)
    with pytest.raises(SemirayError, match="with framing=crop, not pad"):
        load_radiographs(tmp_path / "prepared", resolution=16, framing="pad")
    with pytest.raises(SemirayError, match="fixed when it was prepared"):
        load_radiographs(tmp_path / "prepared", resolution=16, classes=["N"])
    with pytest.raises(SemirayError, match="label_from not given"):
        load_radiographs(tmp_path / "prepared", resolution=16, label_from="N|P")
    assert len(load_radiographs(tmp_path / "prepared", resolution=16, **OPTIONS)) == 27


def test_another_set_is_not_overwritten_and_the_same_is_left(mixed, tmp_path):
    out = tmp_path / "prepared"
    prepare_radiographs(mixed, out, resolution=16)
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name != ".lock"}
    prepare_radiographs(mixed, out, resolution=16)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name != ".lock"} == before
    for other in ({"resolution": 8}, {"resolution": 16, "classes": ["N", "P"]}, {"resolution": 16, "framing": "pad"}):
        with pytest.raises(SemirayError, match="contains another prepared set"):
            prepare_radiographs(mixed, out, **other)
    with pytest.raises(SemirayError, match="a prepared set already"):
        prepare_radiographs(out, tmp_path / "again", resolution=16)
    with pytest.raises(SemirayError, match=r"contains other files \(N, P, Q\)"):
        prepare_radiographs(mixed, mixed, resolution=16)
    (tmp_path / "file").write_text("")
    with pytest.raises(SemirayError, match="is a file"):
        prepare_radiographs(mixed, tmp_path / "file", resolution=16)


@pytest.mark.parametrize(
    "name", ["images.npy", "labels.npy", "patients.npy", "rows.jsonl", "patient_codes.npy", "set.json"]
)
def test_damage_is_noticed_and_mended_by_preparing_again(mixed, tmp_path, name):
    out = tmp_path / "prepared"
    whole = np.array(prepare_radiographs(mixed, out, resolution=16).images)
    content = (out / name).read_bytes()
    (out / name).write_bytes(content[:-3])
    with pytest.raises(SemirayError, match=f"{name} is missing or damaged. Delete this folder"):
        load_radiographs(out, resolution=16)
    np.testing.assert_array_equal(prepare_radiographs(mixed, out, resolution=16).images, whole)


def test_a_later_version_is_refused(mixed, tmp_path):
    prepare_radiographs(mixed, tmp_path / "prepared", resolution=16)
    facts = tmp_path / "prepared" / "set.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"version": 99}))
    with pytest.raises(SemirayError, match="later version of semiray"):
        open_set(tmp_path / "prepared")


def test_an_earlier_version_is_prepared_again_without_decoding(mixed, tmp_path, monkeypatch):
    out = tmp_path / "prepared"
    whole = np.array(prepare_radiographs(mixed, out, resolution=16).images)
    facts = out / "set.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"version": 1}))
    with pytest.raises(SemirayError, match="earlier version of semiray"):
        load_radiographs(out, resolution=16)
    monkeypatch.setattr(Decoder, "decode", lambda *_: pytest.fail("decoded again"))
    np.testing.assert_array_equal(prepare_radiographs(mixed, out, resolution=16).images, whole)


def test_what_is_not_finished_says_so(mixed, tmp_path, monkeypatch):
    monkeypatch.setattr(sets, "write_lines", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        prepare_radiographs(mixed, tmp_path / "prepared", resolution=16)
    with pytest.raises(SemirayError, match="isn't complete"):
        load_radiographs(tmp_path / "prepared", resolution=16)
    assert not is_prepared(mixed)


@pytest.mark.parametrize("number", [28, 5])
def test_a_full_disk_is_a_sentence_and_the_next_start_goes_on(mixed, tmp_path, monkeypatch, number, capsys):
    def full(_):
        raise OSError(number, os.strerror(number))

    words = ["data", "prepare", str(mixed), "--out", str(tmp_path / "prepared"), "--resolution", "16"]
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        assert main(words) == 2
    assert f"prepared: the set can't be written ({os.strerror(number)})" in capsys.readouterr().err
    assert main(words) == 0
    assert len(open_set(tmp_path / "prepared").radiographs) == 40


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may write anywhere")
def test_a_read_only_folder_is_a_sentence(mixed, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(SemirayError, match="can't be written"):
        prepare_radiographs(mixed, tmp_path / "locked" / "prepared", resolution=16)


@pytest.mark.slow
def test_killed_at_any_moment_it_is_never_half_a_set(tmp_path, draw, killable):
    for i in range(600):
        draw(tmp_path / "data" / "NP"[i % 2] / f"{i:03d}.png", seed=i)
    original = load_radiographs(tmp_path / "data", resolution=32, cache=tmp_path / "cache")
    pixels, out = np.array(original.images), tmp_path / "prepared"
    words = ["data", "prepare", tmp_path / "data", "--out", out, "--resolution", "32"]
    killable(["--version"], None)  # the server of processes starts
    started = time.monotonic()
    assert killable(words, None) == 0
    whole = time.monotonic() - started
    killed = 0
    for round_, moments in enumerate(np.random.default_rng(0).uniform(0, whole, (4, 3))):
        if out.exists():
            shutil.rmtree(out)
        for moment in moments:
            killed += killable(words, float(moment)) == -9
            if (out / "set.json").exists():
                np.testing.assert_array_equal(open_set(out, verify=True).radiographs.images, pixels)
            elif (out / "files.jsonl").exists():
                with pytest.raises(SemirayError, match="isn't complete"):
                    load_radiographs(out, resolution=32)
        assert killable(words, None) == 0, round_
        kept = open_set(out, verify=True).radiographs
        np.testing.assert_array_equal(kept.images, pixels)
        assert (kept.fingerprint, tuple(kept.keys)) == (original.fingerprint, original.keys)
        assert not [path.name for path in out.iterdir() if path.name.endswith(".partial")]
    assert killed > 0
