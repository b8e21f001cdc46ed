"""Conditions of an event, evaluated on single codes and on whole boxes of codes: true, false, or undecided.

Codes come as two tensors (n, M), the lowest and the highest of each box; a single code is a box whose ends are equal.
The grammar has comparisons, means and logic only, all of them monotone, so interval arithmetic decides. Ends are
compared in the codes' own precision, and means are summed in a fixed order, so rounding is monotone too: what is
decided for a box holds for every 32-bit code in it.
"""

# ruff: noqa: D102  (the methods of conditions are documented at `Comparison`)

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Comparison", "Condition", "Cut", "Equal", "Join", "Less", "Operand", "Truth"]


class Truth(NamedTuple):
    """Whether something holds in each box: everywhere (`certain`), or not nowhere (`possible`); bool tensors."""

    certain: Tensor
    possible: Tensor

    @property
    def undecided(self) -> Tensor:
        """Neither true everywhere nor false everywhere, as far as is known."""
        return self.possible & ~self.certain

    def negated_if(self, negated: bool) -> Truth:
        """The truth of the opposite, if asked for."""
        return Truth(~self.possible, ~self.certain) if negated else self


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


@dataclass(frozen=True)
class Less:
    """First operand < second operand, or <=, for boxes and dimensions (n, k)."""

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
    """The first operand equals one of the others, or (`negated`) none of them, (n, k)."""

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
        return Truth(certain, possible).negated_if(self.negated)

    def cuts(self) -> Iterator[Cut]:
        first, *others = self.operands
        for other in others:
            if not other.columns:
                for column in first.columns:
                    for above in (False, True):
                        yield Cut(column, other.value, above, exact=first.elementwise)


@dataclass(frozen=True)
class Comparison:
    """A chain of tests that hold together, for all dimensions of its operands or (`any`) for at least one of them.

    Args:
        tests: the links of the chain.
        any: whether one dimension is enough.
        place: where it stands in the text: first character, and the one after the last.
        negated: it must not hold.
    """

    tests: tuple[Less | Equal, ...]
    any: bool
    place: tuple[int, int]
    negated: bool = False

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns it depends on, ascending."""
        return tuple(sorted({i for test in self.tests for operand in test.operands for i in operand.columns}))

    @property
    def needed(self) -> tuple[Condition, ...]:
        """The conditions that must each hold for it to hold: those joined by "and"."""
        return ()

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        """Whether it holds in boxes of codes, (n,)."""
        return self._reduced(self._elements(low, high)[0])

    def open_columns(self, low: Tensor, high: Tensor) -> Tensor:
        """(n, M) bool: the columns on which the decision still depends; none where it is decided."""
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
        """The values of codes at which its tests change."""
        for test in self.tests:
            yield from test.cuts()

    def _elements(self, low: Tensor, high: Tensor) -> tuple[Truth, list[Truth]]:
        tests = [test.truth(low, high) for test in self.tests]
        whole = functools.reduce(lambda a, b: Truth(a.certain & b.certain, a.possible & b.possible), tests)
        return whole, tests

    def _reduced(self, whole: Truth) -> Truth:
        return Truth(*(part.any(1) if self.any else part.all(1) for part in whole)).negated_if(self.negated)


@dataclass(frozen=True)
class Join:
    """All of several conditions hold, or (`any`) at least one of them; place and negation as in `Comparison`."""

    joined: tuple[Condition, ...]
    any: bool
    place: tuple[int, int]
    negated: bool = False

    @property
    def columns(self) -> tuple[int, ...]:
        return tuple(sorted({i for part in self.joined for i in part.columns}))

    @property
    def needed(self) -> tuple[Condition, ...]:
        return () if self.any or self.negated else self.joined

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        join = torch.logical_or if self.any else torch.logical_and
        truths = [part.truth(low, high) for part in self.joined]
        whole = functools.reduce(lambda a, b: Truth(join(a.certain, b.certain), join(a.possible, b.possible)), truths)
        return whole.negated_if(self.negated)

    def open_columns(self, low: Tensor, high: Tensor) -> Tensor:
        columns = functools.reduce(torch.logical_or, (part.open_columns(low, high) for part in self.joined))
        return columns & self.truth(low, high).undecided[:, None]

    def cuts(self) -> Iterator[Cut]:
        for part in self.joined:
            yield from part.cuts()


Condition = Comparison | Join
