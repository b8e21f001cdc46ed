"""The truncated normal: log mass, moments and draws agree with scipy where it is exact, with limits elsewhere."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import integrate, stats

from semiray.priors.families.truncated_normal import FAR, draw, log_mass, mean_and_variance

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
