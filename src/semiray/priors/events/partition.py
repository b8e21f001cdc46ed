"""An event as disjoint boxes of scores: those in which it holds, and those in which it may.

Every code is a monotone function of its score, so the codes of a box lie between those at its corner, and the event's
condition decides such boxes (`semiray.priors.events.conditions`). The partition starts from the whole space and cuts:

1. at the values that the event compares dimensions with, and between the values of discrete ones, until all these
   comparisons are decided. What is false is dropped. Most events end here, with no box undecided, so that an
   impossible one is known by the empty partition;
2. undecided boxes (`mean(duration) > 40`, `presentation < texture`) where most draws would be refused, in the dimension
   that best separates accepted from refused ones, until enough of all draws would be accepted.

Scores are handed out as 32-bit numbers, so a cut lies halfway between two of them, found by bisection on the codes as
they are handed out: on either side no rounding error can bring a draw over.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from semiray.priors.events.conditions import Condition, Truth
from semiray.priors.events.tilting import TiltedBoxes
from semiray.priors.families.family import SCORE_BOUND
from semiray.priors.marginal import Marginal

__all__ = ["Partition", "SeenCodes", "make_partition"]

_MOST_BOXES = 2048
_MOST_WORK = 1 << 24
"""Boxes times the cube of their dimension: what tilting them costs."""

_MOST_ROUNDS = 60
_ENOUGH = 0.5
"""Share of accepted draws at which undecided boxes are no longer cut."""

_AT_ONCE = 0.7
"""Share of the refused draws whose boxes are cut in a round."""

_DOUBT = 0.05
"""What an undecided half is worth cutting on, though all draws in it agree."""

_FEW_VALUES = 16

_POINTS = 32
"""Draws in each box, by which boxes and cuts are weighed."""

_HIGHEST = int(torch.tensor(SCORE_BOUND, dtype=torch.float32).view(torch.int32))
"""The position of the highest score among 32-bit numbers."""


class SeenCodes:
    """The codes of the dimensions that an event speaks of.

    Args:
        marginals: their distributions by column.
        dimensions: M, all columns.
    """

    def __init__(self, marginals: dict[int, Marginal], dimensions: int) -> None:
        self.columns = tuple(marginals)
        self.standard_deviation = torch.tensor([m.standard_deviation for m in marginals.values()], dtype=torch.float64)
        self._marginals, self._dimensions = marginals, dimensions

    def __call__(self, scores: Tensor) -> Tensor:
        """Codes (n, M), float32, as the prior hands them out for scores (n, d); columns not spoken of are 0."""
        scores = scores.to(torch.float32)
        codes = torch.zeros(len(scores), self._dimensions, device=scores.device)
        for i, (column, marginal) in enumerate(self._marginals.items()):
            codes[:, column] = marginal.code(scores[:, i]).to(torch.float32)
        return codes

    def truth(self, condition: Condition, lower: Tensor, upper: Tensor) -> tuple[Truth, Tensor, Tensor]:
        """Whether a condition holds in boxes of scores (K, d), and the lowest and highest codes (K, M) there."""
        low = self(torch.nextafter(lower, torch.full_like(lower, math.inf)))
        high = self(torch.nextafter(upper, torch.full_like(upper, -math.inf)))
        return condition.truth(low, high), low, high

    def cuts(self, condition: Condition) -> tuple[Tensor, Tensor]:
        """Scores at which to cut each dimension, (d, C) and (d, C'), filled up by inf.

        The first decide comparisons with numbers, and single out the values of a discrete dimension that has few. The
        second are only good places: the numbers that means are compared with, and many discrete values.
        """
        wanted = set(condition.cuts())
        tables: dict[bool, list[Tensor]] = {True: [], False: []}
        for column, marginal in self._marginals.items():
            few = len(marginal.values) <= _FEW_VALUES
            for exact, table in tables.items():
                turns = {(cut.value, cut.above) for cut in wanted if cut.column == column and cut.exact == exact}
                if few == exact:
                    turns |= {(value, True) for value in marginal.values[:-1]}
                table.append(_first_scores(marginal, sorted(turns)))
        return _padded(tables[True]), _padded(tables[False])


@dataclass(frozen=True)
class Partition:
    """Disjoint boxes of scores outside which the event is false.

    Args:
        lower: (K, d) float64, -inf where open.
        upper: (K, d) float64, inf where open.
        certain: (K,) bool, where the event holds in all of the box.
        relevant: (K, d) bool, the dimensions on which the decision still depends; none where it is certain.
    """

    lower: Tensor
    upper: Tensor
    certain: Tensor
    relevant: Tensor

    def __len__(self) -> int:
        return len(self.lower)


def make_partition(condition: Condition, seen: SeenCodes, R: Tensor) -> Partition:
    """The partition for a condition on dimensions whose scores have the correlation R (d, d); empty if impossible."""
    cutter = _Cutter(condition, seen, R)
    return cutter.cut_where_draws_are_refused(cutter.cut_at_values())


@dataclass(frozen=True)
class _Draws:
    """Weighted draws in each of K boxes: what it weighs, and what of it is accepted, roughly."""

    scores: Tensor  # (K, N, d)
    share: Tensor  # (K, N), of the box's probability
    holds: Tensor  # (K, N) bool
    mass: Tensor  # (K,) log probability

    @property
    def accepted(self) -> Tensor:
        """(K,) the share of a box's probability in which the event holds."""
        return (self.share * self.holds).sum(-1)


class _Cutter:
    def __init__(self, condition: Condition, seen: SeenCodes, R: Tensor) -> None:
        self.condition, self.seen, self.R = condition, seen, R
        self.exact_cuts, self.other_cuts = seen.cuts(condition)
        self.generator = torch.Generator().manual_seed(0)
        self.most = min(_MOST_BOXES, max(64, _MOST_WORK // len(R) ** 3))

    def cut_at_values(self) -> Partition:
        """Until no undecided box has an exact cut inside it, or there are too many boxes."""
        whole = torch.full((1, len(self.R)), math.inf, dtype=torch.float64)
        boxes = self.judged(-whole, whole)
        while True:
            inside = _inside(self.exact_cuts, boxes)
            cut = inside.any(-1).any(-1)
            if not bool(cut.any()) or len(boxes) + int(cut.sum()) > 4 * self.most:
                return boxes
            parents, inside = _rows(boxes, cut), inside[cut]
            dimension = inside.any(-1).int().argmax(-1)
            at = _middle(self.exact_cuts[dimension], inside[torch.arange(len(parents)), dimension])
            boxes = _joined(_rows(boxes, ~cut), self.judged(*_halves(parents, dimension, at)))

    def cut_where_draws_are_refused(self, boxes: Partition) -> Partition:
        """Until enough draws would be accepted, or there are too many boxes."""
        if bool(boxes.certain.all()) or len(boxes) >= self.most:
            return boxes
        draws = self.drawn(boxes)
        for _ in range(_MOST_ROUNDS):
            mass = torch.exp(draws.mass - draws.mass.max())
            refused = torch.where(boxes.certain, 0.0, mass * (1 - draws.accepted))
            if float(refused.sum()) <= (1 - _ENOUGH) * float(mass.sum()) or len(boxes) >= self.most:
                break
            worst = refused.argsort(descending=True, stable=True)
            most = refused[worst].cumsum(0) - refused[worst] < _AT_ONCE * refused.sum()
            cut = torch.zeros_like(boxes.certain)
            cut[worst[most][: self.most - len(boxes)]] = True
            parents = _rows(boxes, cut)
            children = self.judged(*_halves(parents, *self.best_cuts(parents, _rows(draws, cut))))
            boxes, draws = _joined(_rows(boxes, ~cut), children), _joined(_rows(draws, ~cut), self.drawn(children))
        return boxes

    def judged(self, lower: Tensor, upper: Tensor) -> Partition:
        """The boxes in which the event may hold."""
        truth, low, high = self.seen.truth(self.condition, lower, upper)
        relevant = self.condition.open_columns(low, high) & (low < high)
        boxes = Partition(lower, upper, truth.certain, relevant[:, list(self.seen.columns)])
        return _rows(boxes, truth.possible)

    def drawn(self, boxes: Partition) -> _Draws:
        """Draws in every box."""
        shape = len(boxes), _POINTS
        index = torch.arange(len(boxes)).repeat_interleave(_POINTS)
        scores, weight = TiltedBoxes(boxes.lower, boxes.upper, self.R, tilted=False).propose(index, self.generator)
        codes, weight = self.seen(scores), weight.view(shape)
        holds = self.condition.truth(codes, codes).certain.view(shape)
        mass = weight.logsumexp(-1) - math.log(_POINTS)
        return _Draws(scores.view(*shape, len(self.R)), weight.softmax(-1), holds, mass)

    def best_cuts(self, boxes: Partition, draws: _Draws) -> tuple[Tensor, Tensor]:
        """For each box the dimension to cut and where: what leaves the purest halves, decided ones being pure."""
        at = _medians(draws)
        for table in (self.other_cuts, self.exact_cuts):
            inside = _inside(table, boxes)
            at = torch.where(inside.any(-1), _middle(table.expand_as(inside), inside), at)
        K, d = at.shape
        every = Partition(*(getattr(boxes, f.name).repeat_interleave(d, 0) for f in dataclasses.fields(boxes)))
        halves = _halves(every, torch.arange(d).repeat(K), at.flatten())
        undecided = self.seen.truth(self.condition, *halves)[0].undecided.view(2, K, d)
        below = draws.scores <= at.unsqueeze(1)  # (K, N, d)
        side = torch.stack([below, ~below]) * draws.share.unsqueeze(-1)
        weight, true = side.sum(-2), (side * draws.holds.unsqueeze(-1)).sum(-2)  # (2, K, d)
        impure = true * (weight - true) / weight.clamp(min=1e-300) + _DOUBT * weight
        spread = self._spread(draws)
        cost = (impure * undecided).sum(0) - _DOUBT / 10 * spread / spread.amax(-1, keepdim=True).clamp(min=1e-300)
        dimension = torch.where(boxes.relevant, cost, math.inf).argmin(-1)
        return dimension, at.gather(-1, dimension.unsqueeze(-1)).squeeze(-1)

    def _spread(self, draws: _Draws) -> Tensor:
        """(K, d) the standard deviation of the codes in each box, in units of each dimension's own."""
        K, N, d = draws.scores.shape
        codes = self.seen(draws.scores.view(-1, d))[:, list(self.seen.columns)].view(K, N, d).double()
        share = draws.share.unsqueeze(-1)
        centred = codes - (share * codes).sum(1, keepdim=True)
        return (share * centred.square()).sum(1).sqrt() / self.seen.standard_deviation


_Rows = TypeVar("_Rows", Partition, _Draws)


def _rows(of: _Rows, which: Tensor) -> _Rows:
    return type(of)(**{f.name: getattr(of, f.name)[which] for f in dataclasses.fields(of)})


def _joined(a: _Rows, b: _Rows) -> _Rows:
    return type(a)(**{f.name: torch.cat([getattr(a, f.name), getattr(b, f.name)]) for f in dataclasses.fields(a)})


def _halves(boxes: Partition, dimension: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Lower and upper ends of all boxes' halves below the cut, then of those above it."""
    here = functional.one_hot(dimension, boxes.lower.shape[1]).bool()
    lower, upper = (torch.where(here, at.unsqueeze(-1), end) for end in (boxes.lower, boxes.upper))
    return torch.cat([boxes.lower, lower]), torch.cat([upper, boxes.upper])


def _inside(cuts: Tensor, boxes: Partition) -> Tensor:
    """(K, d, C) bool: which cuts (d, C) go through a box in a dimension that matters."""
    within = (cuts > boxes.lower.unsqueeze(-1)) & (cuts < boxes.upper.unsqueeze(-1))
    return within & boxes.relevant.unsqueeze(-1)


def _middle(cuts: Tensor, inside: Tensor) -> Tensor:
    """The middle one (...,) of those ascending cuts (..., C) that are inside; the last where none is."""
    rank = inside.cumsum(-1)
    index = (rank > (rank[..., -1:] - 1) // 2).int().argmax(-1, keepdim=True)
    return cuts.gather(-1, index).squeeze(-1)


def _medians(draws: _Draws) -> Tensor:
    """(K, d) weighted medians of the draws."""
    scores, order = draws.scores.sort(dim=1)
    share = draws.share.unsqueeze(-1).expand_as(scores).gather(1, order)
    index = (share.cumsum(1) < 0.5).sum(1, keepdim=True).clamp(max=_POINTS - 1)
    return scores.gather(1, index).squeeze(1)


def _first_scores(marginal: Marginal, turns: Sequence[tuple[float, bool]]) -> Tensor:
    """Halfway between the last 32-bit score below a turn and the first beyond it; infinite where there is none."""
    value = torch.tensor([value for value, _ in turns], dtype=torch.float32)
    above = torch.tensor([above for _, above in turns], dtype=torch.bool)

    def beyond(position: Tensor) -> Tensor:
        codes = marginal.code(_score(position)).to(torch.float32)
        return torch.where(above, codes > value, codes >= value)

    high = torch.full_like(above, _HIGHEST, dtype=torch.int64)
    low = -high
    always, never = beyond(low), ~beyond(high)
    while bool((high - low > 1).any()):
        middle = low + (high - low) // 2
        past = beyond(middle)
        low, high = torch.where(past, low, middle), torch.where(past, middle, high)
    at = (_score(low).double() + _score(high).double()) / 2
    at[always], at[never] = -math.inf, math.inf
    return at


def _score(position: Tensor) -> Tensor:
    """32-bit scores by their position in ascending order, 0 standing for 0."""
    size = position.abs().to(torch.int32).view(torch.float32)
    return torch.where(position < 0, -size, size)


def _padded(rows: list[Tensor]) -> Tensor:
    """(d, C) of d ascending rows, filled up by inf; C is at least 1."""
    widest = max(1, *(len(row) for row in rows))
    return torch.stack([functional.pad(row.sort().values, (0, widest - len(row)), value=math.inf) for row in rows])
