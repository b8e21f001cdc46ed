"""Precision, recall, density, coverage: written out, and cases with known answers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from semiray.evaluation.statistics.neighbours import neighbourhood

Floats = NDArray[np.float64]


def written_out(real: Floats, fake: Floats, k: int) -> dict[str, float]:
    def distances(a: Floats, b: Floats) -> Floats:
        return np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))

    radius, fake_radius = np.sort(distances(real, real))[:, k], np.sort(distances(fake, fake))[:, k]
    d = distances(real, fake)
    return {
        "precision": float((d <= radius[:, None]).any(axis=0).mean()),
        "recall": float((d <= fake_radius[None]).any(axis=1).mean()),
        "density": float((d <= radius[:, None]).sum(axis=0).mean() / k),
        "coverage": float((d.min(axis=1) <= radius).mean()),
    }


def values(real: Floats, fake: Floats, k: int = 5) -> dict[str, float]:
    return {name: one.value for name, one in vars(neighbourhood(real, fake, k, rows=32)).items()}


@pytest.mark.parametrize("k", [3, 5])
def test_they_are_the_published_ones(k: int) -> None:
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(120, 8)), rng.normal(0.2, 0.8, size=(90, 8))
    assert values(real, fake, k) == pytest.approx(written_out(real, fake, k))


def test_two_samples_of_one_distribution_cover_each_other() -> None:
    """Coverage is then 1 - binom(n - 1, k) / binom(2 n - 1, k) in expectation (Naeem et al. 2020, Lemma 2)."""
    rng = np.random.default_rng(1)
    n, k = 500, 5
    found = values(rng.normal(size=(n, 3)), rng.normal(size=(n, 3)), k)
    expected = 1 - np.prod([(n - i) / (2 * n - i) for i in range(1, k + 1)])
    assert found["coverage"] == pytest.approx(expected, abs=0.02)
    assert found["density"] == pytest.approx(1, abs=0.1)
    assert found["precision"] > 0.9
    assert found["recall"] > 0.9


def test_a_dropped_mode_shows_in_recall_and_coverage_and_not_in_precision() -> None:
    rng = np.random.default_rng(2)
    real = np.concatenate([rng.normal(0, 1, (300, 4)), rng.normal(12, 1, (300, 4))])
    found = values(real, rng.normal(0, 1, (600, 4)))
    assert found["precision"] > 0.9
    assert found["recall"] < 0.55
    assert found["coverage"] < 0.55


def test_noise_far_away_scores_nothing() -> None:
    rng = np.random.default_rng(3)
    found = values(rng.normal(size=(200, 4)), rng.normal(50, 1, size=(200, 4)))
    assert found == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_each_image_adds_its_own_share() -> None:
    rng = np.random.default_rng(4)
    found = neighbourhood(rng.normal(size=(200, 4)), rng.normal(0.5, 1, size=(100, 4)))
    for one in vars(found).values():
        for influence in (one.of_real, one.of_synthetic):
            assert influence.mean() == pytest.approx(0, abs=1e-9)
            assert influence.std() > 0


@pytest.mark.parametrize(("n", "m"), [(200, 200), (100, 300)])
def test_their_errors_are_about_what_repetition_shows(n: int, m: int) -> None:
    """The spread that influence claims, against that of the figures over 60 pairs of samples."""
    rng = np.random.default_rng(5)
    seen: dict[str, list[float]] = {}
    claimed: dict[str, list[float]] = {}
    for _ in range(60):
        for name, one in vars(neighbourhood(rng.normal(size=(n, 6)), rng.normal(size=(m, 6)))).items():
            seen.setdefault(name, []).append(one.value)
            claimed.setdefault(name, []).append(float(np.sqrt(one.of_real.var() / n + one.of_synthetic.var() / m)))
    for name in seen:
        ratio = np.mean(claimed[name]) / np.std(seen[name])
        assert 0.7 < ratio < 2.2, (name, ratio)
