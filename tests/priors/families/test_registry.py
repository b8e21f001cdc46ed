"""The registry of families, the continuous families' closed forms, and the discrete families' tables."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from semiray.errors import SemirayError
from semiray.priors import FAMILIES, Factor, JointPrior, Parameter, discrete_family, register


def test_the_issue_s_families_are_there() -> None:
    assert {"bernoulli", "exponential", "uniform", "normal", "lognormal", "weibull", "categorical"} <= set(FAMILIES)
    for name, entry in FAMILIES.items():
        assert entry.name == name


def test_a_registered_family_works_and_its_name_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(FAMILIES, "gauss", raising=False)
    entry = register(dataclasses.replace(FAMILIES["normal"], name="gauss"))
    try:
        assert Factor("x", "Gauss", parameters={"mean": 0, "standard_deviation": 1}).entry is entry
        with pytest.raises(SemirayError, match="'gauss' exists already"):
            register(entry)
    finally:
        del FAMILIES["gauss"]


def test_exponential_is_the_weibull_of_shape_one() -> None:
    a = JointPrior([Factor("a", "exponential", 1, {"mean": 7})])
    b = JointPrior([Factor("a", "weibull", 1, {"shape": 1, "scale": 7})])
    s = torch.linspace(-6, 6, 101, dtype=torch.float64).unsqueeze(-1)
    torch.testing.assert_close(a.codes(s), b.codes(s))
    torch.testing.assert_close(a.log_prob(a.codes(s)), b.log_prob(a.codes(s)))
    assert a.marginal("a").standard_deviation == pytest.approx(b.marginal("a").standard_deviation)


def test_known_medians() -> None:
    half = torch.tensor(0.5)
    for family, parameters, median in (
        ("exponential", {"mean": 10}, 10 * math.log(2)),
        ("lognormal", {"median": 3, "sigma": 0.5}, 3.0),
        ("normal", {"mean": 5, "standard_deviation": 2}, 5.0),
        ("uniform", {"low": -1, "high": 3}, 1.0),
        ("weibull", {"shape": 2, "scale": 3}, 3 * math.sqrt(math.log(2))),
    ):
        prior = JointPrior([Factor("x", family, 1, parameters)])
        assert float(prior.quantile("x", half)) == pytest.approx(median, rel=1e-6)


def test_the_far_tail_of_the_exponential_is_exact() -> None:
    prior = JointPrior([Factor("x", "exponential", 1, {"mean": 1})])
    code = prior.codes(torch.tensor([[8.0]], dtype=torch.float64))
    assert float(code) == pytest.approx(35.013437159914549, rel=1e-12)  # -log Phi(-8), by mpmath


def test_density_integrates_to_one() -> None:
    for family, parameters in (
        ("exponential", {"mean": 2}),
        ("lognormal", {"median": 2, "sigma": 0.5}),
        ("normal", {"mean": 3, "standard_deviation": 1}),
        ("uniform", {"low": 1, "high": 4}),
        ("weibull", {"shape": 2.5, "scale": 4}),
    ):
        marginal = JointPrior([Factor("x", family, 1, parameters)]).marginal("x")
        x = torch.linspace(-10, 60, 700_001, dtype=torch.float64)
        assert float(torch.trapezoid(marginal.log_prob(x).exp(), x)) == pytest.approx(1.0, abs=2e-4)


def test_values_and_probabilities() -> None:
    prior = JointPrior([Factor("grade", "categorical", 2, {"probabilities": [0.2, 0.5, 0.3]})])
    marginal = prior.marginal("grade[1]")
    assert marginal.values == (0.0, 1.0, 2.0)
    assert marginal.probabilities == pytest.approx((0.2, 0.5, 0.3))
    assert prior.quantile("grade", torch.tensor([0.1, 0.199, 0.201, 0.69, 0.71])).tolist() == [0, 0, 1, 1, 2]


def test_score_of_a_value_is_the_middle_of_its_interval() -> None:
    prior = JointPrior([Factor("grade", "categorical", 1, {"probabilities": [0.2, 0.5, 0.3]})])
    scores = prior.scores(torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64))
    middles = torch.special.ndtri(torch.tensor([[0.1], [0.45], [0.85]], dtype=torch.float64))
    torch.testing.assert_close(scores, middles)


def test_a_fractional_code_is_rounded_to_the_nearest_value() -> None:
    prior = JointPrior([Factor("alive", "bernoulli", 1, {"probability": 0.3})])
    exact = prior.scores(torch.tensor([[0.0], [1.0]]))
    assert torch.equal(prior.scores(torch.tensor([[0.49], [0.51]])), exact)


def test_parameters_and_values_per_dimension() -> None:
    rows = {"probabilities": [[0.9, 0.1], [0.2, 0.8]], "values": [[0, 1], [10, 20]]}
    prior = JointPrior([Factor("x", "categorical", 2, rows)])
    assert prior.mean.tolist() == pytest.approx([0.1, 18.0])
    assert prior.marginal("x[1]").values == (10.0, 20.0)


def test_tiny_probabilities_keep_their_thresholds() -> None:
    prior = JointPrior([Factor("x", "bernoulli", 1, {"probability": 1e-12})])
    code = prior.codes(torch.tensor([[7.0], [7.1]], dtype=torch.float64))  # Phi(-7.034) = 1e-12
    assert code.flatten().tolist() == [0.0, 1.0]


def test_a_new_family_needs_its_table_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def levels(p):
        chance = p["probability"].unsqueeze(-1)
        values = torch.arange(3, dtype=chance.dtype).expand(len(chance), 3)
        return values, torch.cat([(1 - chance) ** 2, 2 * chance * (1 - chance), chance**2], -1)

    pair = discrete_family("pair", {"probability": Parameter("chance of each of two", 0, 1)}, levels)
    monkeypatch.setitem(FAMILIES, "pair", pair)
    prior = JointPrior.from_dict({"factors": {"lungs": {"family": "pair", "probability": 0.25, "dimensions": 2}}})
    assert prior.marginal("lungs").mean == pytest.approx(0.5)
    codes = prior.sample(50_000, torch.Generator().manual_seed(0))
    assert float((codes == 2).double().mean()) == pytest.approx(1 / 16, abs=0.005)
    assert torch.isfinite(prior.relaxed(torch.randn(8, 2))).all()
