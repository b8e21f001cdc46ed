"""One process's training: budget, learning rate, and the errors that say how to continue."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semiray.errors import SemirayWarning
from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet
from semiray.settings import make_settings
from semiray.training import Progress, RunFiles, TrainingReport
from semiray.training.checkpoints import load_tensors, read_checkpoint
from semiray.training.classes.labels import TrainingLabels
from semiray.training.process_group import ProcessGroup
from semiray.training.threads import Threads
from semiray.training.trainer import WARM_UP_STEPS, Trainer
from semiray.training.validation import kept
from semiray.training.watch import LEAST, Figures, Watch


def make(folder: Path, data: RadiographSet, tree: dict[str, Any], report_steps: int = 2, held_out: int = 0) -> Trainer:
    settings, prior = make_settings(tree), JointPrior.default()
    folder.mkdir(exist_ok=True)
    chosen = np.arange(held_out, len(data))
    return Trainer(
        RunFiles(folder),
        settings,
        prior,
        data,
        chosen,
        TrainingLabels(data.labels[chosen] if data.classes else np.zeros(len(chosen), np.int64), None, settings.seed),
        None,
        torch.device("cpu"),
        ProcessGroup(),
        report_steps=report_steps,
        validation=np.arange(held_out),
    )


def test_the_budget_that_is_spent_first_ends_training(
    tmp_path: Path, data: RadiographSet, tiny: dict[str, Any]
) -> None:
    trainer = make(tmp_path / "run", data, tiny | {"minutes": 1, "images": 100})
    trainer.progress = Progress(images=50)
    assert trainer.done(15.0) == 0.5
    assert trainer.done(45.0) == 0.75
    assert make(tmp_path / "other", data, tiny).done(900.0) == 0.5  # of 30 minutes


def test_the_learning_rate_warms_up_and_cools_down(tmp_path: Path, data: RadiographSet, tiny: dict[str, Any]) -> None:
    trainer = make(tmp_path / "run", data, tiny)
    assert trainer.rate(0.0) == pytest.approx(1 / WARM_UP_STEPS)
    trainer.game.steps = WARM_UP_STEPS
    cool_from = trainer.settings.optimisation.cool_from
    assert trainer.rate(cool_from) == 1.0
    assert trainer.rate((1 + cool_from) / 2) == pytest.approx(0.5)
    assert trainer.rate(1.0) == pytest.approx(0.0)


def test_reports_come_every_few_steps_and_errors_say_how_to_continue(
    tmp_path: Path, data: RadiographSet, tiny: dict[str, Any]
) -> None:
    trainer = make(tmp_path / "run", data, tiny | {"images": 40}, report_steps=2)
    reports: list[TrainingReport] = []
    assert "No checkpoint had been saved yet" in str(trainer.cut_off(OSError(28, "No space left on device")))
    trainer.train(reports.append, lambda: None)
    assert [report.steps for report in reports] == [2, 4, 5]
    error = trainer.broken({"sort": float("nan"), "commit": 1.0})
    assert "sort is no longer a finite number" in str(error)
    assert "step-000000005.safetensors" in str(error)
    assert "resume=True continues from it" in str(error)


MEASURED = {"images": 80, "checkpoint_seconds": 0.0}  # ten steps, and with `every` five measurements


@pytest.fixture
def every(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measurement every 16 images."""
    monkeypatch.setattr("semiray.training.validation.EVERY_IMAGES", 16)


def distances(monkeypatch: pytest.MonkeyPatch, *given: float) -> None:
    """Let the measurements that follow find these distances."""
    left = iter(given)
    monkeypatch.setattr(Watch, "measure", lambda *_: Figures(next(left), 0.5))


@pytest.mark.usefixtures("every")
@pytest.mark.parametrize("classes", [("dark", "bright"), ()])
def test_watching_changes_no_weight(
    tmp_path: Path, make_blobs: Callable[..., RadiographSet], tiny: dict[str, Any], classes: tuple[str, ...]
) -> None:
    found = []
    for watch in (True, False):
        tree = tiny | MEASURED | {"watch": watch}
        trainer = make(tmp_path / str(watch), make_blobs(60, classes), tree, held_out=20)
        trainer.train(None, lambda: None)
        assert len(trainer.progress.record) == 5 * watch
        found.append(trainer.game.tensors() | {"random": torch.get_rng_state()})
    assert all(torch.equal(tensor, found[1][name]) for name, tensor in found[0].items())


@pytest.mark.usefixtures("every")
def test_the_best_weights_are_the_model_and_the_last_the_checkpoint(
    tmp_path: Path, data: RadiographSet, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    distances(monkeypatch, 9.0, 5.0, 7.0, 7.0, 7.0)
    trainer, reports = make(tmp_path / "run", data, tiny | MEASURED, held_out=20), list[TrainingReport]()
    trainer.train(reports.append, lambda: None)
    tensors, metadata = load_tensors(trainer.files.model)
    assert metadata["images"] == "32"
    last = trainer.game.average.state_dict()
    assert not all(torch.equal(tensors[f"generator.{name}"], tensor) for name, tensor in last.items())
    found = read_checkpoint(trainer.files.state)
    assert found is not None
    assert (found[1].images, kept(found[1].record).images) == (80, 32)
    assert (reports[-1].best, reports[-1].validation) == (32, trainer.progress.record[-1])
    lines = [json.loads(line) for line in trainer.files.log.read_text(encoding="utf-8").splitlines()]
    assert lines[-1]["validation"]["distance"] == 7.0
    notes = [line["note"] for line in lines if line["note"]]
    assert sum(" images in " in note for note in notes) == 1
    assert sum("No better on validation patients" in note for note in notes) <= 1


@pytest.mark.usefixtures("every")
def test_no_note_takes_the_place_of_another(
    tmp_path: Path, data: RadiographSet, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["", "", "fewer threads"])
    monkeypatch.setattr(Threads, "review", lambda _: next(said, ""))  # before the report that says what to expect
    distances(monkeypatch, 9.0, 5.0, 7.0, 7.0, 7.0)
    trainer, reports = make(tmp_path / "run", data, tiny | MEASURED, held_out=20), list[TrainingReport]()
    trainer.train(reports.append, lambda: None)
    first, second = next(report.note for report in reports if report.note).split("\n", 1)
    assert first == "fewer threads"
    assert " images in " in second
    assert sum("fewer threads" in report.note for report in reports) == 1


@pytest.mark.usefixtures("every")
def test_the_record_of_the_best_is_continued_and_dropped_where_its_weights_are_lost(
    tmp_path: Path, data: RadiographSet, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    distances(monkeypatch, 5.0, 7.0, 7.0, 7.0, 7.0)
    half = make(tmp_path / "run", data, tiny | MEASURED, held_out=20)

    def hold() -> None:
        if half.progress.images == 48:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half.train(None, hold)
    written = half.files.model.read_bytes()
    second = make(tmp_path / "run", data, tiny | MEASURED, held_out=20)
    second.restore()
    assert [one.distance for one in second.progress.record] == [5.0, 7.0]
    second.train(None, lambda: None)
    assert [one.images for one in second.progress.record] == [16, 32, 48, 64, 80]
    assert half.files.model.read_bytes() == written
    half.files.model.write_bytes(written[:-1])
    third = make(tmp_path / "run", data, tiny | MEASURED, held_out=20)
    with pytest.warns(SemirayWarning, match="The best weights so far are lost"):
        third.restore()
    third.train(None, lambda: None)
    assert load_tensors(half.files.model)[1]["images"] == "80"


@pytest.mark.usefixtures("every")
def test_a_run_that_was_cut_off_ends_with_the_weights_of_one_that_was_not(
    tmp_path: Path, data: RadiographSet, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("semiray.training.watch.STEPS", 2)
    whole, cut, again = (make(tmp_path / name, data, tiny | MEASURED, held_out=20) for name in ("a", "b", "b"))
    torch.manual_seed(0)
    whole.train(None, lambda: None)
    torch.manual_seed(0)
    ends = iter([0, 0, 0, 0, 0, 0, 0, 1])

    def hold() -> None:
        if next(ends, 0):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut.train(None, hold)
    again.restore()
    assert 0 < again.progress.images < 80
    again.train(None, lambda: None)
    figures = [[(one.images, one.distance, one.tstr) for one in run.progress.record] for run in (whole, again)]
    assert figures[0] == figures[1]
    assert load_tensors(whole.files.model)[1] == load_tensors(cut.files.model)[1]
    assert whole.files.model.read_bytes() == cut.files.model.read_bytes()


@pytest.mark.usefixtures("every")
def test_only_the_leader_measures_and_few_validation_images_are_not_enough(
    tmp_path: Path, data: RadiographSet, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make(tmp_path / "few", data, tiny | MEASURED, held_out=LEAST - 1).measurements == 0
    assert make(tmp_path / "enough", data, tiny | MEASURED, held_out=LEAST).measurements == 5
    monkeypatch.setattr(ProcessGroup, "leads", False)
    assert make(tmp_path / "other", data, tiny | MEASURED, held_out=LEAST).measurements == 0
