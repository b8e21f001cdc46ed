"""The conditional prior p(c | event): what "600 survivors treated within 14 days" means.

Drawn by rejection in batches, on those dimensions only that the event speaks of; the others follow from the
conditional normal distribution of their scores given the accepted ones:

    s_B | s_A ~ N(R_BA R_AA^-1 s_A,  R_BB - R_BA R_AA^-1 R_AB).

That is exact. A cleverer sampler of the accepted scores takes the place of `_accepted` and leaves the rest as it is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.events import read_event

if TYPE_CHECKING:
    from semiray.priors.joint import JointPrior

__all__ = ["MOST_DRAWS", "ConditionalPrior"]

MOST_DRAWS = 1 << 22
"""Draws after which an event that did not happen is taken for impossible."""

_BATCH = 1 << 17
_HITS = 2_000
"""Accepted draws after which the event's probability is known well enough: a relative error of 2 %."""


class ConditionalPrior:
    """The joint prior given an event.

    Args:
        prior: the joint prior.
        event: a statement about its codes, such as "survival == 1 and duration <= 14"; see `semiray.priors.events`.
        draws: the most draws to spend on estimating the probability, and at least so many on sampling.

    Attributes:
        event: the event as text.
        probability: its probability under the prior, estimated with a seed of its own, so that it is always the same.
        probability_error: the standard error of that estimate.

    Raises:
        SemirayError: the event can't be read, or didn't happen in `draws` draws; names it.

    Example:
        >>> survivors = JointPrior.default().given("survival == 1 and duration <= 14")
        >>> codes = survivors.sample(600, torch.Generator().manual_seed(7))
    """

    def __init__(self, prior: JointPrior, event: str, *, draws: int = MOST_DRAWS) -> None:
        self.prior = prior
        self._event = read_event(event, prior.slices, prior.discrete)
        self.event = self._event.text
        R, A = prior.correlation, list(self._event.columns)
        B = [i for i in range(prior.dimensions) if i not in self._event.columns]
        self._marginals = {i: prior.marginal(prior.names[i]) for i in A}
        self._order = torch.tensor([*A, *B]).argsort()
        L = torch.linalg.cholesky(R[A + B][:, A + B])  # its blocks are the conditional distribution above
        self._seen, self._rest_mean, self._rest = L[: len(A), : len(A)], L[len(A) :, : len(A)], L[len(A) :, len(A) :]
        self.probability, self.probability_error = self._estimate(draws)
        self._draws = draws

    def __repr__(self) -> str:
        return f"ConditionalPrior({self.event!r}, probability={self.probability:.4g} +- {self.probability_error:.1g})"

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw codes (n, M) in their own units, float32, every one of which obeys the event."""
        return self.prior.codes(self.sample_scores(n, generator))

    def sample_scores(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw scores (n, M), float32, whose codes obey the event.

        Raises:
            SemirayError: the bounded number of draws didn't suffice.
        """
        white, seen = self._accepted(n, generator)
        device = white.device
        rest = torch.randn(n, len(self._rest), dtype=torch.float64, device=device, generator=generator)
        unseen = white @ self._rest_mean.to(device).T + rest @ self._rest.to(device).T
        return torch.cat([seen, unseen.to(torch.float32)], -1)[:, self._order.to(device)]

    def _accepted(self, n: int, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Proposals kept where the event holds: standard normal draws and the scores that they make, (n, |A|) each."""
        most = max(self._draws, math.ceil(10 * (n + 10) / self.probability))
        kept: list[tuple[Tensor, Tensor]] = []
        spent, count = 0, 0
        while not kept or count < n:
            if spent >= most:
                raise SemirayError(
                    f"event {self.event!r}: only {count} of {n} samples in {spent:,} draws (its probability is "
                    f"about {self.probability:.2g}); ask for fewer, or for a likelier event"
                )
            size = min(_BATCH, math.ceil(1.2 * (n - count + 10) / self.probability))
            white, scores, holds = self._propose(size, generator)
            kept.append((white[holds], scores[holds]))
            spent, count = spent + size, count + int(holds.sum())
        white, scores = (torch.cat(parts)[:n] for parts in zip(*kept, strict=True))
        return white, scores

    def _propose(self, size: int, generator: torch.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
        """Standard normal draws, their scores (size, |A|), and whether the event holds for the codes as handed out."""
        device = generator.device if generator is not None else torch.device("cpu")
        white = torch.randn(size, len(self._seen), dtype=torch.float64, device=device, generator=generator)
        scores = (white @ self._seen.to(device).T).to(torch.float32)
        codes = torch.zeros(size, self.prior.dimensions, device=device)  # other columns stay 0: the event ignores them
        for i, (column, marginal) in enumerate(self._marginals.items()):
            codes[:, column] = marginal.code(scores[:, i]).to(torch.float32)
        return white, scores, self._event(codes)

    def _estimate(self, draws: int) -> tuple[float, float]:
        generator = torch.Generator().manual_seed(0)
        spent, hits = 0, 0
        while spent < draws and hits < _HITS:
            size = min(_BATCH, draws - spent)
            _, _, holds = self._propose(size, generator)
            spent, hits = spent + size, hits + int(holds.sum())
        if hits == 0:
            ranges = "; ".join(f"{name} is {self.prior.marginal(name).range}" for name in self._event.factors)
            raise SemirayError(
                f"event {self.event!r} did not happen once in {spent:,} draws: it is impossible, or its probability is "
                f"below {3 / spent:.1g}. Under this prior {ranges}"
            )
        probability = hits / spent
        return probability, math.sqrt(probability * (1 - probability) / spent)
