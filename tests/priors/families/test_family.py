"""Properties of every family, against scipy's independent implementation; one dimension's distribution by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from semiray.errors import SemirayError
from semiray.priors import FAMILIES, SCORE_BOUND, JointPrior, Parameter, normal_cdf, normal_score

U = torch.linspace(0.001, 0.999, 499, dtype=torch.float64)


def test_moments_match_scipy(prior: JointPrior, reference) -> None:
    marginal = prior.marginal("x")
    assert marginal.mean == pytest.approx(reference.mean(), rel=1e-12)
    assert marginal.standard_deviation == pytest.approx(reference.std(), rel=1e-12)


def test_quantile_matches_scipy(prior: JointPrior, reference) -> None:
    np.testing.assert_allclose(prior.marginal("x").quantile(U), reference.ppf(U), rtol=1e-10, atol=1e-12)


def test_cdf_matches_scipy_inside_and_outside_the_support(prior: JointPrior, reference) -> None:
    codes = torch.linspace(-30, 90, 601, dtype=torch.float64)
    np.testing.assert_allclose(prior.marginal("x").cdf(codes), reference.cdf(codes), atol=2e-15)


def test_log_prob_matches_scipy_inside_and_outside_the_support(prior: JointPrior, reference) -> None:
    marginal = prior.marginal("x")
    codes = torch.linspace(-30, 90, 601, dtype=torch.float64)
    with np.errstate(divide="ignore"):
        expected = (reference.logpmf if marginal.discrete else reference.logpdf)(codes.numpy())
    np.testing.assert_allclose(marginal.log_prob(codes), expected, rtol=1e-9)


def test_extreme_probabilities_stay_finite_and_in_the_support(prior: JointPrior) -> None:
    marginal = prior.marginal("x")
    low, high = marginal.support
    for dtype in (torch.float32, torch.float64):
        u = torch.tensor([0.0, 1e-300, 1e-30, 1 - 1e-7, 1 - 1e-16, 1.0], dtype=dtype)
        codes = marginal.quantile(u)
        assert torch.isfinite(codes).all()
        assert ((codes >= low) & (codes <= high)).all()


def test_quantile_never_falls(prior: JointPrior) -> None:
    scores = torch.linspace(-12, 12, 4001, dtype=torch.float64).unsqueeze(-1).expand(-1, 3)
    codes = prior.codes(scores)
    assert torch.isfinite(codes).all()
    assert (codes.diff(dim=0) >= -1e-12 * codes.abs()[1:]).all()


def test_scores_invert_codes_far_into_both_tails(prior: JointPrior) -> None:
    marginal = prior.marginal("x")
    s = torch.linspace(-5, 5, 201, dtype=torch.float64).unsqueeze(-1).expand(-1, 3)
    back = prior.scores(prior.codes(s))
    if marginal.discrete:
        assert torch.equal(prior.codes(back), prior.codes(s))
    else:
        torch.testing.assert_close(back, s, rtol=0, atol=1e-9)


def test_every_parameter_states_its_meaning_and_range() -> None:
    for entry in FAMILIES.values():
        for parameter in entry.parameters.values():
            assert len(parameter.meaning) > 3
            assert parameter.range
    assert Parameter("p", 0, 1).range == "between 0 and 1, both excluded"
    assert Parameter("p", 0).range == "greater than 0"
    assert Parameter("p").range == "a finite number"


def test_normal_cdf_and_score_keep_both_tails() -> None:
    s = torch.linspace(-7.9, 7.9, 159, dtype=torch.float64)
    torch.testing.assert_close(normal_score(normal_cdf(s), normal_cdf(-s)), s, rtol=1e-12, atol=1e-12)
    ends = normal_score(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]))
    assert ends.tolist() == [-SCORE_BOUND, SCORE_BOUND]


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
