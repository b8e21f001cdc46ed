"""The benchmark of few labels, on a run of seconds: who learns from what, and what is hidden from whom."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semiray.evaluation import UtilitySettings
from semiray.settings import make_settings
from semiray.training import train
from semiray.training.classes import estimates as class_estimates

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import few_labels

TINY = {
    "resolution": 32,
    "networks": {"width": 4, "widest": 16, "noise": 8, "embedding": 4},
    "optimisation": {"batch": 8, "bf16": False},
    "images": 64,
    "label_fraction": 0.2,
    "watch": False,
}


def test_figures_of_chances() -> None:
    chances = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    assert few_labels.balanced_accuracy(chances, np.array([0, 0, 0, 1])) == pytest.approx((2 / 3 + 1) / 2)
    assert few_labels.auroc(chances, np.array([0, 1, 0, 1])) == pytest.approx(0.75)


@pytest.mark.filterwarnings("ignore::semiray.errors.SemirayWarning")
def test_a_run_with_few_labels(tmp_path: Path, set_maker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_estimates, "STEPS", 60)
    data = set_maker(180)
    run = train(data, tmp_path / "run", make_settings(TINY))
    settings = UtilitySettings(seeds=1, steps=60, batch=24, n_synthetic=60)
    found = few_labels.figures(run, data, settings, tmp_path)
    assert 0 < found["labelled images"] < found["of"] / 2
    assert found["all"][0] > 0.9  # the classes are grey levels: real images teach them
    assert found["estimates"] > 0.9
    assert found["drawn"][0] > 0.9
    assert 0 <= found["seen"] <= 1
