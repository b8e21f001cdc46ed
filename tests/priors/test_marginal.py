"""One dimension's distribution by its name."""

from __future__ import annotations

import pytest
import torch

from semiray.errors import SemirayError
from semiray.priors import JointPrior


def test_it_answers_without_its_family_being_known() -> None:
    prior = JointPrior.default()
    assert prior.marginal("survival[2]").values == (0.0, 1.0)
    assert prior.marginal("survival[2]").probabilities == (0.5, 0.5)
    duration = prior.marginal("duration")
    assert (duration.name, duration.unit, duration.support) == ("duration[0]", "days", (0.0, float("inf")))
    assert (duration.values, duration.probabilities) == ((), ())
    assert (duration.mean, duration.standard_deviation) == (10.0, 10.0)


def test_ranges_read_as_words(mixed: JointPrior) -> None:
    assert JointPrior.default().marginal("survival").range == "0 or 1"
    assert JointPrior.default().marginal("duration").range == "0 days or more"
    assert mixed.marginal("x_uniform").range == "-1 to 3"
    assert mixed.marginal("x_normal").range == "any number"
    assert mixed.marginal("x_categorical").range == "-1, 0, 2 or 7"


def test_quantile_keeps_the_shape_and_refuses_what_is_no_probability(mixed: JointPrior) -> None:
    for name in mixed.slices:
        u = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))
        codes = mixed.quantile(name, u)
        assert codes.shape == (3, 4)
        assert codes.dtype == torch.float32
        assert (mixed.marginal(name).cdf(codes.double()) >= u - 1e-5).all()
    for bad in (-0.1, 1.1, float("nan")):
        with pytest.raises(SemirayError, match=r"must lie in \[0, 1\]"):
            mixed.quantile("x_normal", torch.tensor(bad))


def test_code_agrees_with_the_joint_map(mixed: JointPrior) -> None:
    scores = mixed.sample_scores(200, torch.Generator().manual_seed(0))
    codes = mixed.codes(scores)
    for i, name in enumerate(mixed.names):
        assert torch.equal(mixed.marginal(name).code(scores[:, i]).float(), codes[:, i])
