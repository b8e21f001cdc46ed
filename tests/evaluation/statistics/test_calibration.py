import numpy as np
import pytest

from semiray.evaluation.statistics.calibration import calibration_error


def test_honest_probabilities_have_no_error_and_boasts_have_the_boast() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1.0, 40_000).astype(np.float32)
    table = np.stack([p, 1 - p], axis=1)
    labels = (rng.random(len(p)) > p).astype(np.int64)
    everyone = np.ones((1, len(p)))
    assert calibration_error(table, labels, everyone)[0] < 0.01
    boast = np.tile(np.float32([0.99, 0.01]), (len(p), 1))
    assert calibration_error(boast, labels, everyone)[0] == pytest.approx(0.99 - (labels == 0).mean(), abs=1e-3)


def test_weights_count_as_repeats() -> None:
    rng = np.random.default_rng(1)
    table = rng.dirichlet(np.ones(3), 60).astype(np.float32)
    labels, times = rng.integers(0, 3, 60), rng.integers(0, 4, 60)
    repeated = calibration_error(np.repeat(table, times, 0), np.repeat(labels, times), np.ones((1, times.sum())))
    assert calibration_error(table, labels, times[None].astype(float)) == pytest.approx(repeated)
