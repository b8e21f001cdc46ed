"""`semiray train`, killed at any moment and resumed, ends with the bits of a run that never was."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from semiray.cli import main
from semiray.demo import make_phantoms
from semiray.errors import SemirayError
from semiray.files import hold_folder
from semiray.training import Run
from semiray.training.checkpoints import load_tensors, save_tensors

Killable = Callable[[Sequence[object], float | None], int | None]
KILLS = 30
SMALL = ["networks.width=4", "networks.widest=8", "networks.noise=4", "optimisation.batch=8", "checkpoint_seconds=0.02"]


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kills") / "phantoms"
    os.environ["SEMIRAY_CACHE"] = str(folder.parent / "cache")
    make_phantoms(folder, 60, resolution=32)
    yield folder
    del os.environ["SEMIRAY_CACHE"]


def check_whole(run: Path) -> None:
    """Every file that bears a final name is whole."""
    for path in run.rglob("*.safetensors"):
        if not path.name.startswith("."):
            load_tensors(path)
    for path in run.rglob("*.png"):
        if not path.name.startswith("."):
            with Image.open(path) as image:
                image.load()
    if (run / "model.safetensors").exists():
        Run.load(run)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a Unix signal")
def test_thirty_kills_cost_time_and_nothing_else(phantoms: Path, tmp_path: Path, killable: Killable) -> None:
    first = ["train", phantoms, "--resolution", "32", "--images", "160", *(f"--set={size}" for size in SMALL)]
    again = ["train", phantoms, "--resume"]
    assert killable([*first, "--out", tmp_path / "whole"], None) == 0  # decodes, and warms the machine up
    shutil.rmtree(tmp_path / "whole")
    started = time.monotonic()
    assert killable([*first, "--out", tmp_path / "whole"], None) == 0
    seconds = time.monotonic() - started
    whole, _ = load_tensors(tmp_path / "whole" / "model.safetensors")
    draws, killed, runs = np.random.default_rng(0), 0, 0
    while killed < KILLS:
        runs += 1
        run = tmp_path / f"killed-{runs}"
        while True:
            begun = (run / "settings.yaml").exists()
            moment = float(draws.uniform(0.0, seconds)) if killed < KILLS else None
            code = killable([*(again if begun else first), "--out", run], moment)
            check_whole(run)
            if code == 0:
                break
            assert code == -9, f"run {runs} ended with {code}"
            killed += 1
        tensors, _ = load_tensors(run / "model.safetensors")
        assert all(torch.equal(tensor, tensors[name]) for name, tensor in whole.items())
        assert not list(run.rglob(".*.partial"))


def test_a_second_process_is_told_and_the_first_goes_on(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with hold_folder(tmp_path / "run"):
        assert main(["train", str(phantoms), "--out", str(tmp_path / "run"), "--resolution", "32"]) == 2
        assert "another process is writing files to" in capsys.readouterr().err


def test_a_full_disk_keeps_the_last_checkpoint(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    words = ["train", str(phantoms), "--out", str(out), "--resolution", "32", *(f"--set={size}" for size in SMALL)]
    assert main([*words, "--images", "64"]) == 0
    before = (out / "model.safetensors").read_bytes()

    def full(path: Path, *_: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("semiray.training.checkpoints.write_whole", full)
    capsys.readouterr()
    assert main(["train", str(phantoms), "--out", str(out), "--resume", "--images", "96"]) == 2
    said = capsys.readouterr().err
    assert "can't be written (No space left on device). Solve that first, e.g. by freeing space." in said
    assert "The last good checkpoint is step-000000008.safetensors" in said
    assert (out / "model.safetensors").read_bytes() == before
    monkeypatch.undo()
    assert main(["train", str(phantoms), "--out", str(out), "--resume", "--images", "96"]) == 0


def test_a_damaged_model_is_written_again_from_the_checkpoint(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    words = ["train", str(phantoms), "--out", str(out), "--resolution", "32", *(f"--set={size}" for size in SMALL)]
    assert main([*words, "--images", "64"]) == 0
    whole, metadata = (out / "model.safetensors").read_bytes(), load_tensors(out / "model.safetensors")[1]
    (out / "model.safetensors").write_bytes(whole[:-2] + bytes([whole[-2] ^ 4]) + whole[-1:])
    with pytest.raises(SemirayError, match="resume=True writes it again"):
        Run.load(out)
    newest = max((out / "state").iterdir())
    assert main(["train", str(phantoms), "--out", str(out), "--resume", "--images", "64"]) == 0
    assert load_tensors(out / "model.safetensors")[1] == metadata
    raw = newest.read_bytes()
    newest.write_bytes(raw[:-2] + bytes([raw[-2] ^ 4]) + raw[-1:])
    capsys.readouterr()
    assert main(["train", str(phantoms), "--out", str(out), "--resume", "--images", "64"]) == 0
    assert f"semiray: warning: {newest} is damaged" in capsys.readouterr().err


def test_data_that_vanished_is_said_before_anything_is_touched(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    words = ["train", str(phantoms), "--out", str(out), "--resolution", "32", *(f"--set={size}" for size in SMALL)]
    assert main([*words, "--images", "64"]) == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert main(["train", str(tmp_path / "gone"), "--out", str(out), "--resume", "--images", "96"]) == 2
    assert "gone" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_checkpoint_found_damaged_is_set_aside_so_that_two_whole_ones_are_kept(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    words = ["train", str(phantoms), "--out", str(out), "--resolution", "32", *(f"--set={size}" for size in SMALL)]
    assert main([*words, "--images", "64"]) == 0
    newest = max((out / "state").glob("step-*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:1000])
    assert main(["train", str(phantoms), "--out", str(out), "--resume", "--images", "96"]) == 0
    assert "skipped" in capsys.readouterr().err
    assert newest.with_suffix(".damaged").exists()
    kept = list((out / "state").glob("step-*.safetensors"))
    assert len(kept) == 2
    for path in kept:
        load_tensors(path)


def test_training_into_a_folder_that_was_replaced_stops_and_leaves_the_other_alone(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, moved = tmp_path / "run", tmp_path / "moved"

    def write_then_move(*arguments: Any) -> None:
        save_tensors(*arguments)
        if not moved.exists():
            out.rename(moved)
            out.mkdir()

    monkeypatch.setattr("semiray.training.trainer.save_tensors", write_then_move)
    words = ["train", str(phantoms), "--out", str(out), "--resolution", "32", *(f"--set={size}" for size in SMALL)]
    assert main([*words, "--images", "96"]) == 2
    assert "was removed, moved or replaced" in capsys.readouterr().err
    assert not any(out.rglob("*.safetensors"))
    assert list((moved / "state").glob("step-*.safetensors"))
