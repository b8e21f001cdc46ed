"""Codes that are requested of images, codes that the sorter estimates from images, and the leads that the critic gets.

The one place where a discriminator's output is turned into codes: for training, encoding and evaluation alike.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from semiray.priors import JointPrior

__all__ = ["CodeEstimates", "CodeReader", "RequestedCodes"]


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
