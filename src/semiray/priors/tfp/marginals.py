"""One distribution of TFP: its dimensions and their correlation, and the family of its univariate marginals.

Wrappers are removed down to univariate distributions, which are tabulated unless they are one of semiray's families.
All computations are in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.families.tabulation import Continuous, tabulate
from semiray.priors.tfp.families import Array, as_array, library, native_family

__all__ = ["Marginals", "as_double", "identify", "kind", "marginals"]


def kind(thing: Any) -> str:
    """The name of a distribution or bijector, for messages."""
    return type(thing).__name__.lstrip("_")


@dataclass(frozen=True)
class Marginals:
    """Univariate distributions, batch () or (d,); the number of dimensions and the correlation (d, d), if given."""

    distribution: Any
    dimensions: int | None = None
    correlation: Tensor | None = None


def marginals(d: Any, where: str) -> Marginals:
    """A distribution without its wrappers: Independent, Sample, elementwise bijectors on vectors."""
    tfd = library().distributions
    batch, event = _shape(d.batch_shape, d, where), _shape(d.event_shape, d, where)
    if len(batch) + len(event) > 1:
        raise SemirayError(
            f"{where}: {kind(d)} has batch shape {batch} and event shape {event}; a factor has one list of "
            "dimensions. Give each row as a factor of its own"
        )
    if (batch + event)[:1] == (0,):
        raise SemirayError(f"{where}: {kind(d)} has no dimensions (shape (0,))")
    if isinstance(d, tfd.Independent):
        return marginals(d.distribution, where)
    if isinstance(d, tfd.Sample):
        inner = marginals(d.distribution, where)
        return Marginals(inner.distribution, (batch + event)[0]) if event and inner.dimensions is None else inner
    if isinstance(d, tfd.MultivariateNormalLinearOperator):
        mean, covariance = as_array(d.mean()), as_array(d.covariance())
        deviation = np.sqrt(np.diagonal(covariance))
        if not (deviation > 0).all():
            raise SemirayError(f"{where}: {kind(d)} has a dimension of variance 0; every dimension must vary")
        R = torch.as_tensor(covariance / np.outer(deviation, deviation)).fill_diagonal_(1.0)
        return Marginals(tfd.Normal(mean, deviation), len(mean), R)
    if isinstance(d, tfd.TransformedDistribution) and len(event):
        if d.bijector.forward_min_event_ndims != 0:
            raise SemirayError(
                f"{where}: {kind(d)} mixes its dimensions by {kind(d.bijector)}; only elementwise bijectors can "
                "be read. For a correlated normal use tfd.MultivariateNormalTriL"
            )
        inner = marginals(d.distribution, where)
        block = inner.correlation
        if block is not None:  # a decreasing bijector changes the sign of a dimension's scores
            ends = [as_array(d.bijector.forward(inner.distribution.quantile(np.float64(u)))) for u in (0.3, 0.7)]
            sign = torch.as_tensor(np.broadcast_to(np.sign(ends[1] - ends[0]), (len(block),)).copy())
            block = block * torch.outer(sign, sign)
        return Marginals(
            tfd.TransformedDistribution(inner.distribution, d.bijector), inner.dimensions or event[0], block
        )
    if len(event):
        raise SemirayError(
            f"{where}: {kind(d)} is a joint distribution of several numbers, but not a normal one. A factor's "
            "dimensions are independent (a batch, tfd.Independent, tfd.Sample) or multivariate normal; for one of K "
            "categories use tfd.Categorical"
        )
    return Marginals(d, batch[0] if batch else None)


def identify(d: Any, where: str) -> tuple[str, dict[str, Any]]:
    """Family and parameters of a univariate distribution: one of semiray's families if it is one, else a table."""
    native = native_family(d)
    if native is None:
        if isinstance(d, library().distributions.Deterministic):
            raise SemirayError(f"{where}: {kind(d)} has variance 0; a factor must vary")
        tables = tabulate(_continuous(d, where), f"{where}: {kind(d)}")
        return "tabulated", {key: _plain(value.numpy(), key == "table") for key, value in tables.items()}
    family, arrays = native
    return family, {key: _plain(value, key in ("probabilities", "values")) for key, value in arrays.items()}


def _continuous(d: Any, where: str) -> Continuous:
    """A univariate distribution's functions on float64 tensors."""
    width = int(d.batch_shape[0]) if len(d.batch_shape) else 1

    def on_tensors(function: Callable[[Any], Any]) -> Callable[[Tensor], Tensor]:
        def call(c: Tensor) -> Tensor:
            points = c.numpy() if len(d.batch_shape) else c.numpy()[:, 0]
            values = np.array(function(points.astype(d.dtype.as_numpy_dtype)), np.float64)
            return torch.as_tensor(values).reshape(c.shape)

        return call

    try:
        variance = np.asarray(d.variance(), np.float64)
    except NotImplementedError:  # for most transformed distributions
        variance = np.zeros(())
    if not np.isfinite(variance).all():
        raise SemirayError(f"{where}: {kind(d)} has no finite variance, so its codes can't be standardised")
    try:
        bounds = _bounds(d, width, where)
        functions = on_tensors(d.cdf), on_tensors(d.survival_function), on_tensors(d.log_prob)
        probe = torch.full((1, width), 0.5, dtype=torch.float64)
        for function in functions:
            function(probe)
    except NotImplementedError:
        raise SemirayError(
            f"{where}: {kind(d)} has no distribution function (cdf) or density in TFP, so it can't be tabulated; "
            "choose another distribution"
        ) from None
    return Continuous(*functions, bounds, width)


def _bounds(d: Any, width: int, where: str) -> dict[str, Tensor]:
    """The finite ends of the support, `low` and `high` (d,)."""
    found = {}
    for name, end in zip(("low", "high"), _ends(d, where), strict=True):
        ends = np.broadcast_to(end, (width,))
        if np.isfinite(ends).all():
            found[name] = torch.as_tensor(ends.copy())
        elif np.isfinite(ends).any():
            raise SemirayError(
                f"{where}: some dimensions of {kind(d)} are bounded and some are not; make them two factors"
            )
    return found


def _ends(d: Any, where: str) -> tuple[Array, Array]:
    """Lowest and highest value, shaped as the batch: the limits of the bijector from the real line to the support."""
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
            f"{where}: {kind(d)} is discrete; only Bernoulli, Categorical and FiniteDiscrete can be factors. Write its "
            "values and probabilities as tfd.FiniteDiscrete(outcomes, probs)"
        )
    largest = float(np.finfo(d.dtype.as_numpy_dtype).max) * 1e-8
    shape = tuple(d.batch_shape)

    def at(x: float) -> Array:
        return np.broadcast_to(as_array(onto.forward(np.full((1,) * len(shape), x, d.dtype.as_numpy_dtype))), shape)

    ends = []
    for sign in (-1, 1):
        far, near = at(sign * largest), at(sign * largest**0.5)
        tends = np.isfinite(far) & np.isclose(far, near, rtol=1e-6, atol=1e-12)
        ends.append(np.where(tends, np.where(np.abs(far) < 1e-12, 0.0, far), np.nan))
    falls = bool((at(1.0) < at(-1.0)).all())
    low, high = reversed(ends) if falls else ends
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def as_double(thing: Any, where: str) -> Any:
    """The same distribution or bijector in float64, with float32 parameters read as the decimals that were meant.

    Whatever can't be constructed again (a user's own class) is returned unchanged.
    """
    try:
        properties = type(thing).parameter_properties(dtype=np.float64)
    except NotImplementedError:
        return thing
    arguments = {}
    for key, value in thing.parameters.items():
        known = properties.get(key)
        numeric = known is not None and known.is_tensor and not known.specifies_shape
        arguments[key] = _double_value(value, numeric, f"{where}: {key} of {kind(thing)}", where)
    try:
        return type(thing)(**arguments)
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
        raise SemirayError(f"{entry} is a symbolic tensor; construct the distribution outside of tf.function") from None
    if array.dtype.kind not in "fiu":
        return value
    if bool(np.isnan(array).any()):
        raise SemirayError(f"{entry} is not a number (NaN)")
    return as_array(array)


def _plain(array: Array, listed: bool) -> Any:
    """As a factor is written: a number, or a list with one entry per dimension if they differ."""
    rows = np.array([float(f"{x:.13g}") for x in np.ravel(array)]).reshape(np.shape(array))
    if rows.ndim == 1 + listed and bool((rows == rows[:1]).all()):
        rows = rows[0]
    return rows.tolist()


def _shape(shape: Any, d: Any, where: str) -> tuple[int, ...]:
    if not shape.is_fully_defined():
        raise SemirayError(
            f"{where}: the shape of {kind(d)} is not defined; construct the distribution outside of tf.function"
        )
    return tuple(int(size) for size in shape)
