"""The discrete families: tables, thresholds, and how to make one."""

from __future__ import annotations

import pytest
import torch

from semiray.priors import FAMILIES, Factor, JointPrior, Parameter, discrete_family


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
