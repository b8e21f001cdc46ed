"""The copula: marginals exact, dependence as written, maps inverse to one another, gradients safe."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from semiray.errors import SemirayError
from semiray.priors import Factor, JointPrior

DRAWS = 100_000


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_marginals_pass_their_goodness_of_fit_test(prior: JointPrior, reference) -> None:
    codes = prior.sample(DRAWS, _generator()).double().numpy()
    for i, name in enumerate(prior.names):
        marginal = prior.marginal(name)
        if marginal.discrete:
            observed = [(codes[:, i] == value).sum() for value in marginal.values]
            p = stats.chisquare(observed, DRAWS * reference.pmf(marginal.values)).pvalue
        else:
            p = stats.kstest(codes[:, i], reference.cdf).pvalue
        assert p > 0.001, (name, p)


def test_the_goodness_of_fit_test_can_fail(prior: JointPrior, reference) -> None:
    codes = prior.codes(1.03 * prior.sample_scores(DRAWS, _generator()) + 0.03).double().numpy()[:, 0]
    if prior.discrete[0]:
        values = prior.marginal("x").values
        p = stats.chisquare([(codes == v).sum() for v in values], DRAWS * reference.pmf(values)).pvalue
    else:
        p = stats.kstest(codes, reference.cdf).pvalue
    assert p < 0.001


def test_correlation_of_scores_is_within_a_hundredth_of_r(mixed: JointPrior) -> None:
    for prior in (JointPrior.default(), mixed):
        found = torch.corrcoef(prior.sample_scores(DRAWS, _generator()).double().T)
        assert float((found - prior.correlation).abs().max()) < 0.01


def test_marginals_stay_exact_whatever_the_correlation() -> None:
    for r in (-0.2, 0.0, 0.95):
        prior = JointPrior([Factor("x", "exponential", 5, {"mean": 2}, r)])
        codes = prior.sample(DRAWS, _generator(1)).double().numpy()
        assert min(stats.kstest(column, stats.expon(scale=2).cdf).pvalue for column in codes.T) > 0.001


def test_sampling_is_seeded_and_is_codes_of_scores(mixed: JointPrior) -> None:
    a, b = mixed.sample(50, _generator(7)), mixed.sample(50, _generator(7))
    assert torch.equal(a, b)
    assert not torch.equal(a, mixed.sample(50, _generator(8)))
    assert torch.equal(a, mixed.codes(mixed.sample_scores(50, _generator(7))))
    assert a.dtype == torch.float32
    assert mixed.sample(0).shape == (0, mixed.dimensions)


def test_standardised_codes_have_mean_zero_and_variance_one(mixed: JointPrior) -> None:
    x = mixed.standardise(mixed.sample(DRAWS, _generator())).double()
    assert float(x.mean(0).abs().max()) < 0.015
    assert float((x.var(0) - 1).abs().max()) < 0.06  # heavy tails: the lognormal's fourth moment is large


def test_unstandardise_inverts_standardise(mixed: JointPrior) -> None:
    codes = mixed.sample(500, _generator())
    torch.testing.assert_close(mixed.unstandardise(mixed.standardise(codes)), codes, rtol=1e-5, atol=1e-5)
    double = codes.double()
    torch.testing.assert_close(mixed.unstandardise(mixed.standardise(double)), double)
    assert mixed.standardise(double).dtype == torch.float64


def test_maps_answer_in_float32_even_to_half_precision(mixed: JointPrior) -> None:
    half = mixed.sample_scores(8, _generator()).bfloat16()
    for mapped in (mixed.codes(half), mixed.standardise(half), mixed.relaxed(half)):
        assert mapped.dtype == torch.float32
        assert torch.isfinite(mapped).all()


def test_maps_are_the_same_inside_autocast(mixed: JointPrior) -> None:
    scores = mixed.sample_scores(64, _generator())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = mixed.relaxed(scores), mixed.codes(scores), mixed.sample_scores(64, _generator())
    for a, b in zip(inside, (mixed.relaxed(scores), mixed.codes(scores), scores), strict=True):
        assert torch.equal(a, b)


def test_relaxed_is_exact_where_continuous(mixed: JointPrior) -> None:
    scores = mixed.sample_scores(2_000, _generator()).clamp(-5, 5)
    exact, smooth = mixed.standardise(mixed.codes(scores)), mixed.relaxed(scores)
    continuous = ~mixed.discrete
    torch.testing.assert_close(smooth[:, continuous], exact[:, continuous], rtol=2e-5, atol=2e-5)


def test_relaxed_approaches_the_thresholds_as_it_sharpens(mixed: JointPrior) -> None:
    scores = mixed.sample_scores(4_000, _generator())
    exact = mixed.standardise(mixed.codes(scores))[:, mixed.discrete]
    errors = [
        float((mixed.relaxed(scores, k)[:, mixed.discrete] - exact).abs().mean()) for k in (1.0, 4.0, 16.0, 256.0)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01


def test_relaxed_bernoulli_is_a_smoothed_step() -> None:
    prior = JointPrior([Factor("x", "bernoulli", 1, {"probability": 0.5})])
    s = torch.tensor([[-0.5], [0.0], [0.25]], dtype=torch.float64)
    expected = (stats.norm.cdf(4 * s.numpy()) - 0.5) / 0.5
    np.testing.assert_allclose(prior.relaxed(s), expected, atol=1e-12)


def test_gradients_of_relaxed_are_right(mixed: JointPrior) -> None:
    scores = mixed.sample_scores(4, _generator()).double().clamp(-4, 4).requires_grad_()
    assert torch.autograd.gradcheck(mixed.relaxed, (scores,), atol=1e-5)


def test_relaxed_is_finite_with_its_gradient_for_any_estimate(mixed: JointPrior) -> None:
    wild = [float("inf"), -float("inf"), 1e30, -1e30, 60.0, -60.0, 5.0, -5.0, 4.9999, -4.9999, 0.0]
    for prior in (mixed, JointPrior.default()):
        scores = torch.tensor(wild).unsqueeze(-1).repeat(1, prior.dimensions).requires_grad_()
        out = prior.relaxed(scores)
        out.square().sum().backward()
        assert torch.isfinite(out).all()
        assert torch.isfinite(scores.grad).all()


def test_an_estimate_gone_astray_is_drawn_back() -> None:
    prior = JointPrior([Factor("x", "exponential", 1, {"mean": 10})])
    scores = torch.tensor([[9.0]], requires_grad=True)
    prior.relaxed(scores).sum().backward()
    assert float(scores.grad) > 1


def test_nan_is_passed_on_so_that_training_sees_it() -> None:
    assert torch.isnan(JointPrior.default().relaxed(torch.full((1, 20), float("nan")))).all()


def test_log_prob_matches_the_multivariate_normal() -> None:
    prior = JointPrior([Factor("x", "normal", 3, {"mean": [1, 2, 3], "standard_deviation": [1, 2, 0.5]}, 0.4)])
    codes = prior.sample(100, _generator()).double()
    deviation = np.array([1, 2, 0.5])
    reference = stats.multivariate_normal([1, 2, 3], prior.correlation.numpy() * np.outer(deviation, deviation))
    np.testing.assert_allclose(prior.log_prob(codes), reference.logpdf(codes.numpy()), rtol=1e-10)


def test_log_prob_matches_the_multivariate_lognormal_and_integrates_to_one() -> None:
    prior = JointPrior([Factor("x", "lognormal", 2, {"median": 1, "sigma": 0.5}, -0.6)])
    grid = torch.linspace(1e-4, 14, 1200, dtype=torch.float64)
    a, b = torch.meshgrid(grid, grid, indexing="ij")
    density = prior.log_prob(torch.stack([a, b], -1)).exp()
    assert float(torch.trapezoid(torch.trapezoid(density, grid), grid)) == pytest.approx(1, abs=1e-4)


def test_log_prob_with_independent_factors_is_the_sum() -> None:
    prior = JointPrior(
        [Factor("d", "exponential", 1, {"mean": 10}), Factor("u", "uniform", 2, {"low": -1, "high": 1}, 0.0)]
    )
    codes = prior.sample(20, _generator())
    expected = sum(prior.marginal(name).log_prob(codes[:, i]) for i, name in enumerate(prior.names))
    torch.testing.assert_close(prior.log_prob(codes), expected)
    assert float(prior.log_prob(torch.tensor([-1.0, 0.0, 0.0]))) == -float("inf")


def test_log_prob_names_the_discrete_factor() -> None:
    with pytest.raises(SemirayError, match="factor 'survival' is discrete"):
        JointPrior.default().log_prob(torch.zeros(1, 20))


def test_names_find_columns() -> None:
    prior = JointPrior.default()
    assert prior.index("duration") == prior.index("duration[0]") == 5
    assert prior.index("texture[4]") == 19
    with pytest.raises(SemirayError, match=r"duration has dimensions duration\[0\] to duration\[4\]"):
        prior.index("duration[5]")
    with pytest.raises(SemirayError, match=r"no factor 'durations', did you mean 'duration'\?"):
        prior.index("durations")
