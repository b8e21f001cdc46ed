"""Conditions of an event, evaluated on single codes and on whole boxes of codes: true, false, or undecided.

Codes come as two tensors (n, M), the lowest and the highest of each box; a single code is a box whose ends are equal.
The grammar has comparisons, means and logic only, all of them monotone, so interval arithmetic decides: `certain` means
that the condition holds everywhere in the box, `possible` that it is not excluded. Ends are compared in the codes' own
precision, and means are summed in a fixed order, so rounding is monotone too: what is decided for a box holds for every
32-bit code in it.
"""

# ruff: noqa: D102  (the methods are documented at `Condition`)

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Comparison", "Condition", "Cut", "Equal", "Join", "Less", "Not", "Operand", "Truth"]


class Truth(NamedTuple):
    """Whether something holds in each box: everywhere (`certain`), or not nowhere (`possible`); bool tensors."""

    certain: Tensor
    possible: Tensor

    @property
    def undecided(self) -> Tensor:
        """Neither true everywhere nor false everywhere, as far as is known."""
        return self.possible & ~self.certain


class Cut(NamedTuple):
    """Where a comparison changes: between codes < value and >= value, or (`above`) between <= and >.

    `exact`: the comparison is decided on either side; otherwise it is only a promising place to split a box.
    """

    column: int
    value: float
    above: bool
    exact: bool


@dataclass(frozen=True)
class Operand:
    """One side of a comparison: a number (no columns), one or more columns side by side, or the mean of columns."""

    columns: tuple[int, ...] = ()
    value: float = 0.0
    mean: bool = False

    @property
    def elementwise(self) -> bool:
        """Columns themselves: neither a number nor a mean."""
        return bool(self.columns) and not self.mean

    def ends(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Lowest and highest value in each box, (n, k) each; (1, 1) for a number."""
        if not self.columns:
            end = low.new_full((1, 1), self.value)
            return end, end
        if self.mean:
            return self._mean(low), self._mean(high)
        part = slice(self.columns[0], self.columns[-1] + 1)
        return low[:, part], high[:, part]

    def _mean(self, codes: Tensor) -> Tensor:
        total = functools.reduce(operator.add, (codes[:, i : i + 1] for i in self.columns))
        return total / len(self.columns)  # a quotient, so that 3 / 5 == 0.6 holds


# --- tests: operands compared, (n, k) ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Less:
    """First operand < second operand, or <=."""

    operands: tuple[Operand, Operand]
    strict: bool

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        compare = torch.lt if self.strict else torch.le
        left, right = self.operands
        left_low, left_high = left.ends(low, high)
        right_low, right_high = right.ends(low, high)
        certain, possible = compare(left_high, right_low), compare(left_low, right_high)
        if left.elementwise and right.elementwise:
            # A number against itself, as in all(texture) <= texture.
            same = (torch.tensor(left.columns) == torch.tensor(right.columns)).to(low.device)
            certain, possible = (certain, possible & ~same) if self.strict else (certain | same, possible)
        return Truth(certain, possible)

    def cuts(self) -> Iterator[Cut]:
        left, right = self.operands
        for side, other, above in ((left, right, not self.strict), (right, left, self.strict)):
            if not other.columns:
                for column in side.columns:
                    yield Cut(column, other.value, above, exact=side.elementwise)


@dataclass(frozen=True)
class Equal:
    """The first operand equals one of the others, or (`negated`) none of them."""

    operands: tuple[Operand, ...]
    negated: bool

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        first, *others = self.operands
        least, most = first.ends(low, high)
        certain = possible = torch.zeros(1, 1, dtype=torch.bool, device=low.device)
        for other in others:
            other_low, other_high = other.ends(low, high)
            certain = certain | ((least == other_high) & (most == other_low))
            possible = possible | ((least <= other_high) & (most >= other_low))
        return Truth(~possible, ~certain) if self.negated else Truth(certain, possible)

    def cuts(self) -> Iterator[Cut]:
        first, *others = self.operands
        for other in others:
            if not other.columns:
                for column in first.columns:
                    for above in (False, True):
                        yield Cut(column, other.value, above, exact=first.elementwise)


# --- conditions: true or false for each box, (n,) ---------------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    """What holds or does not hold: a comparison, the negation of a condition, or several joined.

    Args:
        place: where it stands in the text: first character, and the one after the last.
    """

    place: tuple[int, int]

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns it depends on, ascending."""
        raise NotImplementedError

    @property
    def needed(self) -> tuple[Condition, ...]:
        """The conditions that must each hold for it to hold: those joined by "and"."""
        return ()

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        """Whether it holds in boxes of codes, (n,)."""
        raise NotImplementedError

    def open_columns(self, low: Tensor, high: Tensor) -> Tensor:
        """(n, M) bool: the columns on which the decision still depends; none where it is decided."""
        raise NotImplementedError

    def cuts(self) -> Iterator[Cut]:
        """The values of codes at which its comparisons change."""
        raise NotImplementedError


@dataclass(frozen=True)
class Comparison(Condition):
    """A chain of tests that hold together, for all dimensions of its operands or (`any`) for at least one of them."""

    tests: tuple[Less | Equal, ...]
    any: bool

    @property
    def columns(self) -> tuple[int, ...]:
        return tuple(sorted({i for test in self.tests for operand in test.operands for i in operand.columns}))

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        return self._reduced(self._elements(low, high)[0])

    def open_columns(self, low: Tensor, high: Tensor) -> Tensor:
        whole, tests = self._elements(low, high)
        wanted = whole.undecided & self._reduced(whole).undecided[:, None]
        result = torch.zeros_like(low, dtype=torch.bool)
        for test, truth in zip(self.tests, tests, strict=True):
            undecided = wanted & truth.undecided
            for operand in test.operands:
                columns = list(operand.columns)
                if operand.elementwise and len(columns) == undecided.shape[1]:
                    result[:, columns] |= undecided
                elif columns:
                    result[:, columns] |= undecided.any(1, keepdim=True)
        return result

    def cuts(self) -> Iterator[Cut]:
        for test in self.tests:
            yield from test.cuts()

    def _elements(self, low: Tensor, high: Tensor) -> tuple[Truth, list[Truth]]:
        tests = [test.truth(low, high) for test in self.tests]
        whole = functools.reduce(lambda a, b: Truth(a.certain & b.certain, a.possible & b.possible), tests)
        return whole, tests

    def _reduced(self, whole: Truth) -> Truth:
        return Truth(*(part.any(1) if self.any else part.all(1) for part in whole))


@dataclass(frozen=True)
class Not(Condition):
    """The inner condition does not hold."""

    inner: Condition

    @property
    def columns(self) -> tuple[int, ...]:
        return self.inner.columns

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        certain, possible = self.inner.truth(low, high)
        return Truth(~possible, ~certain)

    def open_columns(self, low: Tensor, high: Tensor) -> Tensor:
        return self.inner.open_columns(low, high)

    def cuts(self) -> Iterator[Cut]:
        return self.inner.cuts()


@dataclass(frozen=True)
class Join(Condition):
    """All of several conditions hold, or (`any`) at least one of them."""

    joined: tuple[Condition, ...]
    any: bool

    @property
    def columns(self) -> tuple[int, ...]:
        return tuple(sorted({i for part in self.joined for i in part.columns}))

    @property
    def needed(self) -> tuple[Condition, ...]:
        return () if self.any else self.joined

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        join = torch.logical_or if self.any else torch.logical_and
        truths = [part.truth(low, high) for part in self.joined]
        return functools.reduce(lambda a, b: Truth(join(a.certain, b.certain), join(a.possible, b.possible)), truths)

    def open_columns(self, low: Tensor, high: Tensor) -> Tensor:
        columns = functools.reduce(torch.logical_or, (part.open_columns(low, high) for part in self.joined))
        return columns & self.truth(low, high).undecided[:, None]

    def cuts(self) -> Iterator[Cut]:
        for part in self.joined:
            yield from part.cuts()
