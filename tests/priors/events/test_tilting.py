"""Minimax tilting: the bound is one, weights average to the box's probability, accepted draws are normal in it."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import integrate, stats

from semiray.priors.events.tilting import FAR, TiltedBoxes, draw, log_mass, mean_and_variance

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


INTERVALS = [(-1.0, 2.0), (0.5, 0.6), (-9.0, -7.5), (3.0, 3.001), (6.0, 9.0), (-2.0, 2.0), (20.0, 20.5), (-30.0, -29.0)]


def _double(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(("low", "high"), INTERVALS)
def test_mass_moments_and_draws_on_an_interval(low: float, high: float) -> None:
    lower, width = _double(low), _double(high - low)
    nearest = min(max(0.0, low), high)  # of the interval to 0: the density there is set to 1
    density = lambda x: math.exp((nearest**2 - x**2) / 2)  # noqa: E731
    mass, first, second = (
        integrate.quad(lambda x, k=k: (x - nearest) ** k * density(x), low, high, epsabs=1e-12, epsrel=1e-10)[0]
        for k in range(3)
    )
    expected = math.log(mass) - nearest**2 / 2 - math.log(2 * math.pi) / 2
    assert float(log_mass(lower, width)) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    mean, variance = mean_and_variance(lower, width, log_mass(lower, width))
    assert float(mean) == pytest.approx(nearest + first / mass, rel=1e-8)
    assert float(variance) == pytest.approx(second / mass - (first / mass) ** 2, rel=1e-4)
    uniform = torch.rand(20_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    z, again = draw(lower.expand(20_000), width.expand(20_000), uniform)
    assert ((z >= low) & (z <= high)).all()
    assert torch.equal(again, log_mass(lower, width).expand(20_000))
    assert float(z.mean()) == pytest.approx(float(mean), abs=5 * math.sqrt(float(variance) / 20_000))
    assert stats.kstest(z.numpy(), stats.truncnorm(low, high).cdf).pvalue > 1e-3


def test_the_whole_line_and_half_lines() -> None:
    lower, width = _double(-FAR, 0.0, -FAR, 5.0), _double(2 * FAR, FAR, FAR, FAR - 5)
    expected = _double(0.0, math.log(0.5), math.log(0.5), float(stats.norm.logsf(5)))
    assert torch.allclose(log_mass(lower, width), expected, rtol=1e-12, atol=0)
    z, _ = draw(lower, width, _double(0.0, 0.0, 0.0, 0.0))
    assert (z.abs() < 40).all()  # even the last of all uniform numbers gives a number that could be


def test_far_out_in_the_tail_draws_are_nearly_exponential() -> None:
    """Given Z > a, (Z - a) a tends to the standard exponential distribution; float64 has no P(Z > 1,000)."""
    uniform = torch.rand(20_000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    a = torch.full_like(uniform, 1000.0)
    z, mass = draw(a, FAR - a, uniform)
    assert stats.kstest(((z - a) * a).numpy(), stats.expon.cdf).pvalue > 1e-3
    assert float(mass[0]) == pytest.approx(-500_000 - math.log(1000 * math.sqrt(2 * math.pi)), rel=1e-9)
    mirrored, _ = draw(-FAR + 0 * a, FAR - a, uniform)
    assert stats.kstest(((-a - mirrored) * a).numpy(), stats.expon.cdf).pvalue > 1e-3


def test_an_interval_narrower_than_rounding() -> None:
    lower, width = _double(0.0, 3.0, -1e-40), _double(1e-35, 1e-30, 2e-40)
    density = torch.exp(-lower.square() / 2) / math.sqrt(2 * math.pi)
    assert torch.allclose(log_mass(lower, width), (density.log() + width.log()), rtol=1e-12)
    mean, variance = mean_and_variance(lower, width, log_mass(lower, width))
    assert torch.allclose(mean, lower + width / 2, rtol=1e-12, atol=0)
    assert torch.allclose(variance, width**2 / 12, rtol=1e-12, atol=0)
    z, _ = draw(lower, width, _double(0.5, 0.5, 0.5))
    assert torch.equal(z, lower + width / 2)
