"""What a checked event says, on one code as on a whole box of codes: true, false, or not yet decided.

Codes come as two tensors (n, M), the lowest and the highest of each box; a single code is a box whose ends are equal.
The grammar knows comparisons, means and logic only, all of them monotone, so that interval arithmetic decides:
`certain` says that the condition holds everywhere in the box, `possible` that it is not excluded. Ends are compared in
the codes' own precision, and means are summed in a fixed order, which keeps rounding monotone too: what is decided for
a box holds for every 32-bit code in it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = [
    "Comparison",
    "Condition",
    "Cut",
    "Equal",
    "Join",
    "Less",
    "Mean",
    "Not",
    "Number",
    "Operand",
    "Truth",
    "Values",
]


class Truth(NamedTuple):
    """Whether something holds in each box: everywhere (`certain`), or not nowhere (`possible`); bool tensors."""

    certain: Tensor
    possible: Tensor

    @property
    def undecided(self) -> Tensor:
        """Neither true everywhere nor false everywhere, as far as is known."""
        return self.possible & ~self.certain


class Cut(NamedTuple):
    """Where a comparison changes its mind: between codes < value and >= value, or (`above`) between <= and >.

    `exact`: the comparison is decided on either side; otherwise it is only a good place to look closer.
    """

    column: int
    value: float
    above: bool
    exact: bool


# --- operands: what stands on one side of a comparison, as its lowest and highest value (n, k) ------------------------


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float
    columns: tuple[int, ...] = ()

    def ends(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Itself, (1, 1) each."""
        end = low.new_full((1, 1), self.value)
        return end, end


@dataclass(frozen=True)
class Values:
    """One column, or all columns of a factor side by side."""

    columns: tuple[int, ...]

    def ends(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Lowest and highest values, (n, k) each."""
        part = slice(self.columns[0], self.columns[-1] + 1)
        return low[:, part], high[:, part]


@dataclass(frozen=True)
class Mean:
    """The mean of a factor's columns."""

    columns: tuple[int, ...]

    def ends(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Lowest and highest mean, (n, 1) each."""
        return self._of(low), self._of(high)

    def _of(self, codes: Tensor) -> Tensor:
        total = functools.reduce(operator.add, (codes[:, i : i + 1] for i in self.columns))
        return total / len(self.columns)  # a quotient, so that 3 / 5 == 0.6 holds


Operand = Number | Values | Mean


# --- tests: two operands compared, (n, k) -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Less:
    """left < right, or left <= right."""

    left: Operand
    right: Operand
    strict: bool

    @property
    def operands(self) -> tuple[Operand, ...]:
        """Both sides."""
        return self.left, self.right

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        """(n, k)."""
        compare = torch.lt if self.strict else torch.le
        left_low, left_high = self.left.ends(low, high)
        right_low, right_high = self.right.ends(low, high)
        certain, possible = compare(left_high, right_low), compare(left_low, right_high)
        if isinstance(self.left, Values) and isinstance(self.right, Values):
            # A number against itself, as in all(texture) <= texture.
            same = (torch.tensor(self.left.columns) == torch.tensor(self.right.columns)).to(low.device)
            certain, possible = (certain, possible & ~same) if self.strict else (certain | same, possible)
        return Truth(certain, possible)

    def cuts(self) -> Iterator[Cut]:
        """Where a comparison with a number turns."""
        for side, other, above in ((self.left, self.right, not self.strict), (self.right, self.left, self.strict)):
            if isinstance(other, Number):
                for column in side.columns:
                    yield Cut(column, other.value, above, exact=isinstance(side, Values))


@dataclass(frozen=True)
class Equal:
    """left equals one of others, or (`negated`) none of them."""

    left: Operand
    others: tuple[Operand, ...]
    negated: bool

    @property
    def operands(self) -> tuple[Operand, ...]:
        """All sides."""
        return self.left, *self.others

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        """(n, k)."""
        least, most = self.left.ends(low, high)
        certain = possible = torch.zeros(1, 1, dtype=torch.bool, device=low.device)
        for other in self.others:
            other_low, other_high = other.ends(low, high)
            certain = certain | ((least == other_high) & (most == other_low))
            possible = possible | ((least <= other_high) & (most >= other_low))
        return Truth(~possible, ~certain) if self.negated else Truth(certain, possible)

    def cuts(self) -> Iterator[Cut]:
        """Both sides of each number."""
        for other in self.others:
            if isinstance(other, Number):
                for column in self.left.columns:
                    for above in (False, True):
                        yield Cut(column, other.value, above, exact=isinstance(self.left, Values))


# --- conditions: what holds or not, (n,) ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """A chain of tests that hold together, for all dimensions of its operands or for any one of them.

    Args:
        tests: the links of the chain.
        any: whether one dimension is enough.
        place: where it stands in the text: first character, and the one after the last.
    """

    tests: tuple[Less | Equal, ...]
    any: bool
    place: tuple[int, int]

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns that it speaks of, ascending."""
        return tuple(sorted({i for test in self.tests for side in test.operands for i in side.columns}))

    @property
    def needed(self) -> tuple[Condition, ...]:
        """No conditions within."""
        return ()

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        """(n,)."""
        return self._reduced(self._elements(low, high)[0])

    def open_columns(self, low: Tensor, high: Tensor) -> Tensor:
        """(n, M) bool: the columns on which the decision still depends; none where it has fallen."""
        whole, tests = self._elements(low, high)
        wanted = whole.undecided & self._reduced(whole).undecided[:, None]
        result = torch.zeros_like(low, dtype=torch.bool)
        for test, truth in zip(self.tests, tests, strict=True):
            undecided = wanted & truth.undecided
            for operand in test.operands:
                columns = list(operand.columns)
                if isinstance(operand, Values) and len(columns) == undecided.shape[1]:
                    result[:, columns] |= undecided
                elif columns:
                    result[:, columns] |= undecided.any(1, keepdim=True)
        return result

    def cuts(self) -> Iterator[Cut]:
        """Where its tests turn."""
        for test in self.tests:
            yield from test.cuts()

    def _elements(self, low: Tensor, high: Tensor) -> tuple[Truth, list[Truth]]:
        tests = [test.truth(low, high) for test in self.tests]
        whole = functools.reduce(lambda a, b: Truth(a.certain & b.certain, a.possible & b.possible), tests)
        return whole, tests

    def _reduced(self, whole: Truth) -> Truth:
        return Truth(*(part.any(1) if self.any else part.all(1) for part in whole))


@dataclass(frozen=True)
class Not:
    """The inner condition doesn't hold."""

    inner: Condition
    place: tuple[int, int]

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns that it speaks of, ascending."""
        return self.inner.columns

    @property
    def needed(self) -> tuple[Condition, ...]:
        """None."""
        return ()

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        """(n,)."""
        certain, possible = self.inner.truth(low, high)
        return Truth(~possible, ~certain)

    def open_columns(self, low: Tensor, high: Tensor) -> Tensor:
        """(n, M) bool: the columns on which the decision still depends."""
        return self.inner.open_columns(low, high)

    def cuts(self) -> Iterator[Cut]:
        """Where the inner condition turns."""
        yield from self.inner.cuts()


@dataclass(frozen=True)
class Join:
    """All of several conditions hold, or (`any`) at least one of them."""

    joined: tuple[Condition, ...]
    any: bool
    place: tuple[int, int]

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns that they speak of, ascending."""
        return tuple(sorted({i for part in self.joined for i in part.columns}))

    @property
    def needed(self) -> tuple[Condition, ...]:
        """The conditions without each of which it can't hold: all of an "and"."""
        return () if self.any else self.joined

    def truth(self, low: Tensor, high: Tensor) -> Truth:
        """(n,)."""
        join = torch.logical_or if self.any else torch.logical_and
        truths = [part.truth(low, high) for part in self.joined]
        return functools.reduce(lambda a, b: Truth(join(a.certain, b.certain), join(a.possible, b.possible)), truths)

    def open_columns(self, low: Tensor, high: Tensor) -> Tensor:
        """(n, M) bool: the columns on which the decision still depends."""
        columns = functools.reduce(torch.logical_or, (part.open_columns(low, high) for part in self.joined))
        return columns & self.truth(low, high).undecided[:, None]

    def cuts(self) -> Iterator[Cut]:
        """Where its conditions turn."""
        for part in self.joined:
            yield from part.cuts()


Condition = Comparison | Not | Join
