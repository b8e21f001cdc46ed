"""The Gaussian copula of named factors: scores, codes, standardised codes, and the maps between them.

    s ~ N(0, R),   u = Phi(s),   c = F^-1(u)

Every marginal F is exact for any R (Nelsen 2006, An Introduction to Copulas, section 2.3). Maps compute in float64 and
return float32 (float64 for float64 input) on the device of their argument; their constants are cached per device and
precision.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.correlation import check_correlation
from semiray.priors.factors import Factor, factor_columns, factor_of
from semiray.priors.families.family import SCORE_BOUND, Family, Marginal
from semiray.suggestions import unknown

__all__ = ["GaussianCopula"]

_RELAXED_BOUND = 5.0  # `relaxed` cuts scores here: 6e-7 of the prior lies beyond, where float32 has no digits
_Block = tuple[Family, dict[str, Tensor], slice]


class GaussianCopula:
    """The joint distribution of all code dimensions: a marginal for each, and the correlation R of their scores.

    Args:
        factors: in the order of the code's columns; names must differ.
        correlation: R (M, M), positive definite.

    Attributes:
        factors: the factors.
        dimensions: M, the number of code dimensions.
        names: M names, "survival[0]", ...
        slices: the columns of each factor by its name.
        correlation: R (M, M), float64.
        discrete: (M,) bool.
        mean: expectation of the codes (M,), float64.
        standard_deviation: standard deviation of the codes (M,), float64.

    Raises:
        SemirayError: no factor, a name given twice, or an entry of R out of range.
        CorrelationError: R is not positive definite.

    Examples:
        >>> from semiray.priors import Factor
        >>> copula = GaussianCopula([Factor("duration", "exponential", 2, {"mean": 10.0})], torch.eye(2))
        >>> copula.codes(torch.zeros(2))
        tensor([6.9315, 6.9315])
    """

    def __init__(self, factors: Iterable[Factor], correlation: Any) -> None:
        self.factors = tuple(factors)
        self.slices = factor_columns(self.factors)
        self.names: tuple[str, ...] = tuple(name for factor in self.factors for name in factor.names)
        self.dimensions = len(self.names)
        self.correlation = check_correlation(correlation, self.names)
        self.discrete = torch.tensor([f.entry.discrete for f in self.factors for _ in range(f.dimensions)])
        self._blocks: list[_Block] = [(f.entry, f.constants(), self.slices[f.name]) for f in self.factors]
        self.mean = torch.cat([family.mean(p) for family, p, _ in self._blocks])
        self.standard_deviation = torch.cat([family.variance(p) for family, p, _ in self._blocks]).sqrt()
        self._cholesky = torch.linalg.cholesky(self.correlation)
        self._cache: dict[tuple[torch.device, torch.dtype], tuple[list[_Block], Tensor, Tensor]] = {}

    def sample_scores(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw scores (n, M) ~ N(0, R), float32, on the generator's device (CPU without one)."""
        device = generator.device if generator is not None else torch.device("cpu")
        noise = torch.randn(n, self.dimensions, dtype=torch.float64, device=device, generator=generator)
        scores: Tensor = noise @ self._cholesky.to(device).T
        return scores.to(torch.float32)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw codes (n, M) in their own units, float32: `codes(sample_scores(n))`.

        Examples:
            >>> from semiray.priors import JointPrior
            >>> JointPrior.default().sample(3, torch.Generator().manual_seed(0)).shape
            torch.Size([3, 20])
        """
        return self.codes(self.sample_scores(n, generator))

    def codes(self, scores: Tensor) -> Tensor:
        """Codes F^-1(Phi(s)) (..., M) in their own units for scores (..., M); never infinite."""
        s = self._double(scores)
        blocks, _, _ = self._constants(s)
        s = s.clamp(-SCORE_BOUND, SCORE_BOUND)
        return _like(torch.cat([family.from_score(s[..., part], p) for family, p, part in blocks], -1), scores)

    def scores(self, codes: Tensor) -> Tensor:
        """Scores (..., M) of codes (..., M): the inverse of `codes`.

        A discrete code is rounded to the nearest value; its score is the middle, in probability, of that value's
        interval of scores. Codes outside the support get the nearest possible score.
        """
        c = self._double(codes)
        blocks, _, _ = self._constants(c)
        return _like(torch.cat([family.to_score(c[..., part], p) for family, p, part in blocks], -1), codes)

    def standardise(self, codes: Tensor) -> Tensor:
        """Codes (..., M), shifted and scaled to mean 0 and variance 1 under the prior."""
        c = self._double(codes)
        _, mean, deviation = self._constants(c)
        return _like((c - mean) / deviation, codes)

    def unstandardise(self, x: Tensor) -> Tensor:
        """The inverse of `standardise`."""
        double = self._double(x)
        _, mean, deviation = self._constants(double)
        return _like(mean + deviation * double, x)

    def relaxed(self, scores: Tensor, sharpness: float = 4.0) -> Tensor:
        """Standardised codes (..., M) of score estimates, differentiable everywhere: for training.

        Continuous factors: `standardise(codes(s))`, up to float32 rounding. Discrete factors: smoothed thresholds.
        Scores are cut at +-5; beyond, the gradient is the one at the cut, so an estimate far out is still pulled back.
        Computes in the precision of the scores, at least float32.

        Args:
            scores: (..., M).
            sharpness: larger values are closer to the true thresholds, but have a useful gradient in a narrower band
                (at 4, a score 1.5 away from a threshold passes on 1e-8 of the error).
        """
        s = scores if scores.dtype in (torch.float32, torch.float64) else scores.to(torch.float32)
        blocks, mean, deviation = self._constants(s)
        s = s.clamp(-1e4, 1e4)  # an infinite estimate must not become inf - inf below
        s = s + (s.clamp(-_RELAXED_BOUND, _RELAXED_BOUND) - s).detach()
        codes = torch.cat([family.relaxed(s[..., part], p, sharpness) for family, p, part in blocks], -1)
        return (codes - mean) / deviation

    def log_prob(self, codes: Tensor) -> Tensor:
        """Joint log density (...,) of codes (..., M), float64; -inf outside the support.

        Raises:
            SemirayError: a factor is discrete, so there is no joint density; names the factor.
        """
        for factor in self.factors:
            if factor.entry.discrete:
                raise SemirayError(
                    f"log_prob: factor {factor.name!r} is discrete ({factor.family}), so the codes have no joint "
                    "density; use a prior of continuous factors, or marginal(name).log_prob for one dimension"
                )
        c = self._double(codes)
        blocks, _, _ = self._constants(c)
        s = self.scores(c)
        marginal = torch.cat([family.log_prob(c[..., part], p) for family, p, part in blocks], -1).sum(-1)
        L = self._cholesky.to(c.device)
        white = torch.linalg.solve_triangular(L, s.unsqueeze(-1), upper=False).squeeze(-1)
        copula = -0.5 * (white.square().sum(-1) - s.square().sum(-1)) - L.diagonal().log().sum()
        joint: Tensor = marginal + copula
        return joint.to(codes.device)

    def index(self, name: str) -> int:
        """The column of a dimension: "duration" is the factor's lead, "duration[3]" its dimension 3.

        Raises:
            SemirayError: there is no such dimension.

        Examples:
            >>> from semiray.priors import JointPrior
            >>> JointPrior.default().index("duration"), JointPrior.default().index("duration[3]")
            (5, 8)
        """
        if name in self.slices:
            return int(self.slices[name].start)
        if name in self.names:
            return self.names.index(name)
        factor = factor_of(name)
        if factor in self.slices:
            part = self.slices[factor]
            raise SemirayError(
                f"{name!r}: {factor} has dimensions {factor}[0] to {factor}[{part.stop - part.start - 1}]"
            )
        raise SemirayError(unknown("factor", name, self.slices))

    def marginal(self, name: str) -> Marginal:
        """The distribution of one dimension: "duration" is the factor's lead, "duration[3]" its dimension 3.

        Examples:
            >>> from semiray.priors import JointPrior
            >>> JointPrior.default().marginal("duration").range
            '0 days or more'
        """
        column = self.index(name)
        unit, (family, constants, part) = next(
            (f.unit, block) for f, block in zip(self.factors, self._blocks, strict=True) if f.name == factor_of(name)
        )
        row = slice(column - part.start, column - part.start + 1)
        return Marginal(self.names[column], unit, family, {k: v[row] for k, v in constants.items()})

    def quantile(self, name: str, u: Tensor) -> Tensor:
        """Codes of one dimension, "duration" (its lead) or "duration[3]", at probabilities u in [0, 1] of any shape."""
        return _like(self.marginal(name).quantile(u), u)

    def _double(self, x: Tensor) -> Tensor:
        if x.shape[-1:] != (self.dimensions,):
            raise SemirayError(
                f"expected {self.dimensions} columns, one per code dimension, but got shape {tuple(x.shape)}"
            )
        x = x.cpu() if x.device.type == "mps" else x  # Apple's GPUs have no float64
        return x.to(torch.float64)

    def _constants(self, like: Tensor) -> tuple[list[_Block], Tensor, Tensor]:
        """The families' constants, mean and standard deviation, on the device and in the precision of a tensor."""
        key = (like.device, like.dtype)
        if key not in self._cache:
            blocks = [(f, {k: v.to(*key) for k, v in p.items()}, part) for f, p, part in self._blocks]
            self._cache[key] = (blocks, self.mean.to(*key), self.standard_deviation.to(*key))
        return self._cache[key]


def _like(result: Tensor, argument: Tensor) -> Tensor:
    """The result on the device of the argument, in float64 if the argument is, else in float32."""
    return result.to(argument.device, torch.float64 if argument.dtype == torch.float64 else torch.float32)
