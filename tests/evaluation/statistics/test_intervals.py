from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import TypeAdapter

from semiray.evaluation.statistics.intervals import Interval, PatientBootstrap, difference_interval


def test_a_patients_images_are_drawn_together_and_classes_keep_their_patients() -> None:
    patients = np.array(["p0", "p0", "p1", "p2", "p2", "p3"])
    labels = np.array([0, 0, 0, 1, 1, 1])
    bootstrap = PatientBootstrap(patients, labels, n_seeds=2, resamples=200)
    images = bootstrap.images
    assert (images[:, 0] == images[:, 1]).all()
    assert (images[:, 3] == images[:, 4]).all()
    assert (images[:, 0] + images[:, 2] == 2).all()
    assert (images[:, 3] + images[:, 5] == 2).all()
    assert (bootstrap.seeds.sum(1) == 2).all()
    assert bootstrap.n_patients == 4


@pytest.mark.parametrize("seeds", [2, 5])
def test_a_difference_of_few_trainings_claims_no_more_than_it_knows(seeds: int) -> None:
    # True difference 0; patients add a tenth of what a training does. A bootstrap's quantiles would hold 0 in 50 % (two
    # seeds) and 84 % (five) of such intervals.
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        of_seed, patients = rng.normal(size=seeds), 0.1 * rng.normal()
        drawn = of_seed[rng.integers(0, seeds, (300, seeds))].mean(axis=1) + patients + 0.1 * rng.normal(size=300)
        figure = Interval(of_seed.mean() + patients, np.nan, np.nan, tuple(of_seed + patients))
        nothing = SimpleNamespace(balanced_accuracy=Interval(0.0, 0.0, 0.0, (0.0,) * seeds), draws=np.zeros(300))
        found = difference_interval(SimpleNamespace(balanced_accuracy=figure, draws=drawn), nothing)  # type: ignore[arg-type]
        held += found.low <= 0 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_one_training_leaves_the_chance_of_patients() -> None:
    draws = np.random.default_rng(0).normal(0.1, 0.02, 5000)
    one = SimpleNamespace(balanced_accuracy=Interval(0.1, 0.0, 0.0, (0.1,)), draws=draws)
    none = SimpleNamespace(balanced_accuracy=Interval(0.0, 0.0, 0.0, (0.0,)), draws=np.zeros(5000))
    found = difference_interval(one, none)  # type: ignore[arg-type]
    assert (found.low, found.high) == pytest.approx((0.1 - 1.96 * 0.02, 0.1 + 1.96 * 0.02), abs=0.002)


def test_what_does_not_exist_is_written_as_null() -> None:
    content = TypeAdapter(Interval).dump_python(Interval(0.5, np.nan, np.inf, (0.5, np.nan)), mode="json")
    assert content == {"mean": 0.5, "low": None, "high": None, "seeds": [0.5, None]}
