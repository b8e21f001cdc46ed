import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import hadamard

from semiray.errors import SemirayError
from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from disentanglement import dci, measure_disentanglement, measure_phantoms, mig, sap

RNG = np.random.default_rng(0)
UNIFORM = RNG.random((800, 4))
BINARY = (RNG.random((800, 4)) < 0.5).astype(float)
MIXED = np.concatenate([UNIFORM[:, :2], BINARY[:, :2]], axis=1)


@pytest.mark.parametrize("factors", [UNIFORM, BINARY, MIXED], ids=["continuous", "binary", "mixed"])
def test_a_code_for_each_factor_scores_about_one_whatever_order_sign_and_unit(factors: np.ndarray) -> None:
    codes = -7.0 * factors[:, [2, 0, 3, 1]] + 1e-9 * np.random.default_rng(1).normal(size=factors.shape)
    result = measure_disentanglement(codes, factors)
    assert result.n_images == 800
    assert result.mig.value > 0.9
    assert (result.dci.disentanglement, result.dci.completeness) == pytest.approx((1, 1), abs=0.05)
    assert result.dci.informativeness > 0.97
    ceiling = [0.5 if len(np.unique(factor)) == 2 else 1.0 for factor in factors.T]  # balanced accuracy's floor is 0.5
    assert result.sap.per_factor == pytest.approx(ceiling, abs=0.06)


def test_mig_does_not_depend_on_units_or_monotone_maps() -> None:
    noisy = UNIFORM + 0.1 * np.random.default_rng(1).normal(size=UNIFORM.shape)
    assert mig(np.exp(3 * noisy), UNIFORM).value == pytest.approx(mig(-noisy, UNIFORM).value, abs=0.01)


def test_a_rotation_that_mixes_all_evenly_scores_about_nothing() -> None:
    rotated = (UNIFORM - 0.5) @ (hadamard(4) / 2)
    result = measure_disentanglement(rotated, UNIFORM)
    assert result.mig.value < 0.05
    assert result.sap.value < 0.06
    assert result.dci.disentanglement < 0.25
    assert result.dci.completeness < 0.25
    assert result.dci.informativeness > 0.6


def test_codes_that_know_nothing_score_about_nothing() -> None:
    noise = np.random.default_rng(2).normal(size=(800, 4))
    for factors in (UNIFORM, BINARY):
        result = measure_disentanglement(noise, factors)
        assert result.mig.value < 0.03
        assert result.sap.value < 0.05
        assert result.dci.disentanglement < 0.1
        assert result.dci.completeness < 0.1
        assert result.dci.informativeness < 0.6


def test_a_small_mutual_information_gap_by_hand() -> None:
    # v is a fair bit. The first code equals it: I = ln 2. The second agrees in 3 of 4 cases: I = ln 2 - H(1/4).
    v = np.repeat([0.0, 1.0], 100)
    second = v.copy()
    second[:25], second[100:125] = 1.0, 0.0
    result = mig(np.stack([second, v], axis=1), v[:, None])
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert result.information[:, 0] == pytest.approx([np.log(2) - entropy, np.log(2)])
    assert result.value == pytest.approx(entropy / np.log(2))


def test_mig_is_disentanglement_libs_formula_on_discrete_codes() -> None:
    from sklearn.metrics import mutual_info_score

    rng = np.random.default_rng(3)
    v = rng.integers(0, 5, (500, 3))
    codes = np.where(rng.random((500, 3)) < 0.7, v, rng.integers(0, 5, (500, 3)))
    table = np.array([[mutual_info_score(v[:, j], codes[:, i]) for j in range(3)] for i in range(3)])
    top = np.sort(table, axis=0)[::-1]
    entropies = np.array([mutual_info_score(v[:, j], v[:, j]) for j in range(3)])
    assert mig(codes, v).value == pytest.approx(np.mean((top[0] - top[1]) / entropies))


def test_sap_by_hand() -> None:
    # A line explains r² of a continuous factor; a threshold on a code that agrees in 9 of 10 cases is right in 0.9.
    rng = np.random.default_rng(4)
    x, noise = rng.normal(size=(2, 4000))
    codes = np.stack([x, 0.6 * x + 0.8 * noise], axis=1)
    assert sap(codes, x[:, None]).per_factor == pytest.approx([1 - 0.36], abs=0.03)
    bit = rng.integers(0, 2, 4000)
    read = np.where(rng.random(4000) < 0.1, 1 - bit, bit)
    result = sap(np.stack([read + 0.1 * rng.random(4000), rng.random(4000)], axis=1), bit[:, None])
    assert result.scores[:, 0] == pytest.approx([0.9, 0.5], abs=0.03)


def test_one_code_for_two_factors_is_complete_but_not_disentangled() -> None:
    rng = np.random.default_rng(5)
    v = (rng.random((800, 2)) < 0.5).astype(float)
    both = v[:, 0] + 2 * v[:, 1]
    spare = rng.normal(size=(800, 2))
    result = dci(np.column_stack([both, spare]), v)
    assert result.disentanglement < 0.1
    assert result.completeness > 0.9
    split = dci(np.column_stack([v[:, 0], v[:, 1], spare]), v)
    assert split.disentanglement > 0.9


def test_the_same_seed_gives_the_same_scores() -> None:
    a, b = (dci(MIXED, MIXED, seed=3) for _ in range(2))
    assert np.array_equal(a.importance, b.importance)


@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (UNIFORM[:50], UNIFORM[:50], "at least 100"),
        (UNIFORM, UNIFORM[:400], "same"),
        (UNIFORM[:, :1], UNIFORM, "two codes"),
        (UNIFORM, np.ones((800, 2)), "doesn't vary"),
        (np.full((800, 2), np.nan), UNIFORM, "finite"),
    ],
)
def test_errors_say_what_is_wrong(codes: np.ndarray, factors: np.ndarray, message: str) -> None:
    with pytest.raises(SemirayError, match=message):
        mig(codes, factors)
    with pytest.raises(SemirayError, match="tells factors apart"):
        dci(UNIFORM, UNIFORM[:, :1])


def test_a_run_that_learned_nothing_lies_at_the_floor_on_phantoms(
    real: RadiographSet, run_maker: Any, set_maker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    import disentanglement

    for name, kind in (("Classifier", GradientBoostingClassifier), ("Regressor", GradientBoostingRegressor)):
        few = lambda kind=kind, **given: kind(n_estimators=2, max_features=5, **given)  # noqa: E731
        monkeypatch.setattr(disentanglement, f"GradientBoosting{name}", few)
    run, _ = run_maker(tmp_path / "RUN", real)
    phantoms = set_maker(120)
    with pytest.raises(SemirayError, match=r"factors\.csv"):
        measure_phantoms(run, phantoms)
    prior = JointPrior.default()
    codes = prior.sample(120).numpy()
    rows = tuple({name: str(value) for name, value in zip(prior.names, row, strict=True)} for row in codes)
    result = measure_phantoms(run, replace(phantoms, metadata=rows))
    assert result.names == prior.names
    assert result.measured.mig.value < 0.1 + result.floor.mig.value
    assert result.ceiling.mig.value > 0.5
    assert result.ceiling.sap.value > 0.4
