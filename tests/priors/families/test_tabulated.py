"""The tabulated family: exact where a table can be, monotone whatever the table, and refused when it is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from semiray.errors import SemirayError
from semiray.priors import Factor, JointPrior
from semiray.priors.families.tabulated import bounded, slope_of_bounded, unbounded

SCORES = np.linspace(-8, 8, 65)
BOUNDS = [{}, {"low": -2.0}, {"high": 5.0}, {"low": -2.0, "high": 5.0}]


def _prior(dimensions: int = 1, **parameters) -> JointPrior:
    return JointPrior([Factor("x", "tabulated", dimensions, parameters)])


def test_a_straight_table_is_normal_lognormal_or_logit_normal() -> None:
    normal = _prior(table=(2 + 3 * SCORES).tolist()).marginal("x")
    assert (normal.mean, normal.standard_deviation) == (pytest.approx(2), pytest.approx(3))
    x = torch.linspace(-40, 40, 101, dtype=torch.float64)  # far beyond the table's last points, too
    np.testing.assert_allclose(normal.log_prob(x), stats.norm(2, 3).logpdf(x), rtol=1e-9)
    reflected = _prior(table=(-1 + 0.4 * SCORES).tolist(), high=5).marginal("x")
    x = torch.linspace(-3, 4.9, 101, dtype=torch.float64)
    np.testing.assert_allclose(
        reflected.log_prob(x), stats.lognorm(0.4, scale=math.exp(1)).logpdf(5 - x.numpy()), rtol=1e-9
    )
    logit = _prior(table=(0.7 * SCORES).tolist(), low=0, high=1).marginal("x")
    x = np.linspace(0.01, 0.99, 99)
    expected = stats.norm(0, 0.7).logpdf(np.log(x / (1 - x))) - np.log(x * (1 - x))
    np.testing.assert_allclose(logit.log_prob(torch.as_tensor(x)), expected, rtol=1e-9)


@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
def test_the_coordinate_without_bounds_and_its_inverse(bounds: dict[str, float]) -> None:
    p = {key: torch.tensor([value], dtype=torch.float64) for key, value in bounds.items()}
    g = torch.linspace(-6, 6, 49, dtype=torch.float64).unsqueeze(-1).requires_grad_()
    c = bounded(g, p)
    torch.testing.assert_close(unbounded(c, p), g)
    (slope,) = torch.autograd.grad(c.sum(), g)
    torch.testing.assert_close(slope_of_bounded(g, p), slope.log())


@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
def test_any_ascending_table_gives_ascending_codes_with_an_inverse(bounds: dict[str, float]) -> None:
    steps = np.random.default_rng(0).gamma(0.3, size=64) + 1e-3  # jagged: steps differ by three orders of magnitude
    prior = _prior(table=np.cumsum(np.append(-3.0, 6 * steps / steps.sum())).tolist(), **bounds)
    s = torch.linspace(-8, 8, 20_001, dtype=torch.float64).unsqueeze(-1)
    codes = prior.codes(s)
    assert (codes.diff(dim=0) > 0).all()
    middle = s.abs().squeeze(-1) < 7.9
    torch.testing.assert_close(prior.scores(codes)[middle], s[middle], rtol=0, atol=1e-9)


def test_the_density_is_that_of_the_codes() -> None:
    table = np.cumsum(1 + 0.9 * np.sin(np.arange(65))) / 20
    marginal = _prior(table=table.tolist(), low=1).marginal("x")
    g = torch.linspace(-2, 6, 40_001, dtype=torch.float64)
    x = 1 + g.exp()
    mass = marginal.log_prob(x).exp() * g.exp()
    assert float(torch.trapezoid(mass, g)) == pytest.approx(1, abs=1e-5)
    assert float(torch.trapezoid(mass * x, g)) == pytest.approx(marginal.mean, rel=1e-5)
    assert (marginal.log_prob(torch.tensor([0.9, 1.0]))[0]) == -math.inf
    assert marginal.support == (1.0, math.inf)


def test_one_table_for_all_dimensions_or_one_each() -> None:
    one, two = (0.5 * SCORES).tolist(), (1 + 2 * SCORES).tolist()
    assert _prior(2, table=one).mean.tolist() == pytest.approx([0, 0], abs=1e-12)
    each = _prior(2, table=[one, two])
    assert each.mean.tolist() == pytest.approx([0, 1], abs=1e-12)
    assert each.standard_deviation.tolist() == pytest.approx([0.5, 2])
    assert JointPrior.from_dict(each.to_dict()) == each
    assert len(repr(each)) < 200


def test_nan_is_passed_on_and_asks_for_no_entry_outside_the_table() -> None:
    prior = _prior(table=SCORES.tolist())
    assert torch.isnan(prior.relaxed(torch.tensor([[float("nan")]]))).all()
    assert torch.isnan(prior.scores(torch.tensor([[float("nan")]]))).all()


WRONG = [
    ({"table": [1, 2, 3]}, r"factor 'x': table lists 3 codes; give at least 9"),
    ({"table": [*range(8), 7]}, r"table must ascend, but its entry 8 is 7 after 7"),
    ({"table": [*range(8), float("nan")]}, r"table\[8\] = nan must be finite"),
    ({"table": list(range(9)), "low": 1, "high": 1}, r"low must be less than high"),
    ({"table": list(range(0, 180, 20)), "low": 0}, r"its codes reach .*e\+69, beyond 1e\+30"),
    ({"low": 0}, r"tabulated needs table"),
]


@pytest.mark.parametrize(("parameters", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_errors(parameters, message: str) -> None:
    with pytest.raises(SemirayError, match=message):
        _prior(**parameters)
