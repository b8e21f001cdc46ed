"""An event as disjoint boxes of scores: boxes in which it holds, and boxes in which it may hold.

Every code is a monotone function of its score, so the codes of a box lie between those at its corners, and the event's
condition can be evaluated on boxes (`conditions.py`). The whole space is split at the values that the event compares
dimensions with, and between discrete values, until all these comparisons are decided; false boxes are dropped.
Undecided boxes (`mean(duration) > 40`, `presentation < texture`) are split further where most draws would be rejected,
in the dimension that best separates accepted from rejected draws, until enough draws would be accepted.

Scores are returned as 32-bit numbers, so a cut lies halfway between two of them: no rounding error can move a draw
across it.
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
from semiray.priors.families.family import SCORE_BOUND, Marginal

__all__ = ["EventCodes", "Partition", "make_partition"]

_MOST_BOXES = 2048
_MOST_WORK = 1 << 24  # most boxes times the cube of their dimension: the cost of tilting them
_MOST_ROUNDS = 60
_ENOUGH = 0.5  # share of accepted draws at which undecided boxes are no longer split
_AT_ONCE = 0.7  # share of the rejected draws whose boxes are split in one round
_DOUBT = 0.05  # impurity given to an undecided half in which all draws agree: it may still be worth splitting
_FEW_VALUES = 16  # discrete dimensions with at most so many values are split between all of them
_POINTS = 32  # draws per box, from which boxes and cuts are weighed
_HIGHEST = int(torch.tensor(SCORE_BOUND, dtype=torch.float32).view(torch.int32))
"""The position of the highest score among the 32-bit numbers."""


class EventCodes:
    """Codes of the d dimensions that an event names, from their scores; M is the number of all dimensions."""

    def __init__(self, marginals: dict[int, Marginal], dimensions: int) -> None:
        self.columns = tuple(marginals)
        self.standard_deviation = torch.tensor([m.standard_deviation for m in marginals.values()], dtype=torch.float64)
        self._marginals, self._dimensions = marginals, dimensions

    def __call__(self, scores: Tensor) -> Tensor:
        """Codes (n, M), float32, as the prior returns them for scores (n, d); columns that are not named are 0."""
        scores = scores.to(torch.float32)
        codes = torch.zeros(len(scores), self._dimensions, device=scores.device)
        for i, (column, marginal) in enumerate(self._marginals.items()):
            codes[:, column] = marginal.code(scores[:, i]).to(torch.float32)
        return codes

    def truth(self, condition: Condition, lower: Tensor, upper: Tensor) -> tuple[Truth, Tensor, Tensor]:
        """Whether a condition holds in boxes of scores (K, d), and their lowest and highest codes (K, M)."""
        low = self(torch.nextafter(lower, torch.full_like(lower, math.inf)))
        high = self(torch.nextafter(upper, torch.full_like(upper, -math.inf)))
        return condition.truth(low, high), low, high

    def cuts(self, condition: Condition) -> tuple[Tensor, Tensor]:
        """Scores at which to split each dimension, (d, C) and (d, C'), padded with inf.

        The first decide comparisons with numbers, and separate few discrete values; the second (the numbers that means
        are compared with, and many discrete values) are only promising places.
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
        certain: (K,) bool, whether the event holds in the whole box.
        relevant: (K, d) bool, the dimensions on which the decision still depends; none if certain.
    """

    lower: Tensor
    upper: Tensor
    certain: Tensor
    relevant: Tensor

    def __len__(self) -> int:
        return len(self.lower)


def make_partition(condition: Condition, codes: EventCodes, R: Tensor) -> Partition:
    """The partition for a condition on d dimensions whose scores have the correlation R (d, d); empty if impossible."""
    splitter = _Splitter(condition, codes, R)
    return splitter.split_rejected(splitter.split_at_values())


@dataclass(frozen=True)
class _Draws:
    """N weighted draws in each of K boxes: a rough estimate of its probability and of the share that is accepted."""

    scores: Tensor  # (K, N, d)
    share: Tensor  # (K, N), of the box's probability
    holds: Tensor  # (K, N) bool
    mass: Tensor  # (K,) log probability of the box

    @property
    def accepted(self) -> Tensor:
        """(K,) the share of a box's probability in which the event holds."""
        return (self.share * self.holds).sum(-1)


class _Splitter:
    def __init__(self, condition: Condition, codes: EventCodes, R: Tensor) -> None:
        self.condition, self.codes, self.R = condition, codes, R
        self.exact_cuts, self.other_cuts = codes.cuts(condition)
        self.generator = torch.Generator().manual_seed(0)
        self.most = min(_MOST_BOXES, max(64, _MOST_WORK // len(R) ** 3))

    def split_at_values(self) -> Partition:
        """Split until no undecided box has an exact cut inside, or there are too many boxes."""
        whole = torch.full((1, len(self.R)), math.inf, dtype=torch.float64)
        boxes = self.classify(-whole, whole)
        while True:
            inside = _inside(self.exact_cuts, boxes)
            cut = inside.any(-1).any(-1)
            if not bool(cut.any()) or len(boxes) + int(cut.sum()) > 4 * self.most:
                return boxes
            parents, inside = _rows(boxes, cut), inside[cut]
            dimension = inside.any(-1).int().argmax(-1)
            at = _middle(self.exact_cuts[dimension], inside[torch.arange(len(parents)), dimension])
            boxes = _joined(_rows(boxes, ~cut), self.classify(*_halves(parents, dimension, at)))

    def split_rejected(self, boxes: Partition) -> Partition:
        """Split until enough draws would be accepted, or there are too many boxes."""
        if bool(boxes.certain.all()) or len(boxes) >= self.most:
            return boxes
        draws = self.draw(boxes)
        for _ in range(_MOST_ROUNDS):
            mass = torch.exp(draws.mass - draws.mass.max())
            rejected = torch.where(boxes.certain, 0.0, mass * (1 - draws.accepted))
            if float(rejected.sum()) <= (1 - _ENOUGH) * float(mass.sum()) or len(boxes) >= self.most:
                break
            worst = rejected.argsort(descending=True, stable=True)
            most = rejected[worst].cumsum(0) - rejected[worst] < _AT_ONCE * rejected.sum()
            cut = torch.zeros_like(boxes.certain)
            cut[worst[most][: self.most - len(boxes)]] = True
            parents = _rows(boxes, cut)
            children = self.classify(*_halves(parents, *self.best_cuts(parents, _rows(draws, cut))))
            boxes, draws = _joined(_rows(boxes, ~cut), children), _joined(_rows(draws, ~cut), self.draw(children))
        return boxes

    def classify(self, lower: Tensor, upper: Tensor) -> Partition:
        """The boxes in which the event may hold."""
        truth, low, high = self.codes.truth(self.condition, lower, upper)
        relevant = self.condition.open_columns(low, high) & (low < high)
        boxes = Partition(lower, upper, truth.certain, relevant[:, list(self.codes.columns)])
        return _rows(boxes, truth.possible)

    def draw(self, boxes: Partition) -> _Draws:
        """Draws in every box."""
        shape = len(boxes), _POINTS
        index = torch.arange(len(boxes)).repeat_interleave(_POINTS)
        scores, weight = TiltedBoxes(boxes.lower, boxes.upper, self.R, tilted=False).propose(index, self.generator)
        codes, weight = self.codes(scores), weight.view(shape)
        holds = self.condition.truth(codes, codes).certain.view(shape)
        mass = weight.logsumexp(-1) - math.log(_POINTS)
        return _Draws(scores.view(*shape, len(self.R)), weight.softmax(-1), holds, mass)

    def best_cuts(self, boxes: Partition, draws: _Draws) -> tuple[Tensor, Tensor]:
        """The dimension and place to split each box: what leaves the purest halves, where decided halves are pure."""
        at = _medians(draws)
        for table in (self.other_cuts, self.exact_cuts):
            inside = _inside(table, boxes)
            at = torch.where(inside.any(-1), _middle(table.expand_as(inside), inside), at)
        K, d = at.shape
        every = Partition(*(getattr(boxes, f.name).repeat_interleave(d, 0) for f in dataclasses.fields(boxes)))
        halves = _halves(every, torch.arange(d).repeat(K), at.flatten())
        undecided = self.codes.truth(self.condition, *halves)[0].undecided.view(2, K, d)
        below = draws.scores <= at.unsqueeze(1)  # (K, N, d)
        side = torch.stack([below, ~below]) * draws.share.unsqueeze(-1)
        weight, true = side.sum(-2), (side * draws.holds.unsqueeze(-1)).sum(-2)  # (2, K, d)
        impure = true * (weight - true) / weight.clamp(min=1e-300) + _DOUBT * weight
        spread = self._spread(draws)
        cost = (impure * undecided).sum(0) - _DOUBT / 10 * spread / spread.amax(-1, keepdim=True).clamp(min=1e-300)
        dimension = torch.where(boxes.relevant, cost, math.inf).argmin(-1)
        return dimension, at.gather(-1, dimension.unsqueeze(-1)).squeeze(-1)

    def _spread(self, draws: _Draws) -> Tensor:
        """(K, d) standard deviations of the codes in each box, relative to those under the prior."""
        K, N, d = draws.scores.shape
        codes = self.codes(draws.scores.view(-1, d))[:, list(self.codes.columns)].view(K, N, d).double()
        share = draws.share.unsqueeze(-1)
        centred = codes - (share * codes).sum(1, keepdim=True)
        return (share * centred.square()).sum(1).sqrt() / self.codes.standard_deviation


_Rows = TypeVar("_Rows", Partition, _Draws)


def _rows(of: _Rows, which: Tensor) -> _Rows:
    return type(of)(**{f.name: getattr(of, f.name)[which] for f in dataclasses.fields(of)})


def _joined(a: _Rows, b: _Rows) -> _Rows:
    return type(a)(**{f.name: torch.cat([getattr(a, f.name), getattr(b, f.name)]) for f in dataclasses.fields(a)})


def _halves(boxes: Partition, dimension: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Lower and upper ends of the halves of all boxes: first those below the cut, then those above it."""
    here = functional.one_hot(dimension, boxes.lower.shape[1]).bool()
    lower, upper = (torch.where(here, at.unsqueeze(-1), end) for end in (boxes.lower, boxes.upper))
    return torch.cat([boxes.lower, lower]), torch.cat([upper, boxes.upper])


def _inside(cuts: Tensor, boxes: Partition) -> Tensor:
    """(K, d, C) bool: which cuts (d, C) go through a box in a relevant dimension."""
    within = (cuts > boxes.lower.unsqueeze(-1)) & (cuts < boxes.upper.unsqueeze(-1))
    return within & boxes.relevant.unsqueeze(-1)


def _middle(cuts: Tensor, inside: Tensor) -> Tensor:
    """The middle one (...,) of the ascending cuts (..., C) that are inside; the last if none is."""
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
    """Halfway between the last 32-bit score below each turn and the first beyond it; infinite if there is none."""
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
    """32-bit scores by their position in ascending order; position 0 is the score 0."""
    size = position.abs().to(torch.int32).view(torch.float32)
    return torch.where(position < 0, -size, size)


def _padded(rows: list[Tensor]) -> Tensor:
    """(d, C) from d rows, sorted and padded with inf; C is at least 1."""
    widest = max(1, *(len(row) for row in rows))
    return torch.stack([functional.pad(row.sort().values, (0, widest - len(row)), value=math.inf) for row in rows])
