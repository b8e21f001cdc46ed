"""One process's training: budget, learning rate, and the errors that say how to continue."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet
from semiray.settings import make_settings
from semiray.training import Progress, RunFiles, TrainingReport
from semiray.training.process_group import ProcessGroup
from semiray.training.trainer import WARM_UP_STEPS, Trainer, catch_stop


def make(folder: Path, data: RadiographSet, tree: dict[str, Any], report_steps: int = 2) -> Trainer:
    settings, prior = make_settings(tree), JointPrior.default()
    folder.mkdir()
    return Trainer(
        RunFiles(folder),
        settings,
        prior,
        data,
        np.arange(len(data)),
        None,
        torch.device("cpu"),
        ProcessGroup(),
        report_steps=report_steps,
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


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
def test_a_signal_is_noted_and_a_second_ctrl_c_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with catch_stop() as caught:
        os.kill(os.getpid(), signal.SIGTERM)
        assert caught == [signal.SIGTERM]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_nothing_is_caught() -> None:
    found: list[list[int]] = []

    def work() -> None:
        with catch_stop() as caught:
            found.append(caught)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [[]]
