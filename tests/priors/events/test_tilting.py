"""Minimax tilting: the bound is one, weights average to the box's probability, accepted draws are normal in it."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from semiray.priors.events.tilting import TiltedBoxes

INF = math.inf


def _exchangeable(d: int, r: float) -> torch.Tensor:
    return torch.full((d, d), r, dtype=torch.float64).fill_diagonal_(1.0)


def _boxes(*ends: tuple[list[float], list[float]]) -> tuple[torch.Tensor, torch.Tensor]:
    lower, upper = zip(*ends, strict=True)
    return torch.tensor(lower, dtype=torch.float64), torch.tensor(upper, dtype=torch.float64)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _random_boxes(K: int, d: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes of all kinds: narrow, wide, half open, open, in the middle and in the tails."""
    generator = torch.Generator().manual_seed(seed)
    centre = 3 * torch.randn(K, d, dtype=torch.float64, generator=generator)
    half = 10 ** (4 * torch.rand(K, d, dtype=torch.float64, generator=generator) - 3)
    kind = torch.randint(5, (K, d), generator=generator)
    lower = torch.where((kind == 0) | (kind == 1), -INF, centre - half)
    upper = torch.where((kind == 0) | (kind == 2), INF, centre + half)
    return lower, upper


@pytest.mark.parametrize("d", [1, 2, 5, 12])
@pytest.mark.parametrize("r", [0.0, 0.5, 0.95])
def test_no_weight_exceeds_the_bound_and_no_draw_leaves_its_box(d: int, r: float) -> None:
    lower, upper = _random_boxes(60, d, seed=d)
    boxes = TiltedBoxes(lower, upper, _exchangeable(d, r))
    assert boxes.solved.double().mean() > 0.95
    index = torch.arange(60).repeat_interleave(500)
    scores, weight = boxes.propose(index, _generator())
    assert ((scores > lower[index]) & (scores < upper[index])).all()
    assert (weight <= boxes.bound[index] + 1e-6).all()
    plain = TiltedBoxes(lower, upper, _exchangeable(d, r), tilted=False)
    assert (plain.propose(index, _generator())[1] <= plain.bound[index] + 1e-9).all()


def test_the_mean_weight_is_the_probability() -> None:
    R = torch.tensor([[1.0, 0.5, -0.3], [0.5, 1.0, 0.2], [-0.3, 0.2, 1.0]], dtype=torch.float64)
    lower, upper = _boxes(([-1.0, 0.5, -2.0], [1.0, 2.0, 0.3]), ([2.0, -INF, 1.0], [INF, 0.0, INF]))
    boxes = TiltedBoxes(lower, upper, R)
    for k in range(2):
        _, weight = boxes.propose(torch.full((40_000,), k), _generator())
        estimate, error = float(weight.exp().mean()), float(weight.exp().std()) / 200
        a, b = lower[k].clamp(min=-9).numpy(), upper[k].clamp(max=9).numpy()
        truth = stats.multivariate_normal(cov=R.numpy(), seed=0, abseps=1e-8, maxpts=10**5).cdf(b, lower_limit=a)
        assert abs(estimate - truth) < 4 * error + 1e-4 * truth + 1e-8
        assert error < 0.01 * estimate
        assert truth <= math.exp(float(boxes.bound[k])) < 2 * truth


def test_a_rare_orthant_in_many_dimensions_keeps_most_draws() -> None:
    """All of ten scores, correlated 0.5, above 4: about 1e-13; scaling by rejection would never end."""
    d = 10
    boxes = TiltedBoxes(*_boxes(([4.0] * d, [INF] * d)), _exchangeable(d, 0.5))
    _, weight = boxes.propose(torch.zeros(20_000, dtype=torch.int64), _generator())
    assert float((weight - boxes.bound).exp().mean()) > 0.3
    # Given the common factor f, scores are independent: P = E[Phi((sqrt(.5) f - 4) / sqrt(.5))^d].
    f = torch.linspace(-10, 15, 200_001, dtype=torch.float64)
    inner = d * torch.special.log_ndtr(f - 4 / math.sqrt(0.5)) - f.square() / 2
    truth = float(torch.trapezoid(inner.exp(), f)) / math.sqrt(2 * math.pi)
    assert float(weight.exp().mean()) == pytest.approx(truth, rel=0.02)


def test_accepted_draws_are_normal_in_the_box() -> None:
    """By the distribution of one score given the box, which for two scores is an integral in one dimension."""
    r = 0.8
    boxes = TiltedBoxes(*_boxes(([1.0, -INF], [INF, 0.0])), _exchangeable(2, r))
    generator = _generator()
    scores, weight = boxes.propose(torch.zeros(60_000, dtype=torch.int64), generator)
    kept = scores[torch.rand(60_000, dtype=torch.float64, generator=generator) < (weight - boxes.bound).exp()]
    grid = torch.linspace(1, 9, 40_001, dtype=torch.float64)
    density = torch.exp(-grid.square() / 2 + torch.special.log_ndtr(-r * grid / math.sqrt(1 - r**2)))
    cdf = torch.cumulative_trapezoid(density, grid)
    cdf = torch.cat([cdf.new_zeros(1), cdf]) / cdf[-1]
    found = torch.searchsorted(kept[:, 0].sort().values, grid) / len(kept)
    assert float((found - cdf).abs().max()) < 1.95 / math.sqrt(len(kept))  # Kolmogorov-Smirnov, 0.1 %


def test_equal_seeds_give_equal_draws() -> None:
    lower, upper = _random_boxes(20, 4, seed=1)
    index = torch.arange(20).repeat(50)
    first, second = (TiltedBoxes(lower, upper, _exchangeable(4, 0.3)).propose(index, _generator()) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
