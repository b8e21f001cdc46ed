"""The objectives against closed forms."""

import math
from collections.abc import Callable

import pytest
import scipy.stats
import torch

from semiray.training.objectives import (
    LEAST_ERROR,
    commit_likelihood,
    commit_squared_error,
    content,
    cross_entropy_critic,
    cross_entropy_generator,
    gradient_penalty,
    ground_likelihood,
    relativistic,
    sliced_wasserstein,
)


def test_equal_logits_cost_log_two() -> None:
    level = torch.full((8,), 3.0)
    torch.testing.assert_close(relativistic(level, level), torch.tensor(math.log(2)))
    zero = torch.zeros(8)
    torch.testing.assert_close(cross_entropy_critic(zero, zero), torch.tensor(2 * math.log(2)))
    torch.testing.assert_close(cross_entropy_generator(zero), torch.tensor(math.log(2)))


def test_the_better_the_pair_the_smaller_the_loss() -> None:
    zero, one = torch.zeros(8), torch.ones(8)
    assert relativistic(one, zero) < relativistic(zero, one)
    assert cross_entropy_critic(one, -one) < cross_entropy_critic(-one, one)
    assert cross_entropy_generator(one) < cross_entropy_generator(-one)


def test_gradient_penalty_of_a_linear_critic_is_its_squared_weight() -> None:
    weight = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(0))
    images = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    penalty = gradient_penalty(lambda x: (x * weight).sum(dim=(1, 2, 3)), images)
    torch.testing.assert_close(penalty, weight.square().sum())


def test_gradient_penalty_can_be_minimised() -> None:
    weight = torch.ones(1, 1, 2, 2, requires_grad=True)
    gradient_penalty(lambda x: (x * weight).sum(dim=(1, 2, 3)), torch.zeros(3, 1, 2, 2)).backward()
    torch.testing.assert_close(weight.grad, 2 * weight.detach())


def test_sliced_wasserstein_vanishes_on_the_prior_and_sees_shift_spread_and_correlation() -> None:
    draws = torch.Generator().manual_seed(0)
    R = torch.tensor([[1.0, 0.6], [0.6, 1.0]])
    L = torch.linalg.cholesky(R)
    scores = torch.randn(20_000, 2, generator=draws) @ L.T
    directions = torch.nn.functional.normalize(torch.randn(64, 2, generator=draws), dim=1)
    spread = ((directions @ R) * directions).sum(dim=1).sqrt()
    at_prior = sliced_wasserstein(scores, directions, spread)
    assert at_prior < 1e-3
    for wrong in (scores + 0.3, scores * 0.7, scores * torch.tensor([1.0, -1.0])):
        assert sliced_wasserstein(wrong, directions, spread) > 20 * at_prior


def test_sliced_wasserstein_in_one_dimension_is_the_known_distance() -> None:
    levels = (torch.arange(1000) + 0.5) / 1000
    quantiles = torch.special.ndtri(levels)[:, None]
    one = torch.ones(1, 1)
    shifted = sliced_wasserstein(quantiles[torch.randperm(1000)] + 0.5, one, torch.ones(1))
    torch.testing.assert_close(shifted, torch.tensor(0.25), rtol=1e-4, atol=1e-5)


def test_likelihood_is_the_normal_log_density() -> None:
    draws = torch.Generator().manual_seed(0)
    estimate, codes = torch.randn(6, 3, generator=draws), torch.randn(6, 3, generator=draws)
    log_variance = torch.tensor([0.0, 1.0, -1.0])
    expected = -torch.distributions.Normal(estimate, (log_variance / 2).exp()).log_prob(codes).mean()
    torch.testing.assert_close(commit_likelihood(estimate, codes, log_variance, torch.ones(3)), expected)


def test_squared_error_on_known_values() -> None:
    torch.testing.assert_close(
        commit_squared_error(torch.ones(2, 3), torch.zeros(2, 3), torch.ones(3)), torch.tensor(1.0)
    )


def test_a_heavier_dimension_counts_more_in_both_forms_of_commitment() -> None:
    codes, weight = torch.zeros(4, 3), torch.tensor([2.0, 0.5, 0.5])
    lead, companion = torch.eye(3)[0].expand(4, 3), torch.eye(3)[1].expand(4, 3)
    assert float(commit_squared_error(lead, codes, weight)) == pytest.approx(2 / 3)
    assert float(commit_squared_error(companion, codes, weight)) == pytest.approx(0.5 / 3)
    even = torch.zeros(3)
    cost = [
        commit_likelihood(x, codes, even, weight) - commit_likelihood(codes, codes, even, weight)
        for x in (lead, companion)
    ]
    assert float(cost[0]) == pytest.approx(4 * float(cost[1]))


def known(low: list[float], high: list[float]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    low_, high_ = torch.tensor(low)[:, None], torch.tensor(high)[:, None]
    return low_, high_, torch.ones_like(low_)


@pytest.mark.parametrize(
    ("low", "high", "probability"),
    [
        (0.3, 0.3, lambda normal: normal.pdf(0.3)),
        (0.3, math.inf, lambda normal: normal.sf(0.3)),
        (-math.inf, 0.3, lambda normal: normal.cdf(0.3)),
        (1.0, 2.0, lambda normal: normal.cdf(2.0) - normal.cdf(1.0)),
        (-2.0, -1.0, lambda normal: normal.cdf(-1.0) - normal.cdf(-2.0)),
        (-math.inf, math.inf, lambda normal: normal.cdf(math.inf)),
    ],
)
def test_ground_is_the_likelihood_of_what_is_known(low: float, high: float, probability: Callable[..., float]) -> None:
    estimate, log_error = torch.tensor([[-0.4]]), torch.tensor([math.log(0.7)])
    loss = ground_likelihood(estimate, *known([low], [high])[:2], log_error, torch.ones(1, 1))
    expected = -math.log(probability(scipy.stats.norm(-0.4, 0.7 + LEAST_ERROR)))
    assert float(loss) == pytest.approx(expected, abs=1e-5)


def test_ground_has_finite_gradients_however_wrong_the_estimate_is() -> None:
    low, high, weight = known([0.0, 0.0, -math.inf, -1.0, -math.inf], [0.0, math.inf, 0.0, 1.0, math.inf])
    for wrong in (-300.0, -5.0, 0.0, 5.0, 300.0):
        estimate = torch.full((5, 1), wrong, requires_grad=True)
        log_error = torch.zeros(1, requires_grad=True)
        loss = ground_likelihood(estimate, low, high, log_error, weight)
        slope, spread = torch.autograd.grad(loss, (estimate, log_error))
        assert torch.isfinite(loss)
        assert torch.isfinite(slope).all()
        assert torch.isfinite(spread).all()
        assert float(slope[0]) * wrong >= 0  # an exact score draws the estimate towards itself
        assert float(slope[1]) <= 0  # a censored one only upwards
        assert float(slope[4]) == 0  # and what isn't known nowhere


def test_ground_fitted_to_censored_scores_finds_what_dropping_or_believing_them_misses() -> None:
    draws = torch.Generator().manual_seed(0)
    score, limit = 0.5 + torch.randn(4000, 1, generator=draws), 0.5 + torch.randn(4000, 1, generator=draws)
    seen, censored = torch.minimum(score, limit), score > limit

    def fitted(high: torch.Tensor, weight: torch.Tensor) -> float:
        mean, log_error = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
        fit = torch.optim.LBFGS([mean, log_error], max_iter=50)

        def closure() -> float:
            fit.zero_grad()
            loss = ground_likelihood(mean.expand(4000, 1), seen, high, log_error, weight)
            loss.backward()
            return float(loss.detach())

        fit.step(closure)
        return float(mean)

    ones = torch.ones(4000, 1)
    assert fitted(torch.where(censored, math.inf, seen), ones) == pytest.approx(0.5, abs=0.06)
    assert fitted(seen, ones) < 0.1  # censored times taken for events
    assert fitted(seen, (~censored).float()) < 0.1  # censored patients discarded


def test_ground_gives_no_weight_to_what_has_none() -> None:
    low, high, _ = known([0.0, 3.0], [0.0, 3.0])
    estimate = torch.tensor([[0.1], [-9.0]])
    half = ground_likelihood(estimate, low, high, torch.zeros(1), torch.tensor([[1.0], [0.0]]))
    alone = ground_likelihood(estimate[:1], low[:1], high[:1], torch.zeros(1), torch.ones(1, 1))
    assert float(half) == pytest.approx(float(alone) / 2)


def chest(shift: float = 0.0, zoom: float = 1.0) -> torch.Tensor:
    """(1, 1, 32, 32): two dark fields on a bright body, as seen at another place and size."""
    line = torch.linspace(-1, 1, 32)
    y, x = torch.meshgrid(line, line, indexing="ij")
    x, y = (x - shift) / zoom, y / zoom
    fields = sum(torch.exp(-(((x - side) / 0.25).square()) - (y / 0.5).square()) for side in (-0.4, 0.4))
    return (0.5 - fields)[None, None]


def test_exposure_and_framing_explain_what_they_change() -> None:
    still = chest()
    for name, changed in {
        "brighter": still + 0.1,
        "paler": still * 0.9 - 0.05,
        "moved": chest(shift=0.1),
        "larger": chest(zoom=1.1),
    }.items():
        assert content(still, changed) > 0.95, name


def test_an_opacity_is_content() -> None:
    opacity = torch.zeros(1, 1, 32, 32)
    opacity[:, :, 8:14, 6:12] = 0.3
    assert content(chest(), chest() + opacity) < 0.5


def test_content_moves_what_differs_and_takes_no_difference_for_none() -> None:
    first = chest().requires_grad_()
    content(first, chest(shift=0.02)).backward()
    assert first.grad is not None
    assert 0 < first.grad.abs().sum() < math.inf
    assert content(chest(), chest()) == 0
    flat = torch.zeros(1, 1, 32, 32)
    assert content(flat, flat + 0.1) == pytest.approx(1, abs=0.02)
