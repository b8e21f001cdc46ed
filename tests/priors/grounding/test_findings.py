"""Findings as factors: rates and correlations by patients, names for events, and what becomes of rare ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.priors import Factor, JointPrior
from semiray.priors.grounding.findings import FEWEST, factor_name, take_findings

NAMES = ["Effusion", "Big heart", "Mass"]


def drawn(count: int, r: float, rates: tuple[float, ...] = (0.3, 0.5, 0.2), seed: int = 0) -> np.ndarray:
    """Findings (count, 3) of which the first two have a correlation of r."""
    R = np.eye(3)
    R[0, 1] = R[1, 0] = r
    prior = JointPrior(
        [Factor(f"f{i}", "bernoulli", 1, {"probability": p}) for i, p in enumerate(rates)],
        between=[["f0", "f1", r]],
    )
    scores = np.random.default_rng(seed).multivariate_normal(np.zeros(3), R, count)
    cuts = [float(prior.marginal(f"f{i}").constants["thresholds"][0, 0]) for i in range(3)]
    return (scores > cuts).astype(np.float32)


def test_rates_and_correlations_are_those_of_the_images() -> None:
    found = take_findings(NAMES, drawn(20_000, 0.6), np.arange(20_000), JointPrior.default())
    names = list(found.prior.slices)
    assert names == [*JointPrior.default().slices, "Effusion", "Big_heart", "Mass"]
    assert found.prior.marginal("Effusion").mean == pytest.approx(0.3, abs=0.01)
    assert found.prior.marginal("Big_heart").mean == pytest.approx(0.5, abs=0.01)
    R = found.prior.correlation.numpy()[-3:, -3:]
    assert R[0, 1] == pytest.approx(0.6, abs=0.02)
    assert abs(R[2, :2]).max() < 0.03
    assert not found.prior.correlation[:20, 20:].any()  # the assumed factors know nothing of findings
    assert found.rules["Big_heart"] == {"finding": "Big heart"}
    assert "Big_heart ('Big heart')" in "\n".join(found.lines)
    assert f"Effusion with Big_heart {R[0, 1]:+.2f}, " in found.lines[-1]


def test_a_patient_counts_once_and_unknowns_not_at_all() -> None:
    values = np.array([[1], [0]] * 50, np.float32)
    often = np.concatenate([values, np.ones((900, 1), np.float32)])
    patients = np.concatenate([np.arange(100), np.zeros(900, int)])  # patient 0, who has it, has 901 images
    assert take_findings(["x"], often, patients, None).prior.marginal("x").mean == pytest.approx(0.5)
    unknown = np.concatenate([values, np.full((900, 1), np.nan, np.float32)])
    found = take_findings(["x"], unknown, np.arange(1000), None)
    assert found.prior.marginal("x").mean == pytest.approx(0.5)
    assert "known of 100 images of 100 patients, 50 have it" in found.lines[1]


def test_contradicting_pairs_become_a_valid_matrix() -> None:
    draws = np.random.default_rng(0)
    values = np.full((3000, 3), np.nan, np.float32)
    for start, (i, j) in enumerate(((0, 1), (1, 2), (0, 2))):  # a goes with b, b with c, but a without c
        rows = slice(1000 * start, 1000 * (start + 1))
        values[rows, i] = draws.integers(0, 2, 1000)
        same = draws.random(1000) < 0.97
        values[rows, j] = np.where(same == ((i, j) != (0, 2)), values[rows, i], 1 - values[rows, i])
    found = take_findings(list("abc"), values, np.arange(3000), None)
    assert float(np.linalg.eigvalsh(found.prior.correlation.numpy())[0]) > 0.01
    assert "contradict" in "\n".join(found.lines)


def test_findings_never_seen_together_are_opposed_but_valid() -> None:
    values = np.repeat([[1, 0], [0, 1], [0, 0]], [100, 100, 100], axis=0).astype(np.float32)
    R = float(take_findings(["a", "b"], values, np.arange(300), None).prior.correlation[0, 1])
    assert -0.99 < R < -0.8


def test_pairs_that_nobody_has_known_are_uncorrelated() -> None:
    values = np.full((80, 2), np.nan, np.float32)
    values[:40, 0], values[40:, 1] = np.arange(40) % 2, np.arange(40) % 2
    found = take_findings(["a", "b"], values, np.arange(80), None)
    assert float(found.prior.correlation[0, 1]) == 0
    assert "a with b" in "\n".join(found.lines)


def test_rare_findings_are_left_out_or_refused() -> None:
    values = drawn(500, 0.0)
    values[:, 2] = 0
    values[: FEWEST - 1, 2] = 1
    found = take_findings(NAMES, values, np.arange(500), None)
    assert [one.name for one in found.left_out] == ["Mass"]
    assert list(found.prior.slices) == ["Effusion", "Big_heart"]
    with pytest.raises(SemirayError, match=r"Mass \(9 have it, 491 lack it\).*rare_findings=omit"):
        take_findings(NAMES, values, np.arange(500), None, refuse_rare=True)
    with pytest.raises(SemirayError, match="None is left"):
        take_findings(["Mass"], values[:, 2:], np.arange(500), None)


def test_a_prior_may_say_a_finding_s_rate_itself() -> None:
    own = JointPrior(
        [
            Factor("Effusion", "bernoulli", 5, {"probability": 0.9}),
            Factor("dose", "normal", 1, {"mean": 0, "standard_deviation": 1}),
        ]
    )
    found = take_findings(NAMES, drawn(500, 0.5), np.arange(500), own)
    assert list(found.prior.slices) == ["Effusion", "dose", "Big_heart", "Mass"]
    assert found.prior.marginal("Effusion").mean == pytest.approx(0.9)
    assert found.rules["Effusion"] == {"finding": "Effusion"}
    with pytest.raises(SemirayError, match="factor Mass that isn't 0 or 1"):
        take_findings(
            NAMES,
            drawn(500, 0.5),
            np.arange(500),
            JointPrior([Factor("Mass", "normal", 1, {"mean": 0, "standard_deviation": 1})]),
        )


def test_a_prior_of_one_matrix_is_extended() -> None:
    full = JointPrior([Factor("a", "uniform", 2, {"low": 0, "high": 1})], correlation=[[1, 0.3], [0.3, 1]])
    R = take_findings(NAMES, drawn(2000, 0.5), np.arange(2000), full).prior.correlation
    assert float(R[0, 1]) == pytest.approx(0.3)
    assert float(R[2, 3]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("finding", "name"),
    [
        ("Effusion", "Effusion"),
        ("Pleural Effusion", "Pleural_Effusion"),
        ("Pneumonia/Viral/COVID-19", "Pneumonia_Viral_COVID_19"),
        ("Kardiomegalie (groß)", "Kardiomegalie_gro"),
        ("1st", "finding_1st"),
        ("any", "finding_any"),
        ("class", "finding_class"),
        ("肺炎", "finding"),
        ("x" * 200, "x" * 52),
    ],
)
def test_names_are_those_of_factors(finding: str, name: str) -> None:
    assert factor_name(finding) == name
    Factor(name, "bernoulli", 1, {"probability": 0.5})  # which takes it
    assert factor_name(finding, [name]) == f"{name}_2"


def test_names_that_differ_in_punctuation_stay_two() -> None:
    found = take_findings(["Big heart", "Big-heart"], drawn(500, 0)[:, :2], np.arange(500), None)
    assert list(found.rules) == ["Big_heart", "Big_heart_2"]
    assert math.isclose(sum(found.prior.marginal(name).mean for name in found.rules), 0.8, abs_tol=0.1)
