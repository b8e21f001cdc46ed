"""The conditional prior p(c | event): exact draws such as "600 survivors treated within 14 days", even of rare events.

With A the dimensions that the event names, the event is split into disjoint boxes of their scores (`partition.py`). Box
k has a proposal q_k and a bound exp(b_k) on the density of the scores relative to q_k (`tilting.py`). A draw chooses
box k with probability proportional to exp(b_k), proposes s ~ q_k, and is accepted with probability
exp(log N(s; 0, R) - log q_k(s) - b_k) if its codes obey the event. The scores of the other dimensions B follow from

    s_B | s_A ~ N(R_BA R_AA^-1 s_A,  R_BB - R_BA R_AA^-1 R_AB).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.copula import GaussianCopula
from semiray.priors.events.language import read_event
from semiray.priors.events.partition import EventCodes, make_partition
from semiray.priors.events.tilting import TiltedBoxes
from semiray.priors.factors import factor_of
from semiray.priors.families.family import Marginal

__all__ = ["ConditionalPrior"]

_BATCH = 1 << 16
_PRECISION = 0.01  # relative standard error wanted for the estimated probability
_FIRST_DRAWS, _LAST_DRAWS = 1 << 13, 1 << 20  # fewest and most proposals for that estimate
_FEWEST_HITS = 100  # fewest proposals that must obey the event


class ConditionalPrior:
    """The joint prior given an event.

    Args:
        prior: the joint prior.
        event: a statement about its codes, such as "survival == 1 and duration <= 14"; see `language.py`.
        most_draws: the most proposals made; if fewer than 100 of them obey the event, it is not sampled.

    Attributes:
        event: the event as text.
        probability: its probability under the prior, estimated with a fixed seed, so that it is always the same.
        probability_error: the standard error of that estimate; 0 where it is exact.

    Raises:
        SemirayError: the event can't be read, is impossible (a caret shows what), or takes too many draws.

    Examples:
        >>> from semiray.priors import JointPrior
        >>> survivors = JointPrior.default().given("survival == 1 and duration <= 14")
        >>> round(survivors.probability, 2)
        0.38
        >>> survivors.sample(600, torch.Generator().manual_seed(7)).shape
        torch.Size([600, 20])
    """

    def __init__(self, prior: GaussianCopula, event: str, *, most_draws: int = 1 << 22) -> None:
        self.prior = prior
        self._event = read_event(event, prior.slices, prior.discrete)
        self.event = self._event.text
        R, A = prior.correlation, list(self._event.columns)
        B = [i for i in range(prior.dimensions) if i not in self._event.columns]
        self._codes = EventCodes({i: prior.marginal(prior.names[i]) for i in A}, prior.dimensions)
        self._order = torch.tensor([*A, *B]).argsort()
        L = torch.linalg.cholesky(R[A + B][:, A + B])
        named, self._rest = L[: len(A), : len(A)], L[len(A) :, len(A) :]
        self._rest_mean = torch.linalg.solve_triangular(named, L[len(A) :, : len(A)], upper=False, left=False)
        boxes = make_partition(self._event.condition, self._codes, R[A][:, A])
        if not len(boxes):
            raise self._impossible()
        self._boxes = TiltedBoxes(boxes.lower, boxes.upper, R[A][:, A])
        self._total = float(self._boxes.bound.logsumexp(0).exp())
        self._reached = self._boxes.bound.softmax(0).cumsum(0)
        self.probability, self.probability_error = self._estimate(most_draws)

    def __repr__(self) -> str:
        return f"ConditionalPrior({self.event!r}, probability={self.probability:.4g} +- {self.probability_error:.1g})"

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw codes (n, M) in their own units, float32; all of them obey the event."""
        return self.prior.codes(self.sample_scores(n, generator))

    def sample_scores(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw scores (n, M), float32, whose codes obey the event, on the generator's device (CPU without one)."""
        generator = generator if generator is not None else torch.default_generator
        device = generator.device
        scores = torch.empty(n, self.prior.dimensions, device=device)
        rest_mean, rest, order = (x.to(device) for x in (self._rest_mean, self._rest, self._order))
        done = 0
        while done < n:
            named = self._accepted(n - done, generator)
            noise = torch.randn(len(named), len(rest), dtype=torch.float64, device=device, generator=generator)
            others = named @ rest_mean.T + noise @ rest.T
            scores[done : done + len(named)] = torch.cat([named, others], -1)[:, order].to(torch.float32)
            done += len(named)
        return scores

    def _accepted(self, most: int, generator: torch.Generator) -> Tensor:
        """At most `most` scores (., |A|), float64, that follow the distribution given the event; possibly none."""
        size = min(_BATCH, math.ceil(1.1 * most * self._total / self.probability) + 16)
        scores, weight = self._propose(size, generator)
        chance = torch.rand(size, dtype=torch.float64, device=scores.device, generator=generator)
        scores = scores[chance < weight]
        return scores[self._event(self._codes(scores))][:most]

    def _propose(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Proposals (size, |A|) from all boxes, and the probability to accept each (size,)."""
        reached, bound = self._reached.to(generator.device), self._boxes.bound.to(generator.device)
        chance = torch.rand(size, dtype=torch.float64, device=generator.device, generator=generator)
        box = torch.searchsorted(reached, chance, right=True).clamp(max=len(reached) - 1)
        scores, weight = self._boxes.propose(box, generator)
        return scores, torch.exp(weight - bound[box])

    def _estimate(self, most_draws: int) -> tuple[float, float]:
        """The probability, sum_k exp(b_k) times the mean acceptance, and its standard error."""
        generator = torch.Generator().manual_seed(0)
        draws = _FIRST_DRAWS
        hits, mean, variance = self._acceptance(draws, generator)
        while hits < _FEWEST_HITS:
            if draws >= most_draws:
                raise self._too_rare(draws, hits)
            draws = min(4 * draws, most_draws)
            hits, mean, variance = self._acceptance(draws, generator)
        # These draws tell how many suffice; the mean of fresh ones is unbiased.
        draws = min(max(math.ceil(variance / (_PRECISION * mean) ** 2), _FIRST_DRAWS), _LAST_DRAWS)
        _, mean, variance = self._acceptance(draws, generator)
        return min(1.0, self._total * mean), self._total * math.sqrt(variance / draws)

    def _acceptance(self, draws: int, generator: torch.Generator) -> tuple[int, float, float]:
        """How many proposals obey the event, and mean and variance of the probability to accept one."""
        hits, total, squares = 0, 0.0, 0.0
        for start in range(0, draws, _BATCH):
            scores, weight = self._propose(min(_BATCH, draws - start), generator)
            weight = weight * self._event(self._codes(scores))
            hits += int(weight.count_nonzero())
            total, squares = total + float(weight.sum()), squares + float(weight.square().sum())
        mean = total / draws
        return hits, mean, max(squares / draws - mean**2, 0.0)

    def _impossible(self) -> SemirayError:
        """An error that points at the smallest part of the event that can't hold."""
        condition = self._event.condition
        A = list(self._event.columns)
        R = self.prior.correlation[A][:, A]
        while parts := [part for part in condition.needed if not len(make_partition(part, self._codes, R))]:
            condition = parts[0]
        ranges = dict.fromkeys(_range(self.prior.marginal(self.prior.names[i])) for i in condition.columns)
        return self._event.problem(condition.place, f"this is impossible: under the prior {'; '.join(ranges)}")

    def _too_rare(self, draws: int, hits: int) -> SemirayError:
        most = self._total * max(hits, 3) / draws
        return SemirayError(
            f"event {self.event!r}: only {hits} of {draws:,} draws obeyed it. It is impossible, or its probability is "
            f"about {most:.1g} or less, which is too rare to sample; limit its factors by comparisons with numbers, "
            "such as duration <= 14"
        )


def _range(marginal: Marginal) -> str:
    """The possible codes of a factor in words, and where draws end if the support is unbounded."""
    said = f"{factor_of(marginal.name)} is {marginal.range}"
    if marginal.discrete or all(map(math.isfinite, marginal.support)):
        return said
    low, high = marginal.code(torch.tensor([-math.inf, math.inf])).tolist()
    return f"{said} (draws end at {low:.4g} and {high:.4g})"
