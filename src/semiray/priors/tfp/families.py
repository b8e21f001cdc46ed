"""Univariate distributions of TFP that are one of semiray's families, plain or after affine maps, exp and log."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "as_array", "library", "native_family"]

Array = NDArray[np.float64]
"""Values from TFP, in float64."""


def library() -> Any:
    """The module `tensorflow_probability` if it was imported, else None."""
    return sys.modules.get("tensorflow_probability")


def as_array(value: Any) -> Array:
    """Values in float64; float32 values as the decimals they stand for: 0.1, not 0.10000000149."""
    array = np.asarray(value)
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        return np.array([float(str(x)) for x in array.flatten()], np.float64).reshape(array.shape)
    return array.astype(np.float64)


def native_family(d: Any) -> tuple[str, dict[str, Array]] | None:
    """Family and parameters if the distribution is one of semiray's families, else None."""
    tfd = library().distributions
    for name, read in _SAME.items():
        if type(d) is getattr(tfd, name):
            family, parameters = read(d)
            return family, {key: as_array(value) for key, value in parameters.items()}
    if not isinstance(d, tfd.TransformedDistribution):
        return None
    result, steps = native_family(d.distribution), _steps(d.bijector)
    if steps is None:
        return None
    for step, value in steps:
        if result is None:
            return None
        result = _STEPS[step](*result, value)
    return result


_SAME: dict[str, Callable[[Any], tuple[str, dict[str, Any]]]] = {
    "Bernoulli": lambda d: ("bernoulli", {"probability": d.probs_parameter()}),
    "Categorical": lambda d: ("categorical", {"probabilities": d.probs_parameter()}),
    "FiniteDiscrete": lambda d: ("categorical", {"probabilities": d.probs_parameter(), "values": d.outcomes}),
    "Exponential": lambda d: ("exponential", {"mean": 1 / as_array(d.rate)}),
    "LogNormal": lambda d: ("lognormal", {"median": np.exp(as_array(d.loc)), "sigma": d.scale}),
    "Normal": lambda d: ("normal", {"mean": d.loc, "standard_deviation": d.scale}),
    "Uniform": lambda d: ("uniform", {"low": d.low, "high": d.high}),
    "Weibull": lambda d: ("weibull", {"shape": d.concentration, "scale": d.scale}),
}
"""Distributions of TFP that are semiray's families, perhaps under another name."""


def _steps(bijector: Any, inverse: bool = False) -> list[tuple[str, Array]] | None:
    """An elementwise bijector as steps "shift", "scale", "exp", "log", in order of application; None for any other."""
    tfb = library().bijectors
    if isinstance(bijector, tfb.Chain):
        steps: list[tuple[str, Array]] = []
        for part in bijector.bijectors if inverse else reversed(bijector.bijectors):
            more = _steps(part, inverse)
            if more is None:
                return None
            steps += more
        return steps
    if isinstance(bijector, tfb.Invert):
        return _steps(bijector.bijector, not inverse)
    if isinstance(bijector, tfb.Identity):
        return []
    if isinstance(bijector, tfb.Shift):
        shift = as_array(bijector.shift)
        return [("shift", -shift if inverse else shift)]
    if isinstance(bijector, tfb.Scale):
        scale = as_array(bijector.scale) if bijector.scale is not None else np.exp(as_array(bijector.log_scale))
        return [("scale", 1 / scale if inverse else scale)]
    if type(bijector) is tfb.Exp:
        return [("log" if inverse else "exp", np.zeros(()))]
    return None


_Native = tuple[str, dict[str, Array]]


def _shifted(family: str, p: dict[str, Array], by: Array) -> _Native | None:
    moved = {"normal": ("mean",), "uniform": ("low", "high")}.get(family)
    return (family, {key: v + by if key in moved else v for key, v in p.items()}) if moved else None


def _scaled(family: str, p: dict[str, Array], by: Array) -> _Native | None:
    if family == "normal":
        return family, {"mean": p["mean"] * by, "standard_deviation": p["standard_deviation"] * np.abs(by)}
    if family == "uniform":
        ends = p["low"] * by, p["high"] * by
        return family, {"low": np.minimum(*ends), "high": np.maximum(*ends)}
    unit = {"exponential": "mean", "lognormal": "median", "weibull": "scale"}.get(family)
    return (family, {**p, unit: p[unit] * by}) if unit and bool((by > 0).all()) else None


_STEPS: dict[str, Callable[[str, dict[str, Array], Array], _Native | None]] = {
    "shift": _shifted,
    "scale": _scaled,
    "exp": lambda family, p, _: (
        ("lognormal", {"median": np.exp(p["mean"]), "sigma": p["standard_deviation"]}) if family == "normal" else None
    ),
    "log": lambda family, p, _: (
        ("normal", {"mean": np.log(p["median"]), "standard_deviation": p["sigma"]}) if family == "lognormal" else None
    ),
}
"""The family after a step, or None if it is not one of semiray's."""
