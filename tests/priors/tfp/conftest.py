"""A stand-in for TensorFlow Probability: the few classes whose handling needs no TensorFlow; see tests/tfp for TFP."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


class _Thing:
    """An object with the attributes it was made with."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class _Shape(tuple):
    def is_fully_defined(self) -> bool:
        return None not in self


class _Distribution(_Thing):
    def __init__(self, batch: tuple[int, ...] = (), event: tuple[int, ...] = (), **attributes: Any) -> None:
        super().__init__(batch_shape=_Shape(batch), event_shape=_Shape(event), **attributes)

    def probs_parameter(self) -> Any:
        return self.probs

    def mean(self) -> Any:
        return np.asarray(self.loc)

    def covariance(self) -> Any:
        return np.asarray(self.scale_tril) @ np.asarray(self.scale_tril).T


def _named(names: str, base: type) -> dict[str, type]:
    return {name: type(name, (base,), {}) for name in names.split()}


@pytest.fixture
def tfp(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The module that `semiray.priors.tfp` finds where it looks for TFP."""
    distributions = _named(
        "Bernoulli Categorical FiniteDiscrete Exponential LogNormal Normal Uniform Weibull Deterministic Gamma "
        "Independent Sample MultivariateNormalLinearOperator TransformedDistribution",
        _Distribution,
    )
    module = SimpleNamespace(
        distributions=SimpleNamespace(Distribution=_Distribution, **distributions),
        bijectors=SimpleNamespace(Bijector=_Thing, **_named("Chain Invert Identity Shift Scale Exp Tanh", _Thing)),
    )
    monkeypatch.setitem(sys.modules, "tensorflow_probability", module)
    return module
