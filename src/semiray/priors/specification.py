"""The written form of a prior: from YAML or a dictionary to factors and correlations, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.correlation import Between
from semiray.priors.factors import MOST_CODES, Factor
from semiray.priors.families.registry import FAMILIES
from semiray.priors.inputs import check_name
from semiray.structured import read_yaml
from semiray.suggestions import suggestion

__all__ = ["read_keys", "read_specification", "write_specification"]

_TOP_KEYS = ("factors", "between", "correlation", "nearest")
_FACTOR_KEYS = ("family", "dimensions", "correlation", "unit")


def read_keys(spec: Any) -> dict[str, Any]:
    """The arguments of `JointPrior` from the specification's keys: factors (required), between, correlation, nearest.

    Examples:
        >>> read_keys({"factors": {"dose": {"family": "uniform", "low": 0, "high": 9}}})["factors"][0].text
        'dose ~ uniform(low=0.0, high=9.0) x 5'
    """
    if not isinstance(spec, Mapping):
        raise SemirayError("a prior is written as a mapping with the key `factors`, for example\n" + _EXAMPLE)
    for key in spec:
        check_name("prior", "key", key, _TOP_KEYS)
    if not spec.get("factors"):
        raise SemirayError("prior: `factors` is missing or empty, write for example\n" + _EXAMPLE)
    if not isinstance(spec["factors"], Mapping):
        raise SemirayError("prior: `factors` must map names to families, for example\n" + _EXAMPLE)
    if len(spec["factors"]) > MOST_CODES:
        raise SemirayError(f"prior: {len(spec['factors']):,} factors; at most {MOST_CODES} are allowed")
    nearest = spec.get("nearest", False)
    if not isinstance(nearest, bool):
        raise SemirayError(f"prior: nearest = {nearest!r} must be true or false")
    if spec.get("correlation") is not None:
        for name, entry in spec["factors"].items():
            if isinstance(entry, Mapping) and "correlation" in entry:
                raise SemirayError(
                    f"prior: the full `correlation` matrix already holds the correlations within {name!r}; "
                    "remove the factor's own `correlation`, or the matrix"
                )
    return {
        "factors": tuple(_read_factor(str(name), entry) for name, entry in spec["factors"].items()),
        "between": spec.get("between") or (),
        "correlation": spec.get("correlation"),
        "nearest": nearest,
    }


def _read_factor(name: str, entry: Any) -> Factor:
    where = f"factor {name!r}"
    if not isinstance(entry, Mapping):
        raise SemirayError(f"{where}: must be written as {{family: ..., <parameters>}}, for example\n{_EXAMPLE}")
    if "family" not in entry:
        for key in entry:
            if near := suggestion(str(key), ["family"]):
                raise SemirayError(f"{where}: no key {key!r}{near}")
        raise SemirayError(f"{where}: `family` is missing, for example\n{_EXAMPLE}")
    parameters = {str(key): value for key, value in entry.items() if key not in _FACTOR_KEYS}
    rest = {key: entry[key] for key in _FACTOR_KEYS[1:] if entry.get(key) is not None}
    family = FAMILIES.get(str(entry["family"]).lower())
    known = family.parameters if family else {}
    for key in parameters:  # `dimension`, `units`: closer to a key of the factor than to any parameter
        near = suggestion(key, _FACTOR_KEYS)
        if near and not (key in known or suggestion(key, known)):
            raise SemirayError(f"{where}: no key {key!r}{near}")
    return Factor(name, entry["family"], parameters=parameters, **rest)


def write_specification(
    factors: Iterable[Factor], between: Sequence[Between] = (), correlation: Tensor | None = None
) -> dict[str, Any]:
    """The dictionary (plain types only, ready for YAML) from which `read_keys` reads the same prior."""
    written: dict[str, Any] = {"factors": {}}
    for factor in factors:
        entry: dict[str, Any] = {"family": factor.family, **factor.parameters, "dimensions": factor.dimensions}
        if correlation is None:
            entry["correlation"] = factor.correlation
        if factor.unit:
            entry["unit"] = factor.unit
        written["factors"][factor.name] = entry
    if correlation is not None:
        written["correlation"] = correlation.tolist()
    elif between:
        written["between"] = [entry.written() for entry in between]
    return written


def read_specification(path: Path) -> Any:
    """The content of a YAML file; an error names file and line."""
    try:
        return read_yaml(path)
    except OSError as error:
        raise SemirayError(f"{path}: can't be read ({error}); give the path of a YAML file of a prior") from None


_EXAMPLE = """\
factors:
  survival: {family: bernoulli, probability: 0.5, dimensions: 5, correlation: 0.5}
  duration: {family: exponential, mean: 10, unit: days}"""
