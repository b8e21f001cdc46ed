"""The joint prior: named factors bound by a Gaussian copula, and the maps between scores, codes and standardised codes.

    s ~ N(0, R),   u = Phi(s),   c = F^-1(u)

The marginals F stay exact whatever R is. Maps compute in float64 and answer in float32 (or float64 if that came in), on
the device of their argument. Constants are kept once for each device and precision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.priors.correlation import (
    Between,
    CorrelationError,
    build_correlation,
    check_correlation,
    read_between,
)
from semiray.priors.factors import Factor, suggestion
from semiray.priors.families.family import SCORE_BOUND, Family
from semiray.priors.marginal import Marginal
from semiray.priors.specification import read_keys, read_yaml, write_specification
from semiray.priors.tfp.bridge import read_tfp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from semiray.priors.events.conditional import ConditionalPrior

__all__ = ["JointPrior"]

_RELAXED_BOUND = 5.0
"""Score estimates are cut here in `relaxed`: beyond +-5 lie 6e-7 of the prior, and float32 loses the tails."""


class JointPrior:
    """The joint distribution p(c) of all factors.

    Args:
        factors: in the order of the code's columns; names must differ.
        between: correlations between factors, [first, second, r] each, see `Between`.
        correlation: the full R (M, M) in place of the factors' own and `between`.
        nearest: take the nearest valid matrix where the correlations contradict one another.

    Attributes:
        factors: the factors.
        dimensions: M, the number of code dimensions.
        names: M names, "survival[0]", ...
        slices: the columns of each factor by its name.
        correlation: R (M, M), float64.
        discrete: (M,) bool.
        mean: the codes' expectation (M,), float64.
        standard_deviation: the codes' standard deviation (M,), float64.

    Raises:
        SemirayError: what is out of range, naming factor, entry and range.
        CorrelationError: R isn't positive definite; carries the nearest matrix that is.

    Example:
        >>> prior = JointPrior.default()
        >>> prior.sample(3, torch.Generator().manual_seed(0)).shape
        torch.Size([3, 20])
    """

    def __init__(
        self,
        factors: Iterable[Factor],
        *,
        between: Sequence[Between | Sequence[Any]] = (),
        correlation: Any = None,
        nearest: bool = False,
    ) -> None:
        self.factors = tuple(factors)
        _check_names(self.factors)
        self.names: tuple[str, ...] = tuple(name for factor in self.factors for name in factor.names)
        self.dimensions = len(self.names)
        self.slices: dict[str, slice] = {}
        for factor in self.factors:
            start = sum(part.stop - part.start for part in self.slices.values())
            self.slices[factor.name] = slice(start, start + factor.dimensions)
        if correlation is not None and len(between):
            raise SemirayError("prior: give the full `correlation` matrix or `between`, not both")
        self._between = read_between(between, self.factors)
        self._full = correlation is not None
        R = correlation if self._full else build_correlation(self.factors, self._between)
        try:
            self.correlation = check_correlation(R, self.names)
        except CorrelationError as error:
            if not nearest:
                raise
            self.correlation, self._full = error.nearest, True
        self.discrete = torch.tensor([f.entry.discrete for f in self.factors for _ in range(f.dimensions)])
        constants = [factor.constants() for factor in self.factors]
        entries = [factor.entry for factor in self.factors]
        self.mean = torch.cat([entry.mean(p) for entry, p in zip(entries, constants, strict=True)])
        self.standard_deviation = torch.cat(
            [entry.variance(p) for entry, p in zip(entries, constants, strict=True)]
        ).sqrt()
        self._blocks = list(zip(entries, constants, self.slices.values(), strict=True))
        self._cholesky = torch.linalg.cholesky(self.correlation)
        self._kept: dict[tuple[torch.device, torch.dtype], tuple[list[_Block], Tensor, Tensor]] = {}

    # --- written ---------------------------------------------------------------------------------------------------

    @classmethod
    def default(cls) -> JointPrior:
        """The study's prior: survival, duration, presentation, texture, five dimensions each, correlated 0.5 within."""
        square = {"low": -1.0, "high": 1.0}
        return cls(
            [
                Factor("survival", "bernoulli", parameters={"probability": 0.5}),
                Factor("duration", "exponential", parameters={"mean": 10.0}, unit="days"),
                Factor("presentation", "uniform", parameters=square),
                Factor("texture", "uniform", parameters=square),
            ]
        )

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any]) -> JointPrior:
        """The prior that a dictionary in the YAML shape describes: factors, and how they correlate."""
        return cls(**read_keys(spec))

    @classmethod
    def from_yaml(cls, path: str | Path) -> JointPrior:
        """The prior that a YAML file describes; errors name the file."""
        content = read_yaml(Path(path))
        try:
            return cls.from_dict(content)
        except CorrelationError as error:
            raise CorrelationError(f"{path}: {error}", error.nearest) from None
        except SemirayError as error:
            raise SemirayError(f"{path}: {error}") from None

    @classmethod
    def from_tfp(
        cls,
        distributions: Any,
        *,
        correlation: Mapping[str, float] | None = None,
        between: Sequence[Between | Sequence[Any]] = (),
        units: Mapping[str, str] | None = None,
    ) -> JointPrior:
        """The prior that distributions of TensorFlow Probability describe; docs/priors.md says which can be factors.

        A batch or an event of shape (d,) is a factor of d dimensions, which correlate as TFP has it: not at all, or as
        a multivariate normal. A scalar distribution says nothing of dimensions: it becomes a factor's usual five,
        correlated 0.5.

        Args:
            distributions: a mapping of names to distributions, or a `JointDistributionNamed` of independent parts.
            correlation: of the scores within a factor, by its name, in place of the above.
            between: correlations between factors, [first, second, r] each, see `Between`.
            units: the unit of a factor's codes, by its name.

        Raises:
            SemirayError: not a distribution of TFP, or none that a factor can have; names the factor.
        """
        return cls(**read_tfp(distributions, correlation=correlation, between=between, units=units))

    def to_dict(self) -> dict[str, Any]:
        """The dictionary (plain types) from which `from_dict` makes the same prior."""
        return write_specification(self.factors, self._between, self.correlation if self._full else None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JointPrior) and self.to_dict() == other.to_dict()

    def __reduce__(self) -> tuple[Any, ...]:
        # Families are functions, which can't travel to a data loader's worker process: what is written can.
        return JointPrior.from_dict, (self.to_dict(),)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        parts = (
            f"{f.name} ~ {f.family}({', '.join(f'{k}={_short(v)}' for k, v in f.parameters.items())}) x {f.dimensions}"
            for f in self.factors
        )
        return f"JointPrior({'; '.join(parts)})"

    # --- drawn -----------------------------------------------------------------------------------------------------

    def sample_scores(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw scores (n, M) ~ N(0, R), float32, on the generator's device (CPU without one)."""
        device = generator.device if generator is not None else torch.device("cpu")
        noise = torch.randn(n, self.dimensions, dtype=torch.float64, device=device, generator=generator)
        scores: Tensor = noise @ self._cholesky.to(device).T
        return scores.to(torch.float32)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw codes (n, M) in their own units, float32: `codes(sample_scores(n))`."""
        return self.codes(self.sample_scores(n, generator))

    def given(self, event: str) -> ConditionalPrior:
        """The conditional prior p(c | event), for an event such as "survival == 1 and duration <= 14".

        Raises:
            SemirayError: the event can't be read (a caret shows where), or practically never happens.
        """
        from semiray.priors.events.conditional import ConditionalPrior

        return ConditionalPrior(self, event)

    # --- mapped ----------------------------------------------------------------------------------------------------

    def codes(self, scores: Tensor) -> Tensor:
        """Codes F^-1(Phi(s)) in their own units for scores (..., M); never infinite."""
        s = self._double(scores)
        blocks, _, _ = self._constants(s)
        s = s.clamp(-SCORE_BOUND, SCORE_BOUND)
        return self._answer(torch.cat([family.from_score(s[..., part], p) for family, p, part in blocks], -1), scores)

    def scores(self, codes: Tensor) -> Tensor:
        """Scores (..., M) of codes: the inverse of `codes`.

        A discrete code is rounded to the nearest value, which gets the middle (in probability) of its interval of
        scores. Codes outside the support get the nearest possible score.
        """
        c = self._double(codes)
        blocks, _, _ = self._constants(c)
        return self._answer(torch.cat([family.to_score(c[..., part], p) for family, p, part in blocks], -1), codes)

    def standardise(self, codes: Tensor) -> Tensor:
        """Codes (..., M) shifted and scaled to mean 0 and variance 1 under the prior."""
        c = self._double(codes)
        _, mean, deviation = self._constants(c)
        return self._answer((c - mean) / deviation, codes)

    def unstandardise(self, x: Tensor) -> Tensor:
        """The inverse of `standardise`."""
        double = self._double(x)
        _, mean, deviation = self._constants(double)
        return self._answer(mean + deviation * double, x)

    def relaxed(self, scores: Tensor, sharpness: float = 4.0) -> Tensor:
        """Standardised codes (..., M) of score estimates, differentiable everywhere: for the training step.

        Continuous factors: `standardise(codes(s))`, to float32 rounding. Discrete factors: smoothed thresholds,
        v_0 + sum_k (v_k - v_{k-1}) Phi(sharpness (s - t_k)), standardised. Scores are cut at +-5, and the gradient
        beyond is that at the cut, so that a continuous estimate that went astray is still drawn back. Computes in the
        scores' own precision, at least float32.

        Args:
            scores: (..., M).
            sharpness: the greater, the nearer to the true thresholds, and the narrower the band with a useful gradient
                (at 4, a score 1.5 from a threshold passes on 1e-8 of the error).
        """
        s = scores if scores.dtype in (torch.float32, torch.float64) else scores.to(torch.float32)
        blocks, mean, deviation = self._constants(s)
        s = s.clamp(-1e4, 1e4)  # an infinite estimate must not turn into inf - inf below
        s = s + (s.clamp(-_RELAXED_BOUND, _RELAXED_BOUND) - s).detach()
        codes = torch.cat([family.relaxed(s[..., part], p, sharpness) for family, p, part in blocks], -1)
        return (codes - mean) / deviation

    def log_prob(self, codes: Tensor) -> Tensor:
        """Joint log density (...,) of codes (..., M), float64; -inf outside the support.

        log p(c) = sum_i log f_i(c_i) - (s^T (R^-1 - I) s + log det R) / 2, with s the scores of c.

        Raises:
            SemirayError: a factor is discrete, so that no joint density exists; names it.
        """
        for factor in self.factors:
            if factor.entry.discrete:
                raise SemirayError(
                    f"log_prob: factor {factor.name!r} is discrete ({factor.family}), so that the codes have no joint "
                    "density; use a prior of continuous factors, or marginal(name).log_prob for one dimension"
                )
        c = self._double(codes)
        blocks, _, _ = self._constants(c)
        s = torch.cat([family.to_score(c[..., part], p) for family, p, part in blocks], -1)
        marginal = torch.cat([family.log_prob(c[..., part], p) for family, p, part in blocks], -1).sum(-1)
        L = self._cholesky.to(c.device)
        white = torch.linalg.solve_triangular(L, s.unsqueeze(-1), upper=False).squeeze(-1)
        copula = -0.5 * (white.square().sum(-1) - s.square().sum(-1)) - L.diagonal().log().sum()
        joint: Tensor = marginal + copula
        return joint.to(codes.device)

    # --- looked at -------------------------------------------------------------------------------------------------

    def index(self, name: str) -> int:
        """The column of a dimension: of the lead for "duration", of dimension 3 for "duration[3]".

        Raises:
            SemirayError: no such dimension.
        """
        if name in self.slices:
            return int(self.slices[name].start)
        if name in self.names:
            return self.names.index(name)
        factor = name.split("[")[0]
        if factor in self.slices:
            part = self.slices[factor]
            raise SemirayError(
                f"{name!r}: {factor} has dimensions {factor}[0] to {factor}[{part.stop - part.start - 1}]"
            )
        raise SemirayError(
            f"no factor {name!r}{suggestion(factor, self.slices)}; the factors are {', '.join(self.slices)}"
        )

    def marginal(self, name: str) -> Marginal:
        """The distribution of one dimension: of the lead for "duration", of dimension 3 for "duration[3]"."""
        column = self.index(name)
        for factor, (family, constants, part) in zip(self.factors, self._blocks, strict=True):
            if part.start <= column < part.stop:
                row = slice(column - part.start, column - part.start + 1)
                return Marginal(self.names[column], factor.unit, family, {k: v[row] for k, v in constants.items()})
        raise AssertionError("every column belongs to a factor")

    def quantile(self, name: str, u: Tensor) -> Tensor:
        """Codes at probabilities u in [0, 1], any shape, of one dimension: "duration" (its lead) or "duration[3]"."""
        return self._answer(self.marginal(name).quantile(u), u)

    def plot(
        self,
        kind: str = "pairs",
        names: Sequence[str] | None = None,
        *,
        draws: int = 20_000,
        seed: int = 0,
        event: str | None = None,
    ) -> Figure:
        """A figure of the prior: "marginals" (one panel a factor) or "pairs" (a grid); see `semiray.priors.figures`."""
        from semiray.priors import figures  # matplotlib is slow to import, and training needs none of it

        if kind not in ("marginals", "pairs"):
            raise SemirayError(f"plot: unknown kind {kind!r}; choose marginals or pairs")
        draw = figures.plot_marginals if kind == "marginals" else figures.plot_pairs
        return draw(self, names, draws=draws, seed=seed, event=event)

    # --- precision and device --------------------------------------------------------------------------------------

    def _double(self, x: Tensor) -> Tensor:
        if x.shape[-1:] != (self.dimensions,):
            raise SemirayError(
                f"expected {self.dimensions} columns, one a code dimension, but got shape {tuple(x.shape)}"
            )
        x = x.cpu() if x.device.type == "mps" else x  # Apple's GPUs know no float64
        return x.to(torch.float64)

    @staticmethod
    def _answer(result: Tensor, asked: Tensor) -> Tensor:
        return result.to(asked.device, torch.float64 if asked.dtype == torch.float64 else torch.float32)

    def _constants(self, like: Tensor) -> tuple[list[_Block], Tensor, Tensor]:
        key = (like.device, like.dtype)
        if key not in self._kept:
            blocks = [(f, {k: v.to(*key) for k, v in p.items()}, part) for f, p, part in self._blocks]
            self._kept[key] = (blocks, self.mean.to(*key), self.standard_deviation.to(*key))
        return self._kept[key]


_Block = tuple[Family, dict[str, Tensor], slice]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _check_names(factors: Sequence[Factor]) -> None:
    if not factors:
        raise SemirayError("a prior needs at least one factor")
    seen: set[str] = set()
    for factor in factors:
        if factor.name in seen:
            raise SemirayError(f"factor {factor.name!r} is given twice; names must differ")
        seen.add(factor.name)
