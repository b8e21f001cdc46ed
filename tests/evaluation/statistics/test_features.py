"""Figures of features: closed forms, other implementations, influence by finite differences."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg

from semiray.evaluation.statistics.features import frechet_distance, kernel_distance, neighbourhood

Floats = NDArray[np.float64]


def mixed_clouds(n: int = 400, m: int = 300, d: int = 6) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(d, d))
    return rng.normal(size=(n, d)) @ mix, rng.normal(size=(m, d)) @ mix.T * 1.3 + 0.4


def usual(x: Floats, y: Floats) -> float:
    """As Heusel et al. wrote it, by scipy's square root of the product of covariances."""
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.asarray(linalg.sqrtm(a @ b)).real
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root))


def test_it_is_what_others_compute() -> None:
    x, y = mixed_clouds()
    assert frechet_distance(x, y).value == pytest.approx(usual(x, y), rel=1e-9)


def test_a_shift_costs_its_square_and_a_scale_the_square_of_the_difference() -> None:
    x, _ = mixed_clouds()
    assert frechet_distance(x, x).value == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x + 3.0).value == pytest.approx(9 * x.shape[1])
    spread = np.trace(np.cov(x, rowvar=False))
    assert frechet_distance(x, x.mean(0) + 2 * (x - x.mean(0))).value == pytest.approx(spread)


def test_a_feature_that_never_varies_is_no_obstacle() -> None:
    x, y = mixed_clouds()
    flat = [np.concatenate([part, np.full((len(part), 2), 7.0)], axis=1) for part in (x, y)]
    assert frechet_distance(*flat).value == pytest.approx(usual(x, y), rel=1e-6)
    assert np.isfinite(frechet_distance(*flat).of_real).all()


@pytest.mark.parametrize("side", [0, 1])
def test_frechet_influence_is_what_one_more_image_does(side: int) -> None:
    pair = list(mixed_clouds())
    found = frechet_distance(*pair)
    influence = (found.of_real, found.of_synthetic)[side]
    assert influence.mean() == pytest.approx(0, abs=1e-9)
    points = pair[side]
    changes = []
    for i in range(40):
        pair[side] = np.concatenate([points, points[i : i + 1]])
        changes.append((frechet_distance(*pair).value - found.value) * (len(points) + 1))
    assert np.corrcoef(changes, influence[:40])[0, 1] > 0.999
    assert np.abs(np.array(changes) - influence[:40]).max() < 0.1 * np.abs(influence).max()


def double_sum(x: Floats, y: Floats) -> float:
    def k(a: Floats, b: Floats) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    def within(z: Floats) -> float:
        return float(np.mean([k(z[i], z[j]) for i in range(len(z)) for j in range(len(z)) if i != j]))

    return within(x) + within(y) - 2 * float(np.mean([k(a, b) for a in x for b in y]))


def test_it_is_the_double_sum() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 5)), rng.normal(0.3, 1.2, size=(15, 5))
    assert kernel_distance(x, y, rows=7).value == pytest.approx(double_sum(x, y))  # of blocks put together


def test_between_samples_of_one_distribution_it_is_0_on_average() -> None:
    rng = np.random.default_rng(1)
    values = [kernel_distance(rng.normal(size=(30, 4)), rng.normal(size=(30, 4))).value for _ in range(300)]
    assert abs(np.mean(values)) < 3 * np.std(values) / 300**0.5
    assert min(values) < 0


@pytest.mark.parametrize("side", [0, 1])
def test_kernel_influence_is_what_an_image_adds(side: int) -> None:
    """To first order: the influence of images, times a small weight that they gain, is the change."""
    rng = np.random.default_rng(2)
    pair = [rng.normal(size=(200, 4)), rng.normal(0.2, 1.1, size=(150, 4))]
    found = kernel_distance(pair[0], pair[1])
    influence = (found.of_real, found.of_synthetic)[side]
    assert influence.mean() == pytest.approx(0, abs=1e-12)
    points = pair[side]
    changes = []
    for i in range(30):
        pair[side] = np.delete(points, i, axis=0)
        changes.append((found.value - kernel_distance(pair[0], pair[1]).value) * (len(points) - 1))
    assert np.corrcoef(changes, influence[:30])[0, 1] > 0.999
    assert np.polyfit(influence[:30], changes, 1)[0] == pytest.approx(1, abs=0.05)


def written_out_shares(real: Floats, fake: Floats, k: int) -> dict[str, float]:
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
    assert values(real, fake, k) == pytest.approx(written_out_shares(real, fake, k))


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


SCRIPT = Path(__file__).parents[3] / "benchmarks" / "reference_fidelity.py"
# FID, KID (one subset of all images), precision and recall (5 neighbours) of torch-fidelity; density, coverage of prdc.
REFERENCE = {
    "near": (0.8079030388600046, 0.017673052281630852, 0.98, 0.7825, 1.6435, 0.9925),
    "far": (17.695499562778167, 1.1605797887524711, 0.19, 0.2275, 0.0695, 0.1925),
    "skewed": (24.734247410973452, 4.3868165983207525, 0.2425, 0.01, 0.203, 0.2125),
}


def recorded_clouds(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    specification = importlib.util.spec_from_file_location("reference_fidelity", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module: Any = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    real, synthetic = module.clouds(name)
    return real, synthetic


@pytest.mark.parametrize("name", REFERENCE)
def test_figures_are_those_of_others(name: str) -> None:
    real, synthetic = recorded_clouds(name)
    frechet, kernel, *shares = REFERENCE[name]
    assert frechet_distance(real, synthetic).value == pytest.approx(frechet, rel=1e-9)
    assert kernel_distance(real, synthetic).value == pytest.approx(kernel, rel=1e-9)
    who = neighbourhood(real, synthetic)
    found = [one.value for one in (who.precision, who.recall, who.density, who.coverage)]
    assert found == pytest.approx(shares, abs=1e-9)
