"""One case a family: a new family is one line here, and every property is tested on it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from scipy import stats

from semiray.priors import FAMILIES, Factor, JointPrior

# family -> (parameters, the same distribution in scipy)
CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "bernoulli": ({"probability": 0.3}, stats.bernoulli(0.3)),
    "categorical": (
        {"probabilities": [0.5, 0.3, 0.15, 0.05], "values": [-1, 0, 2, 7]},
        stats.rv_discrete(values=([-1, 0, 2, 7], [0.5, 0.3, 0.15, 0.05])),
    ),
    "exponential": ({"mean": 10.0}, stats.expon(scale=10.0)),
    "lognormal": ({"median": 3.0, "sigma": 0.6}, stats.lognorm(s=0.6, scale=3.0)),
    "normal": ({"mean": -2.0, "standard_deviation": 4.0}, stats.norm(-2.0, 4.0)),
    "tabulated": (  # a straight table of log(code + 1) is a shifted lognormal
        {"table": [0.5 + 0.3 * s for s in range(-8, 9)], "low": -1.0},
        stats.lognorm(s=0.3, loc=-1.0, scale=math.exp(0.5)),
    ),
    "uniform": ({"low": -1.0, "high": 3.0}, stats.uniform(-1.0, 4.0)),
    "weibull": ({"shape": 1.7, "scale": 12.0}, stats.weibull_min(c=1.7, scale=12.0)),
}
assert set(CASES) == set(FAMILIES), "every family has a case here"


@pytest.fixture(params=sorted(CASES))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def reference(family: str) -> Any:
    """The family's case as scipy knows it."""
    return CASES[family][1]


@pytest.fixture
def prior(family: str) -> JointPrior:
    """Three correlated dimensions of the family."""
    return JointPrior([Factor("x", family, 3, CASES[family][0], correlation=0.6)])


@pytest.fixture
def mixed() -> JointPrior:
    """All families at once, correlated within and between."""
    factors = [Factor(f"x_{name}", name, 2, CASES[name][0], 0.4) for name in CASES]
    return JointPrior(factors, between=[("x_bernoulli", "x_exponential", -0.5), ("x_weibull", "x_categorical", 0.3)])
