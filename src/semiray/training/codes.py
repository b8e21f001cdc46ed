"""Codes that are requested of images, codes that the sorter estimates from images, and the leads that the critic gets.

The one place where a discriminator's output is turned into codes: for training, encoding and evaluation alike.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from semiray.priors import JointPrior

__all__ = ["CodeEstimates", "CodeMoves", "CodeReader", "RequestedCodes"]

REACH = 1.64  # scores: from the 5 % to the 95 % quantile
STEP, SCATTER = 0.6, 0.3  # scores
FAR = 8.0  # scores: beyond the threshold of every value, however rare


class _Codes(NamedTuple):
    """Standardised codes (B, M), and the scores (B, M) that they come from."""

    codes: Tensor
    scores: Tensor

    def levels(self, discrete: Tensor) -> Tensor:
        """Scores (B, M), but codes where ``discrete`` (M,): a discrete code stands for a whole interval of scores."""
        return torch.where(discrete, self.codes, self.scores)


class RequestedCodes(_Codes):
    """The codes that generated images are to show."""


class CodeEstimates(_Codes):
    """The codes that the sorter estimates from images."""


class CodeReader:
    """Turn the sorter's scores into codes, and codes into the leads that the critic is told.

    Metadata ground the L leads in the columns `grounded`; `relaxation` is that of `JointPrior.relaxed`.
    """

    def __init__(self, prior: JointPrior, grounded: Sequence[int], relaxation: float, device: torch.device) -> None:
        self.prior, self.relaxation = prior, relaxation
        self.discrete = prior.discrete.to(device)
        self.grounded = torch.tensor(list(grounded), dtype=torch.int64).to(device)

    def estimate(self, scores: Tensor) -> CodeEstimates:
        """Estimate codes from the sorter's scores (B, M); differentiable."""
        return CodeEstimates(self.prior.relaxed(scores, self.relaxation), scores)

    def leads(self, codes: RequestedCodes | CodeEstimates) -> Tensor:
        """Select what the critic is told of grounded leads, (B, L)."""
        return codes.levels(self.discrete)[:, self.grounded].float()

    def estimated_leads(self, scores: Tensor) -> Tensor:
        """Leads (B, L) estimated from the sorter's scores (B, M); the critic's gradient doesn't reach the sorter."""
        return self.leads(self.estimate(scores.detach()))


class CodeMoves:
    """Pairs of codes that differ in one factor by a small step, anywhere between its 5 % and its 95 % quantile.

    The factor's dimensions lie close together, and half of the pairs move them in one direction, as a change of their
    lead moves them in the mean; the others move each in a direction of its own. A discrete dimension goes from one end
    to the other.
    """

    def __init__(self, prior: JointPrior) -> None:
        self.prior = prior
        self.factors = torch.zeros(len(prior.slices), prior.dimensions, dtype=torch.bool)
        for row, part in zip(self.factors, prior.slices.values(), strict=True):
            row[part] = True

    def draw(self, count: int, first: int) -> tuple[Tensor, Tensor]:
        """Standardised codes (count, M) and where they move to, of the factors `first`, `first` + 1, ... in turn."""
        scores = self.prior.sample_scores(count)
        moved = self.factors[(first + torch.arange(count)) % len(self.factors)]
        discrete = self.prior.discrete
        centre = REACH * (2 * torch.rand(count, 1) - 1) + SCATTER * torch.randn_like(scores)
        half = torch.where(discrete, FAR, STEP / 2)
        together = torch.rand(count, 1) < 0.5
        half = torch.where(together, half, half * torch.randn_like(scores).sign())
        centre = torch.where(discrete, 0.0, centre)
        ends = (torch.where(moved, end, scores) for end in (centre - half, centre + half))
        low, high = (self.prior.standardise(self.prior.codes(end)) for end in ends)
        return low, high
