"""The factor: a named group of dependent code dimensions of one family, checked when it is created."""

from __future__ import annotations

import keyword
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.priors.families.family import SCORE_BOUND, Family, Parameter
from semiray.priors.families.registry import FAMILIES
from semiray.priors.inputs import check_name, number
from semiray.suggestions import suggestion

__all__ = ["MOST_CODES", "RESERVED_NAMES", "Factor", "factor_columns", "factor_of"]

RESERVED_NAMES = frozenset({"all", "any", "mean"})
"""Words of the event language, which can't be names of factors."""

MOST_CODES = 256
"""Code dimensions of all factors together, which a correlation matrix can join in a moment."""

_MOST_VALUES = 4096  # of a list of categories, or of points of a tabulated distribution
_LONGEST = 60  # characters of a name, or of a unit
_FLOAT32_MAX = float(torch.finfo(torch.float32).max)


@dataclass(frozen=True)
class Factor:
    """A named group of dependent code dimensions of one family; dimension 0 is the lead, the others its companions.

    Args:
        name: an identifier, such as `duration`.
        family: a key of `FAMILIES`: bernoulli, categorical, exponential, lognormal, normal, tabulated, uniform,
            weibull.
        dimensions: the number of code dimensions, 1 to 256.
        parameters: the family's parameters in the factor's unit; a list gives one value per dimension.
        correlation: correlation of the scores of any two of its dimensions, -1 / (dimensions - 1) < correlation < 1.
        unit: the unit of the codes, for display: "days".

    Raises:
        SemirayError: a value is out of range; the message names factor, entry and range.

    Examples:
        >>> Factor("duration", "exponential", parameters={"mean": 10}, unit="days").dimensions
        5
    """

    name: str
    family: str
    dimensions: int = 5
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    correlation: float = 0.5
    unit: str = ""

    def __post_init__(self) -> None:
        where = f"factor {shortened(self.name)}"
        name = self.name if isinstance(self.name, str) and self.name.isascii() else ""
        if not name.isidentifier() or keyword.iskeyword(name) or len(name) > _LONGEST:
            raise SemirayError(
                f"{where}: a name consists of letters, digits and _, starts with a letter, and has at most "
                f"{_LONGEST} characters"
            )
        if self.name in RESERVED_NAMES:
            raise SemirayError(f"{where}: {self.name!r} is a word of the event language; choose another name")
        family = "".join(str(self.family).lower().split()).replace("-", "").replace("_", "")
        if family not in FAMILIES:
            check_name(where, "family", self.family, sorted(FAMILIES))
        object.__setattr__(self, "family", family)
        whole = isinstance(self.dimensions, numbers.Integral) and not isinstance(self.dimensions, bool)
        if not whole or not 1 <= self.dimensions <= MOST_CODES:
            raise SemirayError(
                f"{where}: dimensions = {shortened(self.dimensions)} is not a whole number from 1 to {MOST_CODES}"
            )
        object.__setattr__(self, "dimensions", int(self.dimensions))
        unit, written = str(self.unit), isinstance(self.unit, str | int | float) and not isinstance(self.unit, bool)
        if not written or len(unit) > _LONGEST or not unit.isprintable():
            raise SemirayError(
                f"{where}: unit = {shortened(self.unit)} must be a text of at most {_LONGEST} characters"
            )
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "correlation", self._checked_correlation())
        object.__setattr__(self, "parameters", self._checked_parameters())
        self._check_distribution()

    @property
    def entry(self) -> Family:
        """The family."""
        return FAMILIES[self.family]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the dimensions: duration[0], duration[1], ..."""
        return tuple(f"{self.name}[{i}]" for i in range(self.dimensions))

    @property
    def text(self) -> str:
        """The factor in one line: "duration ~ exponential(mean=10.0) x 5"."""
        values = ", ".join(f"{key}={shortened(value)}" for key, value in self.parameters.items())
        return f"{self.name} ~ {self.family}({values}) x {self.dimensions}"

    def constants(self) -> dict[str, Tensor]:
        """Parameters, and the constants that the family derives from them: float64 tensors, one row per dimension."""
        return self.entry.prepare(self._tensors())

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {}
        for key, value in self.parameters.items():
            tensor = torch.as_tensor(value, dtype=torch.float64)
            listed = tensor.shape[-1:] if self.entry.parameters[key].listed else ()
            tensors[key] = tensor.expand(self.dimensions, *listed).clone()
        return tensors

    def _checked_correlation(self) -> float:
        value = number(self.correlation, f"factor {self.name!r}: correlation")
        low = -1.0 if self.dimensions < 3 else -1.0 / (self.dimensions - 1)
        if not low < value < 1.0:
            raise SemirayError(
                f"factor {self.name!r}: correlation = {value:g} is outside its range for {self.dimensions} dimensions, "
                f"between {low:g} and 1, both excluded"
            )
        return value

    def _checked_parameters(self) -> dict[str, Any]:
        where, known = f"factor {self.name!r}", self.entry.parameters
        meanings = "; ".join(f"{key}: {parameter.meaning}" for key, parameter in known.items())
        if not isinstance(self.parameters, Mapping):
            raise SemirayError(f"{where}: parameters must be written as name: value ({meanings})")
        for key in self.parameters:
            if key not in known:
                raise SemirayError(
                    f"{where}: {self.family} has no parameter {key!r}{suggestion(str(key), known)} ({meanings})"
                )
        missing = [key for key, parameter in known.items() if key not in self.parameters and not parameter.optional]
        if missing:
            raise SemirayError(f"{where}: {self.family} needs {' and '.join(missing)} ({meanings})")
        given = {key: self.parameters[key] for key in known if key in self.parameters}
        return {key: self._checked_value(key, known[key], value) for key, value in given.items()}

    def _checked_value(self, key: str, parameter: Parameter, value: Any) -> float | list[float] | list[list[float]]:
        entry = f"factor {self.name!r}: {key}"
        if not _is_list(value):
            if parameter.listed:
                raise SemirayError(f"{entry} must be a list of numbers, not {shortened(value)}")
            return _in_range(value, parameter, entry)
        if len(value) > _MOST_VALUES:
            raise SemirayError(f"{entry} lists {len(value):,} values; at most {_MOST_VALUES:,} are allowed")
        items = [x.tolist() if hasattr(x, "tolist") else x for x in value]
        per_dimension = not parameter.listed or (bool(items) and _is_list(items[0]))
        if per_dimension and len(items) != self.dimensions:
            raise SemirayError(
                f"{entry} lists {len(items)} values for {self.dimensions} dimensions; give one, or one per dimension"
            )
        if not (parameter.listed and per_dimension):
            return [_in_range(x, parameter, f"{entry}[{i}]") for i, x in enumerate(items)]
        if any(not _is_list(row) or len(row) != len(items[0]) for row in items):
            raise SemirayError(f"{entry} must list the same number of values for every dimension")
        return [
            [_in_range(x, parameter, f"{entry}[{i}][{j}]") for j, x in enumerate(row)] for i, row in enumerate(items)
        ]

    def _check_distribution(self) -> None:
        where = f"factor {self.name!r}"
        problem = self.entry.check(self._tensors())
        if problem:
            raise SemirayError(f"{where}: {problem}")
        p = self.constants()
        deviation = self.entry.variance(p).sqrt()
        ends = torch.tensor([[-SCORE_BOUND], [SCORE_BOUND]], dtype=torch.float64).expand(2, self.dimensions)
        codes = self.entry.from_score(ends, p)
        finite = bool(torch.isfinite(codes).all()) and float(codes.abs().max()) < _FLOAT32_MAX
        if not (finite and bool(((deviation > 1e-30) & (deviation < 1e30)).all())):
            written = ", ".join(f"{key} = {value}" for key, value in self.parameters.items())
            raise SemirayError(
                f"{where}: with {written} its codes leave the range of 32-bit numbers, or its "
                f"standard deviation ({float(deviation[0]):g}) is zero or infinite; choose less extreme parameters"
            )


def factor_of(name: str) -> str:
    """The factor that a dimension belongs to.

    Examples:
        >>> factor_of("survival[0]"), factor_of("survival")
        ('survival', 'survival')
    """
    return name.split("[")[0]


def factor_columns(factors: Iterable[Factor]) -> dict[str, slice]:
    """The columns of each factor by its name, one factor after the other; names must differ."""
    columns: dict[str, slice] = {}
    start = 0
    for factor in factors:
        if factor.name in columns:
            raise SemirayError(f"factor {factor.name!r} is given twice; names must differ")
        columns[factor.name] = slice(start, start + factor.dimensions)
        start += factor.dimensions
        if start > MOST_CODES:
            raise SemirayError(f"the factors have more than {MOST_CODES} dimensions together; lower `dimensions`")
    if not columns:
        raise SemirayError("a prior needs at least one factor")
    return columns


def _in_range(value: Any, parameter: Parameter, entry: str) -> float:
    result = number(value, entry)
    if not parameter.low < result < parameter.high:
        raise SemirayError(f"{entry} = {result:g} is outside its range, {parameter.range}")
    return result


def _is_list(value: Any) -> bool:
    if getattr(value, "ndim", None) == 0:
        return False
    return hasattr(value, "tolist") or (isinstance(value, Sequence) and not isinstance(value, str | bytes))
