"""Training as a whole, seconds long: what it leaves on disk, and that a kill costs nothing but time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semiray import structured
from semiray.demo import make_phantoms
from semiray.errors import SemirayError, SemirayWarning
from semiray.generation import encode, generate
from semiray.radiographs import RadiographSet, load_radiographs
from semiray.settings import Settings, make_settings, override
from semiray.training import Run, TrainingInterruptedError, TrainingReport, TrainingStoppedError, train
from semiray.training.checkpoints import load_tensors
from semiray.training.classes import estimates as class_estimates

Blobs = Callable[..., RadiographSet]


def test_a_run_holds_what_design_says(tmp_path: Path, data: RadiographSet, settings: Settings) -> None:
    reports: list[TrainingReport] = []
    run = train(data, tmp_path / "run", settings, on_report=reports.append)
    folder = tmp_path / "run"
    assert {"settings.yaml", "model.safetensors", "split.json", "traces.npy", "log.jsonl", "samples", "state"} <= {
        path.name for path in folder.iterdir()
    }
    assert reports[-1].images == 64
    assert set(reports[-1].commitment) == {"survival", "duration", "presentation", "texture"}
    assert json.loads((folder / "log.jsonl").read_text().splitlines()[-1])["images"] == 64
    assert run.classes == ("dark", "bright")
    assert run.data["fingerprint"] == data.fingerprint
    assert not any("partial" in path.name for path in folder.rglob("*"))


def test_only_training_patients_are_seen(
    tmp_path: Path, make_blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    from semiray.training.game import Game

    step = Game.step

    def watch(self: Game, real: torch.Tensor, *others: Any) -> dict[str, torch.Tensor]:
        seen.append(real)
        return step(self, real, *others)

    monkeypatch.setattr(Game, "step", watch)
    data = make_blobs()
    run = train(data, tmp_path / "run", settings)
    from semiray.radiographs import Split

    split = Split.load(run.path / "split.json", data.keys)
    shown = {image.numpy().tobytes() for image in torch.cat(seen)}
    assert shown <= {data.images[i].tobytes() for i in split.train}
    assert len(split.test) > 0


def test_a_run_recognises_what_it_was_trained_on(tmp_path: Path, data: RadiographSet, settings: Settings) -> None:
    labels = data.labels.copy()
    labels[:6] = -1  # not trained on
    data = replace(data, labels=labels)
    run = train(data, tmp_path / "run", settings, unlabelled="omit")
    traces = run.traces()
    assert traces is not None
    split = run.split(data)
    trained = np.intersect1d(split.train, np.flatnonzero(labels >= 0))
    assert len(traces) == len(trained)
    assert np.flatnonzero(traces.find(data.images).identical).tolist() == trained.tolist()
    file = run.path / "traces.npy"
    written = file.read_bytes()
    file.unlink()  # as in a run from before there were traces
    assert run.traces() is None
    train(data, run.path, settings.model_copy(update={"images": 72}), resume=True)
    assert file.read_bytes() == written


def test_what_could_not_be_read_again_is_said_before_training(
    tmp_path: Path, data: RadiographSet, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(structured, "LARGEST_WRITTEN", 500)
    with pytest.raises(SemirayError, match=r"settings\.yaml: larger than"):
        train(data, tmp_path / "run", settings)
    assert not (tmp_path / "run" / "log.jsonl").exists()
    monkeypatch.undo()
    train(data, tmp_path / "run", settings)


def test_512_pixels_from_files_to_generated_images(tmp_path: Path, tiny: dict[str, Any]) -> None:
    make_phantoms(tmp_path / "data", 12, resolution=512)
    data = load_radiographs(tmp_path / "data", resolution=512, cache=tmp_path / "cache")
    few = tiny | {"resolution": 512, "optimisation": {"batch": 2}, "networks": {"width": 4, "widest": 8}}
    run = train(data, tmp_path / "run", make_settings(few | {"images": 2, "data": {"fractions": (0.5, 0.0, 0.5)}}))
    assert generate(run, 2).images.shape == (2, 512, 512)
    assert encode(run, data.images[:2]).shape == (2, 20)


def test_official_parts_are_kept_and_what_they_share_is_recorded(
    tmp_path: Path, data: RadiographSet, settings: Settings
) -> None:
    names = np.repeat(["train", "test", "validation"], [40, 15, 5])
    data = replace(data, metadata=tuple({"split": str(name)} for name in names), patients=data.patients.copy())
    data.patients[0] = data.patients[40]
    chosen = override(settings, data={"official_split": True})
    with pytest.warns(SemirayWarning, match="Left out of train: 1 image of 1 patient"):
        run = train(data, tmp_path / "run", chosen)
    split = run.split(data)
    assert split.train.tolist() == list(range(1, 40))
    assert split.test.tolist() == list(range(40, 55))
    left_out = {"in train, of patients in validation or test": 1}
    assert run.data["left_out"] == left_out
    assert run.settings.data.official_split
    assert "official_split" not in run.settings.data.reading
    again = train(data, run.path, settings.model_copy(update={"images": 72}), resume=True)
    assert again.data["left_out"] == left_out
    with pytest.raises(SemirayError, match="no image is in an official part"):
        train(make_plain(data), tmp_path / "plain", chosen)


def make_plain(data: RadiographSet) -> RadiographSet:
    return replace(data, metadata=({},) * len(data))


def test_copies_stay_on_one_side(tmp_path: Path, make_blobs: Blobs, settings: Settings) -> None:
    """Two patients of one photograph: the split must not train on one and test on the other."""
    from semiray.radiographs import Split

    draws = np.random.default_rng(0)
    half = np.kron(draws.integers(0, 256, (30, 8, 8)), np.ones((4, 4))).astype(np.uint8)
    data = replace(make_blobs(60), images=np.concatenate([half, half]))
    run = train(data, tmp_path / "run", settings)
    split = Split.load(run.path / "split.json", data.keys)
    for part in (split.train, split.validation, split.test):
        assert {i % 30 + 30 for i in part if i < 30} == {int(i) for i in part if i >= 30}


def test_the_same_seed_gives_the_same_weights(tmp_path: Path, data: RadiographSet, settings: Settings) -> None:
    first = train(data, tmp_path / "a", settings)
    second = train(data, tmp_path / "b", settings)
    other = train(data, tmp_path / "c", settings.model_copy(update={"seed": 1}))
    weights = [torch.cat([p.flatten() for p in run.generator.parameters()]) for run in (first, second, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_unlabelled_data_trains(tmp_path: Path, make_blobs: Blobs, settings: Settings) -> None:
    run = train(make_blobs(classes=()), tmp_path / "run", settings)
    assert run.classes == ()


def test_images_without_a_label_are_trained_on_and_resuming_draws_the_same_classes(
    tmp_path: Path, make_blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_estimates, "STEPS", 5)
    settings = override(settings, images=60 * 8, label_fraction=0.2, checkpoint_seconds=0, watch=False)

    def stop(report: TrainingReport) -> None:
        raise InterruptedError

    with pytest.warns(SemirayWarning, match=r"8 of 42 training images, of 8 patients, are labelled. The other 34"):
        whole = train(make_blobs(), tmp_path / "whole", settings)
    with pytest.warns(SemirayWarning, match="are labelled"), pytest.raises(TrainingStoppedError):
        train(make_blobs(), tmp_path / "cut", settings, on_report=stop)
    resumed = train(make_blobs(), tmp_path / "cut", resume=True)
    weights = [torch.cat([p.flatten() for p in run.generator.parameters()]) for run in (whole, resumed)]
    assert torch.equal(*weights)
    data, split = make_blobs(), whole.split(make_blobs())
    assert whole.data["labelled"] == resumed.data["labelled"] == 8
    assert len(whole.trained_on(data, split)) == 42
    assert (whole.known(data, split).labels[split.train] >= 0).sum() == 8
    alone = train(make_blobs(), tmp_path / "few", settings, images=64, unlabelled="omit")
    assert len(alone.trained_on(data, alone.split(data))) == 8


def test_runs_begun_before_there_was_a_choice_leave_images_without_a_label_out(
    tmp_path: Path, data: RadiographSet, settings: Settings
) -> None:
    run = train(data, tmp_path / "run", settings)
    record = tmp_path / "run" / "settings.yaml"
    record.write_text(record.read_text(encoding="utf-8").replace("  unlabelled: use\n", ""), encoding="utf-8")
    assert run.settings.unlabelled == "use"
    assert Run.load(tmp_path / "run").settings.unlabelled == "omit"


CHILD = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, {tests!r})
torch.set_num_threads(1)
import semiray.training.loop as loop
from training_child import blobs, TINY
from semiray.settings import make_settings
loop.train(blobs(), {out!r}, make_settings(TINY | {{"images": {images}, "checkpoint_seconds": 0}}), resume={resume})
"""


def run_child(out: Path, images: int, *, resume: bool, kill_after: float | None) -> int:
    """Train in a process of its own, with a checkpoint at every step; kill it `kill_after` seconds after the first."""
    source = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")
    helper = out.parent / "training_child.py"
    helper.write_text(source, encoding="utf-8")
    code = CHILD.format(tests=str(out.parent), out=str(out), images=images, resume=resume)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment)
    if kill_after is not None:
        while not list((out / "state").glob("step-*")) and child.poll() is None:
            time.sleep(0.005)
        time.sleep(kill_after)
        child.send_signal(signal.SIGKILL)
    return child.wait(timeout=120)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a Unix signal")
def test_a_killed_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    images = 40 * 8
    assert run_child(tmp_path / "whole", images, resume=False, kill_after=None) == 0
    pause = float(np.random.default_rng().uniform(0.0, 0.4))  # at any instant: another one each time
    assert run_child(tmp_path / "killed", images, resume=False, kill_after=pause) == -signal.SIGKILL
    assert run_child(tmp_path / "killed", images, resume=True, kill_after=None) == 0
    whole, _ = load_tensors(tmp_path / "whole" / "model.safetensors")
    killed, _ = load_tensors(tmp_path / "killed" / "model.safetensors")
    for name, tensor in whole.items():
        assert torch.equal(tensor, killed[name]), f"{name} differs after a kill {pause:.3f} s in"
    steps = [json.loads(line)["steps"] for line in (tmp_path / "killed" / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


def test_an_interruption_saves_and_says_how_to_go_on(tmp_path: Path, data: RadiographSet, tiny: dict[str, Any]) -> None:
    settings = make_settings(tiny | {"minutes": 5})
    with pytest.raises(TrainingInterruptedError, match="resume=True"):
        train(data, tmp_path / "run", settings, on_report=lambda _: os.kill(os.getpid(), signal.SIGINT))
    assert Run.load(tmp_path / "run").resolution == 32
    run = train(data, tmp_path / "run", make_settings(tiny | {"images": 440}), resume=True)
    assert json.loads((run.path / "log.jsonl").read_text().splitlines()[-1])["images"] == 440


def test_losses_that_are_no_numbers_stop_training_and_keep_the_last_checkpoint(
    tmp_path: Path, data: RadiographSet, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from semiray.training.game import Game

    step = Game.step

    def break_down(self: Game, *arguments: Any) -> dict[str, torch.Tensor]:
        losses = step(self, *arguments)
        return losses | {"sort": torch.tensor(float("nan"))} if self.steps == 4 else losses

    monkeypatch.setattr(Game, "step", break_down)
    with pytest.raises(TrainingStoppedError, match=r"sort is no longer a finite number.*step-000000003"):
        train(data, tmp_path / "run", settings.model_copy(update={"checkpoint_seconds": 0.0}))
    tensors, _ = load_tensors(tmp_path / "run" / "model.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())


def test_errors_are_for_people(tmp_path: Path, make_blobs: Blobs, data: RadiographSet, settings: Settings) -> None:
    with pytest.raises(SemirayError, match="isn't a run"):
        train(data, tmp_path / "nothing", settings, resume=True)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.txt").write_text("precious")
    with pytest.raises(SemirayError, match="isn't empty"):
        train(data, tmp_path / "used", settings)
    with pytest.raises(SemirayError, match="fewer than a batch"):
        train(make_blobs(9), tmp_path / "few", settings)
    with pytest.raises(SemirayError, match=r"32 x 32 pixels.*64"):
        train(data, tmp_path / "size", settings.model_copy(update={"resolution": 64}))
    train(data, tmp_path / "run", settings)
    with pytest.raises(SemirayError, match="resume=True"):
        train(data, tmp_path / "run", settings)
    with pytest.raises(
        SemirayError, match=r"^the images aren't those that .*run was trained on: resume with the same images, read"
    ):
        train(make_blobs(seed=9), tmp_path / "run", settings, resume=True)
