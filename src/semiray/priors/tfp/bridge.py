"""Distributions of TensorFlow Probability (TFP) as factors of semiray's own families.

TensorFlow is not imported here: whoever passes a distribution has imported it. The resulting factors hold plain numbers
that can be written to YAML.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.correlation import Between, build_correlation, read_between
from semiray.priors.factors import Factor, factor_columns
from semiray.priors.inputs import check_name, number
from semiray.priors.tfp.families import library
from semiray.priors.tfp.marginals import as_double, identify, kind, marginals

__all__ = ["read_tfp"]


def read_tfp(
    distributions: Any,
    *,
    correlation: Mapping[str, float] | None = None,
    between: Sequence[Between | Sequence[Any]] = (),
    units: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The arguments of `JointPrior` for distributions of TFP; see `JointPrior.from_tfp`."""
    correlation, units = correlation or {}, units or {}
    parts = _named(distributions)
    for argument, name in [("correlation", name) for name in correlation] + [("units", name) for name in units]:
        check_name(argument, "factor", name, parts)
    factors, blocks = [], {}
    for name, distribution in parts.items():
        given = number(correlation[name], f"factor {name!r}: correlation") if name in correlation else None
        factor, block = _factor(name, distribution, given, units.get(name, ""))
        factors.append(factor)
        if block is not None:
            blocks[name] = block
    return {"factors": factors, **_bound(factors, blocks, between)}


def _named(distributions: Any) -> dict[str, Any]:
    """The distribution of each factor, in the order given; anything else is an error."""
    tfp = library()
    if tfp is not None and isinstance(
        distributions, tfp.distributions.JointDistributionNamed | tfp.distributions.JointDistributionNamedAutoBatched
    ):
        distributions = distributions.model
    if hasattr(distributions, "_asdict"):
        distributions = distributions._asdict()
    if not isinstance(distributions, Mapping):
        raise SemirayError(
            f"from_tfp takes a mapping of names to TFP distributions, or a JointDistributionNamed, not "
            f"{_article(distributions)}; write for example "
            "from_tfp({'survival': tfd.Bernoulli(probs=0.5), 'duration': tfd.Exponential(rate=0.1)})"
        )
    parts = {}
    for name, value in distributions.items():
        part = value
        if callable(part) and not (tfp and isinstance(part, tfp.distributions.Distribution)):
            given = inspect.signature(part).parameters.values()
            needs = [parameter.name for parameter in given if parameter.default is parameter.empty]
            if needs:
                raise SemirayError(
                    f"factor {name!r}: its distribution depends on {', '.join(needs)}, which a prior of semiray can't "
                    "express: factors depend on one another only through the correlation of their scores. Give its "
                    f"marginal distribution, and between=[({needs[0]!r}, {name!r}, 0.3)] for the dependence"
                )
            part = part()
        if tfp is None or not isinstance(part, tfp.distributions.Distribution):
            raise SemirayError(
                f"factor {name!r}: {_article(part)} is not a distribution of TensorFlow Probability; give one such as "
                "tfd.Exponential(rate=0.1), with `import tensorflow_probability as tfp; tfd = tfp.distributions` "
                "(pip install 'semiray[tfp]'), or write the prior with Factor or in YAML"
            )
        if isinstance(part, tfp.distributions.JointDistribution):
            raise SemirayError(
                f"factor {name!r}: {_article(part)} holds several distributions; give each as a factor of its own"
            )
        parts[str(name)] = part
    return parts


def _factor(name: str, distribution: Any, correlation: float | None, unit: str) -> tuple[Factor, Tensor | None]:
    """The factor, and the correlation of its dimensions (d, d) if a single number can't express it."""
    where = f"factor {name!r}"
    part = marginals(as_double(distribution, where), where)
    if part.correlation is not None and correlation is not None:
        raise SemirayError(f"{where}: {kind(distribution)} has a correlation of its own; remove `correlation`")
    family, parameters = identify(part.distribution, where)
    if part.dimensions is None:  # a scalar: a factor's default dimensions and correlation
        rest: dict[str, Any] = {} if correlation is None else {"correlation": correlation}
        return Factor(name, family, parameters=parameters, unit=unit, **rest), None
    d, block, within = part.dimensions, part.correlation, correlation or 0.0
    if block is not None and d > 1:
        off = block[~torch.eye(d, dtype=torch.bool)]
        if float(off.max() - off.min()) >= 1e-12:
            return Factor(name, family, d, parameters, 0.0, unit), block
        within = float(off[0])
    return Factor(name, family, d, parameters, within, unit), None


def _bound(
    factors: Sequence[Factor], blocks: Mapping[str, Tensor], between: Sequence[Between | Sequence[Any]]
) -> dict[str, Any]:
    """The dependence of the factors: `between`, or the full matrix if a factor has a matrix of its own."""
    if not blocks:
        return {"between": between}
    entries = read_between(between, factors)
    R = build_correlation(factors, entries)
    parts = factor_columns(factors)
    for name, block in blocks.items():
        part = parts[name]
        for entry in entries:
            if name in (entry.first, entry.second) and entry.through == "lead":  # companions follow the lead
                other = parts[entry.second if name == entry.first else entry.first]
                R[part, other] = torch.outer(block[:, 0], R[part.start, other])
                R[other, part] = R[part, other].T
        R[part, part] = block
    return {"correlation": R}


def _article(thing: Any) -> str:
    name = type(thing).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
