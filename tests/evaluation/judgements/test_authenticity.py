"""Authenticity: what memorising sets and innocent ones get, by known answers and beside held-out images."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from semiray.evaluation.judgements.authenticity import in_shares, measure_nearness, nearest_features

Floats = NDArray[np.float64]


def cloud(count: int, seed: int) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, 8)) + 50


def people(count: int, each: int = 1) -> NDArray[np.str_]:
    return np.array([f"p{i // each}" for i in range(count)])


def test_distances_are_those_of_every_pair() -> None:
    asked, train, patients = cloud(1500, 0), cloud(1100, 1), people(1100, 2)
    distance, width = nearest_features(asked, train, patients)
    among = cdist(train, train)
    among[patients[:, None] == patients] = np.inf
    to_train = cdist(asked, train)
    np.testing.assert_allclose(distance, to_train.min(axis=1), rtol=1e-9)
    np.testing.assert_allclose(width, among.min(axis=1)[to_train.argmin(axis=1)], rtol=1e-9)


def test_a_set_that_memorises_is_not_authentic() -> None:
    train = cloud(500, 1)
    exact = measure_nearness(*nearest_features(train, train, people(500)))
    assert exact.authenticity.mean == exact.authenticity.high == exact.median.mean == exact.closest.high == 0
    altered = train + np.random.default_rng(2).normal(0, 0.05, train.shape)
    near = measure_nearness(*nearest_features(altered, train, people(500)))
    innocent = measure_nearness(*nearest_features(cloud(500, 3), train, people(500)))
    assert near.authenticity.high < 0.05 < innocent.authenticity.low
    assert near.median.high < 0.2 * innocent.median.low
    assert near.closest.high < innocent.closest.low


def test_one_copy_in_fifty_moves_the_closest_and_not_the_median() -> None:
    train, asked = cloud(600, 1), cloud(500, 3)
    innocent = measure_nearness(*nearest_features(asked, train, people(600)))
    asked[:10] = train[:10]
    some = measure_nearness(*nearest_features(asked, train, people(600)))
    assert some.closest.mean == 0 < innocent.closest.low
    assert some.median.mean == pytest.approx(innocent.median.mean, rel=0.05)


def test_innocent_sets_get_what_held_out_ones_get() -> None:
    """Intervals of two samples of one distribution overlap in nearly all draws."""
    train, missed = cloud(400, 1), 0
    for seed in range(10, 30, 2):
        sides = [measure_nearness(*nearest_features(cloud(300, seed + i), train, people(400))) for i in (0, 1)]
        for figure in ("median", "closest", "authenticity"):
            a, b = (getattr(side, figure) for side in sides)
            missed += a.low > b.high or b.low > a.high
    assert missed <= 1
    assert 0.3 < sides[0].authenticity.mean < 0.7


def test_a_patients_other_images_are_not_its_neighbours() -> None:
    """With them, what copies a training image exactly but for a breath would look authentic."""
    first = cloud(200, 1)
    train = np.concatenate([first, first + 1e-3])
    patients = np.concatenate([people(200), people(200)])
    asked = first + 0.01
    assert measure_nearness(*nearest_features(asked, train, patients)).authenticity.mean < 0.05
    assert measure_nearness(*nearest_features(asked, train, people(400))).authenticity.mean == 1


def test_intervals_hold_the_truth() -> None:
    rng, held = np.random.default_rng(5), 0
    for seed in range(100):
        distance, width = rng.exponential(1, 300), rng.exponential(1, 300)
        found = measure_nearness(distance, width, resamples=200, seed=seed)
        held += found.median.low <= np.log(2) <= found.median.high
        held += found.authenticity.low <= 0.5 <= found.authenticity.high
        assert found.n_images == 300
        assert found.median.mean == np.median(distance)
        assert found.closest.mean == np.quantile(distance, 0.01)
    assert held >= 180


def test_classes_are_compared_in_the_same_shares() -> None:
    labels, wanted = np.repeat([0, 1, 2], [100, 300, 50]), np.repeat([0, 1, 3], [60, 20, 20])
    rows, kept = in_shares(labels, wanted, 2000, seed=0)
    assert np.bincount(labels[rows]).tolist() == [100, 33]
    assert np.bincount(wanted[kept]).tolist() == [60, 20]
    rows, _ = in_shares(labels, wanted, 40, seed=0)
    assert np.bincount(labels[rows]).tolist() == [30, 10]
    assert not len(in_shares(labels, wanted[80:], 40, seed=0)[0])
    assert len(in_shares(np.zeros(5, np.int64), np.zeros(3, np.int64), 2000, seed=0)[0]) == 5
