"""One distribution of TensorFlow Probability, looked at: its dimensions, and the family of ours that each of them has.

A distribution is unwrapped to univariate ones, whose parameters are read if a family of ours is the same, and whose
distribution function is tabulated otherwise. All in float64.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.tabulation import Continuous, tabulate

__all__ = ["Marginals", "as_double", "identify", "kind", "library", "marginals"]

Array = NDArray[np.float64]


def library() -> Any:
    """The module `tensorflow_probability` if somebody imported it, else None."""
    return sys.modules.get("tensorflow_probability")


def kind(thing: Any) -> str:
    """What a distribution or a bijector is called, for people."""
    return type(thing).__name__.lstrip("_")


@dataclass(frozen=True)
class Marginals:
    """Univariate distributions, batch () or (d,); d where it is said; the correlation (d, d) of scores unless none."""

    distribution: Any
    dimensions: int | None = None
    correlation: Tensor | None = None


def marginals(d: Any, where: str) -> Marginals:
    """A distribution without its wrappers (Independent, Sample, elementwise bijectors on vectors)."""
    tfd = library().distributions
    batch, event = _shape(d.batch_shape, d, where), _shape(d.event_shape, d, where)
    if len(batch) + len(event) > 1:
        raise SemirayError(
            f"{where}: {kind(d)} has batch shape {batch} and event shape {event}; a factor is a list of dimensions: "
            "one number in all. Give each row as a factor of its own"
        )
    if (batch + event)[:1] == (0,):
        raise SemirayError(f"{where}: {kind(d)} has no dimensions (shape (0,))")
    if isinstance(d, tfd.Independent):
        return marginals(d.distribution, where)
    if isinstance(d, tfd.Sample):
        inner = marginals(d.distribution, where)
        return Marginals(inner.distribution, (batch + event)[0]) if event and inner.dimensions is None else inner
    if isinstance(d, tfd.MultivariateNormalLinearOperator):
        mean, covariance = _array(d.mean()), _array(d.covariance())
        deviation = np.sqrt(np.diagonal(covariance))
        if not (deviation > 0).all():
            raise SemirayError(f"{where}: {kind(d)} has a dimension of variance 0; every dimension must vary")
        R = torch.as_tensor(covariance / np.outer(deviation, deviation)).fill_diagonal_(1.0)
        return Marginals(tfd.Normal(mean, deviation), len(mean), R)
    if isinstance(d, tfd.TransformedDistribution) and len(event):
        if d.bijector.forward_min_event_ndims != 0:
            raise SemirayError(
                f"{where}: {kind(d)} mixes its dimensions by {kind(d.bijector)}; only elementwise bijectors keep a "
                "prior's form. For a correlated normal use tfd.MultivariateNormalTriL"
            )
        inner = marginals(d.distribution, where)
        block = inner.correlation
        if block is not None:  # a falling bijector turns a dimension's scores round
            ends = [_array(d.bijector.forward(inner.distribution.quantile(np.float64(u)))) for u in (0.3, 0.7)]
            sign = torch.as_tensor(np.broadcast_to(np.sign(ends[1] - ends[0]), (len(block),)).copy())
            block = block * torch.outer(sign, sign)
        return Marginals(
            tfd.TransformedDistribution(inner.distribution, d.bijector), inner.dimensions or event[0], block
        )
    if len(event):
        raise SemirayError(
            f"{where}: {kind(d)} is a joint distribution of several numbers that is no normal one. A factor's "
            "dimensions are independent (a batch, tfd.Independent, tfd.Sample) or bound as a multivariate normal; for "
            "one of K categories use tfd.Categorical"
        )
    return Marginals(d, batch[0] if batch else None)


def identify(d: Any, where: str) -> tuple[str, dict[str, Any]]:
    """Family and parameters of a univariate distribution: one of our own exactly, else a table."""
    own = _own(d)
    if own is None:
        if isinstance(d, library().distributions.Deterministic):
            raise SemirayError(f"{where}: {kind(d)} has variance 0; a factor must vary")
        tables = tabulate(_continuous(d, where), f"{where}: {kind(d)}")
        return "tabulated", {key: _plain(value.numpy(), key == "table") for key, value in tables.items()}
    family, arrays = own
    return family, {key: _plain(value, key in ("probabilities", "values")) for key, value in arrays.items()}


def _own(d: Any) -> tuple[str, dict[str, Array]] | None:
    """Family and parameters where one of our own families is the same distribution."""
    tfd = library().distributions
    for name, read in _SAME.items():
        if type(d) is getattr(tfd, name):
            family, parameters = read(d)
            return family, {key: _array(value) for key, value in parameters.items()}
    if not isinstance(d, tfd.TransformedDistribution):
        return None
    known, steps = _own(d.distribution), _steps(d.bijector)
    if known is None or steps is None:
        return None
    for step, value in steps:
        known = _STEPS[step](known[0], known[1], value)
        if known is None:
            return None
    return known


_SAME: dict[str, Callable[[Any], tuple[str, dict[str, Any]]]] = {
    "Bernoulli": lambda d: ("bernoulli", {"probability": d.probs_parameter()}),
    "Categorical": lambda d: ("categorical", {"probabilities": d.probs_parameter()}),
    "FiniteDiscrete": lambda d: ("categorical", {"probabilities": d.probs_parameter(), "values": d.outcomes}),
    "Exponential": lambda d: ("exponential", {"mean": 1 / _array(d.rate)}),
    "LogNormal": lambda d: ("lognormal", {"median": np.exp(_array(d.loc)), "sigma": d.scale}),
    "Normal": lambda d: ("normal", {"mean": d.loc, "standard_deviation": d.scale}),
    "Uniform": lambda d: ("uniform", {"low": d.low, "high": d.high}),
    "Weibull": lambda d: ("weibull", {"shape": d.concentration, "scale": d.scale}),
}
"""TFP's distributions that are our families under another name."""


def _steps(bijector: Any, inverse: bool = False) -> list[tuple[str, Array]] | None:
    """An elementwise bijector as steps "shift", "scale", "exp", "log", in the order of application; None: another."""
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
        shift = _array(bijector.shift)
        return [("shift", -shift if inverse else shift)]
    if isinstance(bijector, tfb.Scale):
        scale = _array(bijector.scale) if bijector.scale is not None else np.exp(_array(bijector.log_scale))
        return [("scale", 1 / scale if inverse else scale)]
    if type(bijector) is tfb.Exp:
        return [("log" if inverse else "exp", np.zeros(()))]
    return None


_Known = tuple[str, dict[str, Array]]


def _shifted(family: str, p: dict[str, Array], by: Array) -> _Known | None:
    moved = {"normal": ("mean",), "uniform": ("low", "high")}.get(family)
    return (family, {key: v + by if key in moved else v for key, v in p.items()}) if moved else None


def _scaled(family: str, p: dict[str, Array], by: Array) -> _Known | None:
    if family == "normal":
        return family, {"mean": p["mean"] * by, "standard_deviation": p["standard_deviation"] * np.abs(by)}
    if family == "uniform":
        ends = p["low"] * by, p["high"] * by
        return family, {"low": np.minimum(*ends), "high": np.maximum(*ends)}
    unit = {"exponential": "mean", "lognormal": "median", "weibull": "scale"}.get(family)
    return (family, {**p, unit: p[unit] * by}) if unit and bool((by > 0).all()) else None


_STEPS: dict[str, Callable[[str, dict[str, Array], Array], _Known | None]] = {
    "shift": _shifted,
    "scale": _scaled,
    "exp": lambda family, p, _: (
        ("lognormal", {"median": np.exp(p["mean"]), "sigma": p["standard_deviation"]}) if family == "normal" else None
    ),
    "log": lambda family, p, _: (
        ("normal", {"mean": np.log(p["median"]), "standard_deviation": p["sigma"]}) if family == "lognormal" else None
    ),
}
"""What a step makes of a family, or None where the result is none of ours."""


# --- what a distribution is asked for ---------------------------------------------------------------------------------


def _continuous(d: Any, where: str) -> Continuous:
    """A univariate distribution's functions on float64 tensors."""
    width = int(d.batch_shape[0]) if len(d.batch_shape) else 1

    def asked(function: Callable[[Any], Any]) -> Callable[[Tensor], Tensor]:
        def answer(c: Tensor) -> Tensor:
            points = c.numpy() if len(d.batch_shape) else c.numpy()[:, 0]
            given = np.array(function(points.astype(d.dtype.as_numpy_dtype)), np.float64)
            return torch.as_tensor(given).reshape(c.shape)

        return answer

    try:
        variance = np.asarray(d.variance(), np.float64)
    except NotImplementedError:  # of most transformed distributions
        variance = np.zeros(())
    if not np.isfinite(variance).all():
        raise SemirayError(
            f"{where}: {kind(d)} has no finite variance, so that its codes have no scale to be learnt on"
        )
    try:
        bounds = _bounds(d, width, where)
        functions = asked(d.cdf), asked(d.survival_function), asked(d.log_prob)
        probe = torch.full((1, width), 0.5, dtype=torch.float64)
        for function in functions:
            function(probe)
    except NotImplementedError:
        raise SemirayError(
            f"{where}: {kind(d)} has no distribution function (cdf) or density in TFP, so that no table can be made of "
            "it; choose another distribution"
        ) from None
    return Continuous(*functions, bounds, width)


def _bounds(d: Any, width: int, where: str) -> dict[str, Tensor]:
    """The support's finite ends, `low` and `high` (d,)."""
    found = {}
    for name, end in zip(("low", "high"), _ends(d, where), strict=True):
        ends = np.broadcast_to(end, (width,))
        if np.isfinite(ends).all():
            found[name] = torch.as_tensor(ends.copy())
        elif np.isfinite(ends).any():
            raise SemirayError(
                f"{where}: some dimensions of {kind(d)} are bounded and some are not; make two factors of them"
            )
    return found


def _ends(d: Any, where: str) -> tuple[Array, Array]:
    """Lowest and highest value, shaped as the batch: what the bijector from all numbers onto the support tends to."""
    tfd = library().distributions
    if isinstance(d, tfd.MixtureSameFamily):
        low, high = _ends(d.components_distribution, where)
        return low.min(-1), high.max(-1)
    if isinstance(d, tfd.Mixture):
        lows, highs = zip(*(_ends(part, where) for part in d.components), strict=True)
        return np.min(lows, 0), np.max(highs, 0)
    onto = d.experimental_default_event_space_bijector()
    if onto is None:
        raise SemirayError(
            f"{where}: {kind(d)} is discrete, and of those Bernoulli, Categorical and FiniteDiscrete can be factors; "
            "write its values and probabilities as tfd.FiniteDiscrete(outcomes, probs)"
        )
    largest = float(np.finfo(d.dtype.as_numpy_dtype).max) * 1e-8
    shape = tuple(d.batch_shape)

    def at(x: float) -> Array:
        return np.broadcast_to(_array(onto.forward(np.full((1,) * len(shape), x, d.dtype.as_numpy_dtype))), shape)

    ends = []
    for sign in (-1, 1):
        far, near = at(sign * largest), at(sign * largest**0.5)
        tends = np.isfinite(far) & np.isclose(far, near, rtol=1e-6, atol=1e-12)
        ends.append(np.where(tends, np.where(np.abs(far) < 1e-12, 0.0, far), np.nan))
    falls = bool((at(1.0) < at(-1.0)).all())
    low, high = reversed(ends) if falls else ends
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def as_double(thing: Any, where: str) -> Any:
    """The same distribution or bijector in float64, single-precision parameters read as the decimals that were meant.

    What can't be made again (a distribution of somebody's own) stays as it is.

    Raises:
        SemirayError: a parameter is not a number, or not known before a graph runs.
    """
    try:
        properties = type(thing).parameter_properties(dtype=np.float64)
    except NotImplementedError:
        return thing
    again = {}
    for key, value in thing.parameters.items():
        known = properties.get(key)
        numeric = known is not None and known.is_tensor and not known.specifies_shape
        again[key] = _double_value(value, numeric, f"{where}: {key} of {kind(thing)}", where)
    try:
        return type(thing)(**again)
    except (TypeError, ValueError, NotImplementedError):
        return thing


def _double_value(value: Any, numeric: bool, entry: str, where: str) -> Any:
    tfp = library()
    if isinstance(value, tfp.distributions.Distribution | tfp.bijectors.Bijector):
        return as_double(value, where)
    if isinstance(value, list | tuple) and any(hasattr(x, "parameters") for x in value):
        return type(value)(_double_value(x, False, entry, where) for x in value)
    if not numeric or value is None:
        return value
    try:
        array = np.asarray(value)
    except NotImplementedError:
        raise SemirayError(f"{entry} is a symbolic tensor; make the distribution outside of tf.function") from None
    if array.dtype.kind not in "fiu":
        return value
    if bool(np.isnan(array).any()):
        raise SemirayError(f"{entry} is not a number (NaN)")
    return _array(array)


def _array(value: Any) -> Array:
    """Numbers in float64; those of lower precision as the decimals that they stand for: 0.1, not 0.10000000149."""
    array = np.asarray(value)
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        return np.array([float(str(x)) for x in array.flatten()], np.float64).reshape(array.shape)
    return array.astype(np.float64)


def _plain(array: Array, listed: bool) -> Any:
    """As a factor is written: a number, or a list with one entry a dimension where they differ."""
    rows = np.array([float(f"{x:.13g}") for x in np.ravel(array)]).reshape(np.shape(array))
    if rows.ndim == 1 + listed and bool((rows == rows[:1]).all()):
        rows = rows[0]
    return rows.tolist()


def _shape(shape: Any, d: Any, where: str) -> tuple[int, ...]:
    if not shape.is_fully_defined():
        raise SemirayError(f"{where}: the shape of {kind(d)} isn't known; make the distribution outside of tf.function")
    return tuple(int(size) for size in shape)
