"""The correlation R of scores: built from a few numbers, checked, and repaired on request.

Between factors, correlation runs through the leads: with a = (1, rho_A, ...) the correlations of factor A's lead with
the factor's dimensions, the block between two factors is r a b^T, and R is positive definite whenever the small matrix
of the leads is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.priors.factors import Factor, factor_columns
from semiray.priors.inputs import check_name, number

__all__ = [
    "Between",
    "CorrelationError",
    "build_correlation",
    "check_correlation",
    "nearest_correlation",
    "read_between",
]

_FLOOR = 1e-6  # smallest eigenvalue of a repaired matrix: below it, some scores are practically functions of others


class CorrelationError(SemirayError):
    """A matrix that is not positive definite, so no distribution has it as its correlation.

    Attributes:
        nearest: the nearest valid correlation matrix (M, M), float64.
    """

    def __init__(self, message: str, nearest: Tensor) -> None:
        super().__init__(message)
        self.nearest = nearest


@dataclass(frozen=True, slots=True)
class Between:
    """The correlation of two factors' scores.

    Args:
        first: a factor's name.
        second: another factor's name.
        correlation: in (-1, 1).
        through: "lead": of the leads, companions follow theirs; "all": of every pair of dimensions.
    """

    first: str
    second: str
    correlation: float
    through: Literal["lead", "all"] = "lead"

    def written(self) -> list[str | float]:
        """The entry as in YAML: [survival, duration, 0.3]."""
        entry: list[str | float] = [self.first, self.second, self.correlation]
        return entry if self.through == "lead" else [*entry, self.through]


def read_between(entries: Any, factors: Sequence[Factor]) -> tuple[Between, ...]:
    """Read and check entries such as [survival, duration, 0.3] or [survival, duration, 0.3, all]."""
    names = [factor.name for factor in factors]
    result: list[Between] = []
    pairs: set[frozenset[str]] = set()
    if isinstance(entries, str) or not isinstance(entries, Sequence):
        raise SemirayError("between must be a list of entries such as [survival, duration, 0.3]")
    for i, raw in enumerate(entries):
        entry = raw.written() if isinstance(raw, Between) else raw
        where = f"between[{i}]"
        if isinstance(entry, str) or not isinstance(entry, Sequence) or len(entry) not in (3, 4):
            raise SemirayError(
                f"{where} = {shortened(entry)} must read [factor, factor, correlation], "
                "such as [survival, duration, 0.3]"
            )
        for name in entry[:2]:
            check_name(where, "factor", name, names)
        first, second = str(entry[0]), str(entry[1])
        if first == second:
            raise SemirayError(f"{where}: {first!r} twice; the correlation within a factor is its own `correlation`")
        value = number(entry[2], f"{where} ({first}, {second})")
        if not -1.0 < value < 1.0:
            raise SemirayError(
                f"{where}: ({first}, {second}) = {value:g} is outside its range, between -1 and 1, both excluded"
            )
        through: Any = entry[3] if len(entry) == 4 else "lead"
        if through not in ("lead", "all"):
            raise SemirayError(f"{where}: {shortened(through)} must be lead or all")
        if frozenset((first, second)) in pairs:
            raise SemirayError(f"{where}: the pair ({first}, {second}) is given twice")
        pairs.add(frozenset((first, second)))
        result.append(Between(first, second, value, through))
    return tuple(result)


def build_correlation(factors: Sequence[Factor], between: Sequence[Between] = ()) -> Tensor:
    """R (M, M) float64 from the factors' own correlations and those between them; not yet checked."""
    columns = factor_columns(factors)
    R = torch.eye(sum(factor.dimensions for factor in factors), dtype=torch.float64)
    with_lead = {}
    for factor in factors:
        block = torch.full((factor.dimensions,) * 2, factor.correlation, dtype=torch.float64).fill_diagonal_(1.0)
        R[columns[factor.name], columns[factor.name]] = block
        with_lead[factor.name] = block[0]
    for entry in between:
        one, other = columns[entry.first], columns[entry.second]
        pattern = torch.outer(with_lead[entry.first], with_lead[entry.second])
        block = entry.correlation * (torch.ones_like(pattern) if entry.through == "all" else pattern)
        R[one, other], R[other, one] = block, block.T
    return R


def check_correlation(matrix: Any, names: Sequence[str]) -> Tensor:
    """R (M, M) float64, exactly symmetric, from a matrix that must be a positive definite correlation matrix.

    A `CorrelationError` names the pair that changes most in the nearest matrix that is one.
    """
    R = _checked_entries(matrix, names)
    lowest = float(torch.linalg.eigvalsh(R)[0])
    if lowest >= _FLOOR / 2:
        return R
    nearest = nearest_correlation(R)
    i, j = divmod(int((nearest - R).abs().argmax()), len(names))
    raise CorrelationError(
        f"the correlations contradict one another (smallest eigenvalue {lowest:.2g}, which must be above 0): the worst "
        f"pair is ({names[i]}, {names[j]}) = {float(R[i, j]):.3g}, which is {float(nearest[i, j]):.3g} in the nearest "
        "valid matrix. Use weaker correlations, or `nearest: true` for the nearest valid matrix (in Python: "
        "JointPrior(..., nearest=True), or this error's .nearest)",
        nearest,
    )


def nearest_correlation(matrix: Any, *, floor: float = _FLOOR) -> Tensor:
    """The nearest correlation matrix in the Frobenius norm, with eigenvalues of at least `floor`.

    Alternating projections with Dykstra's correction between the matrices with eigenvalues >= floor and the matrices
    with unit diagonal: Higham (2002), Computing the nearest correlation matrix, IMA J. Numer. Anal. 22, algorithm 3.3.

    Args:
        matrix: (M, M), symmetric or nearly so.
        floor: smallest eigenvalue of the result.

    Examples:
        >>> R = nearest_correlation([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
        >>> [round(float(r), 2) for r in R[0]]
        [1.0, 0.76, 0.16]
    """
    Y = torch.as_tensor(matrix, dtype=torch.float64).clone()
    Y = (Y + Y.T) / 2
    correction = torch.zeros_like(Y)
    for _ in range(2000):
        previous, shifted = Y, Y - correction
        X = _raise_eigenvalues(shifted, floor)
        correction = X - shifted
        Y = X.clone().fill_diagonal_(1.0)
        if float((Y - previous).norm()) <= 1e-10 * float(Y.norm()):
            break
    X = _raise_eigenvalues(Y, floor)  # the diagonal may be off by the tolerance: scale it to 1
    scale = X.diagonal().rsqrt()
    X = X * torch.outer(scale, scale)
    return ((X + X.T) / 2).fill_diagonal_(1.0)


def _raise_eigenvalues(S: Tensor, floor: float) -> Tensor:
    values, vectors = torch.linalg.eigh(S)
    raised: Tensor = (vectors * values.clamp(min=floor)) @ vectors.T
    return raised


def _checked_entries(matrix: Any, names: Sequence[str]) -> Tensor:
    size = len(names)
    listed = matrix if isinstance(matrix, list | tuple) else ()
    if any(isinstance(value, bool) for row in listed for value in (row if isinstance(row, list | tuple) else (row,))):
        raise SemirayError("correlation: true and false aren't correlations; write numbers")
    try:
        R = torch.as_tensor(matrix, dtype=torch.float64).detach().cpu().clone()
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise SemirayError(f"correlation must be a {size} x {size} matrix of numbers") from None
    if R.shape != (size, size):
        shape = " x ".join(map(str, R.shape)) or "a number"
        raise SemirayError(
            f"correlation must be a {size} x {size} matrix, one row per dimension ({names[0]} ...), not {shape}"
        )
    for i, j in itertools.product(range(size), repeat=2):
        value, mirror = float(R[i, j]), float(R[j, i])
        where = f"correlation of ({names[i]}, {names[j]})"
        if i == j and not abs(value - 1.0) < 1e-6:
            raise SemirayError(f"{where} = {value:g} must be 1")
        if i != j and not -1.0 < value < 1.0:
            raise SemirayError(f"{where} = {value:g} is outside its range, between -1 and 1, both excluded")
        if not abs(value - mirror) < 1e-6:
            raise SemirayError(f"{where} = {value:g}, but its mirror image is {mirror:g}: the matrix must be symmetric")
    return ((R + R.T) / 2).fill_diagonal_(1.0)
