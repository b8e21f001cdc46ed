from __future__ import annotations

import json
import os
import shutil
import time

import numpy as np
import pytest

from semiray.cli import main
from semiray.errors import SemirayError
from semiray.radiographs import load_radiographs, prepare_radiographs, split_by_patient
from semiray.radiographs.inspection import inspect
from semiray.radiographs.pixels.decoding import Decoder
from semiray.radiographs.store import sets
from semiray.radiographs.store.prepared import is_prepared
from semiray.radiographs.store.sets import open_set

OPTIONS = {"patient_from": r"(\d)\.png", "classes": {"P": "ill", "N": "healthy"}}


@pytest.fixture
def folder(tmp_path, draw):
    for i in range(40):
        draw(tmp_path / "data" / "NPQ"[i % 3] / f"{i:02d}.png", seed=i)
    (tmp_path / "data" / "N" / "broken.png").write_bytes(b"no image")
    lines = [f"{i:02d}.png,{i}" for i in range(0, 40, 2)]
    (tmp_path / "data" / "table.csv").write_text("\n".join(["file,age", *lines]))
    return tmp_path / "data"


@pytest.mark.parametrize("framing", ["crop", "pad"])
def test_a_prepared_set_is_the_set_itself(folder, tmp_path, framing):
    reading = {"resolution": 16, "framing": framing, **OPTIONS}
    original = load_radiographs(folder, cache=tmp_path / "cache", **reading)
    prepare_radiographs(folder, tmp_path / "prepared", **reading)
    shutil.rmtree(folder)  # nothing of it is needed any more
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


def test_inspection_sees_the_files_that_it_was_made_of(folder, tmp_path):
    shutil.copy(folder / "N" / "00.png", folder / "P" / "copy.png")
    prepare_radiographs(folder, tmp_path / "prepared", resolution=32, framing="pad")
    ours = inspect(tmp_path / "prepared", sheet=tmp_path / "sheet.png")
    theirs = inspect(folder, resolution=32, framing="pad", cache=tmp_path / "cache")
    ours_said, theirs_said = ours.to_dict(), theirs.to_dict()
    assert ours.layout == f"a prepared set ({theirs.layout})"
    assert ours.exact == (("N/00.png", "P/copy.png"),)
    for name in set(ours_said) - {"root", "layout"}:
        assert ours_said[name] == theirs_said[name], name


def test_what_was_prepared_otherwise_is_refused(folder, tmp_path):
    prepare_radiographs(folder, tmp_path / "prepared", resolution=16, **OPTIONS)
    with pytest.raises(SemirayError, match=r"with resolution=16, not 32: give resolution=16"):
        load_radiographs(tmp_path / "prepared", resolution=32)
    with pytest.raises(SemirayError, match="with framing=crop, not pad"):
        load_radiographs(tmp_path / "prepared", resolution=16, framing="pad")
    with pytest.raises(SemirayError, match="fixed when it was prepared"):
        load_radiographs(tmp_path / "prepared", resolution=16, classes=["N"])
    with pytest.raises(SemirayError, match="label_from not given"):
        load_radiographs(tmp_path / "prepared", resolution=16, label_from="N|P")
    assert len(load_radiographs(tmp_path / "prepared", resolution=16, **OPTIONS)) == 27


def test_another_set_is_not_overwritten_and_the_same_is_left(folder, tmp_path):
    out = tmp_path / "prepared"
    prepare_radiographs(folder, out, resolution=16)
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name != ".lock"}
    prepare_radiographs(folder, out, resolution=16)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name != ".lock"} == before
    for other in ({"resolution": 8}, {"resolution": 16, "classes": ["N", "P"]}, {"resolution": 16, "framing": "pad"}):
        with pytest.raises(SemirayError, match="contains another prepared set"):
            prepare_radiographs(folder, out, **other)
    with pytest.raises(SemirayError, match="a prepared set already"):
        prepare_radiographs(out, tmp_path / "again", resolution=16)
    with pytest.raises(SemirayError, match=r"contains other files \(N, P, Q\)"):
        prepare_radiographs(folder, folder, resolution=16)
    (tmp_path / "file").write_text("")
    with pytest.raises(SemirayError, match="is a file"):
        prepare_radiographs(folder, tmp_path / "file", resolution=16)


@pytest.mark.parametrize(
    "name", ["images.npy", "labels.npy", "patients.npy", "rows.jsonl", "patient_codes.npy", "set.json"]
)
def test_damage_is_noticed_and_mended_by_preparing_again(folder, tmp_path, name):
    out = tmp_path / "prepared"
    whole = np.array(prepare_radiographs(folder, out, resolution=16).images)
    content = (out / name).read_bytes()
    (out / name).write_bytes(content[:-3])
    with pytest.raises(SemirayError, match=f"{name} is missing or damaged. Delete this folder"):
        load_radiographs(out, resolution=16)
    np.testing.assert_array_equal(prepare_radiographs(folder, out, resolution=16).images, whole)


def test_a_later_version_is_refused(folder, tmp_path):
    prepare_radiographs(folder, tmp_path / "prepared", resolution=16)
    facts = tmp_path / "prepared" / "set.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"version": 99}))
    with pytest.raises(SemirayError, match="later version of semiray"):
        open_set(tmp_path / "prepared")


def test_an_earlier_version_is_prepared_again_without_decoding(folder, tmp_path, monkeypatch):
    out = tmp_path / "prepared"
    whole = np.array(prepare_radiographs(folder, out, resolution=16).images)
    facts = out / "set.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"version": 1}))
    (out / "names.jsonl").write_text("")
    with pytest.raises(SemirayError, match="earlier version of semiray"):
        load_radiographs(out, resolution=16)
    monkeypatch.setattr(Decoder, "decode", lambda *_: pytest.fail("decoded again"))
    np.testing.assert_array_equal(prepare_radiographs(folder, out, resolution=16).images, whole)
    assert not (out / "names.jsonl").exists()


def test_what_is_not_finished_says_so(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sets, "write_lines", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        prepare_radiographs(folder, tmp_path / "prepared", resolution=16)
    with pytest.raises(SemirayError, match="isn't complete"):
        load_radiographs(tmp_path / "prepared", resolution=16)
    assert not is_prepared(folder)


@pytest.mark.parametrize("number", [28, 5])
def test_a_full_disk_is_a_sentence_and_the_next_start_goes_on(folder, tmp_path, monkeypatch, number, capsys):
    def full(_):
        raise OSError(number, os.strerror(number))

    words = ["data", "prepare", str(folder), "--out", str(tmp_path / "prepared"), "--resolution", "16"]
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        assert main(words) == 2
    assert f"prepared: the set can't be written ({os.strerror(number)})" in capsys.readouterr().err
    assert main(words) == 0
    assert len(open_set(tmp_path / "prepared").radiographs) == 40


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may write anywhere")
def test_a_read_only_folder_is_a_sentence(folder, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(SemirayError, match="can't be written"):
        prepare_radiographs(folder, tmp_path / "locked" / "prepared", resolution=16)


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
