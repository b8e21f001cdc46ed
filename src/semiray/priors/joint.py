"""The joint prior p(c): the copula of all factors, with events, files and figures on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from semiray.errors import SemirayError
from semiray.files import user_path
from semiray.priors.copula import GaussianCopula
from semiray.priors.correlation import Between, CorrelationError, build_correlation, read_between
from semiray.priors.events.conditional import ConditionalPrior
from semiray.priors.factors import Factor
from semiray.priors.specification import read_keys, read_specification, write_specification
from semiray.priors.tfp.bridge import read_tfp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["JointPrior"]


class JointPrior(GaussianCopula):
    """The joint distribution p(c) of all factors. Its maps and attributes are those of `GaussianCopula`.

    Args:
        factors: in the order of the code's columns; names must differ.
        between: correlations between factors, [first, second, r] each, see `Between`.
        correlation: the full R (M, M) in place of the factors' own correlations and `between`.
        nearest: use the nearest valid matrix if the correlations contradict one another.

    Raises:
        SemirayError: a value is out of range; names factor, entry and range.
        CorrelationError: R is not positive definite; the error carries the nearest matrix that is.

    Examples:
        >>> JointPrior.default().names[5]
        'duration[0]'
    """

    def __init__(
        self,
        factors: Iterable[Factor],
        *,
        between: Sequence[Between | Sequence[Any]] = (),
        correlation: Any = None,
        nearest: bool = False,
    ) -> None:
        factors = tuple(factors)
        if correlation is not None and len(between):
            raise SemirayError("prior: give the full `correlation` matrix or `between`, not both")
        self._between = read_between(between, factors)
        self._full = correlation is not None
        R = correlation if self._full else build_correlation(factors, self._between)
        try:
            super().__init__(factors, R)
        except CorrelationError as error:
            if not nearest:
                raise
            super().__init__(factors, error.nearest)
            self._full = True

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
        """The prior that a dictionary in the shape of the YAML file describes.

        Raises:
            SemirayError: a misspelt key, or a value out of range; names factor, entry and range.

        Examples:
            >>> JointPrior.from_dict({"factors": {"dose": {"family": "lognormal", "median": 3, "sigma": 0.5}}})
            JointPrior(dose ~ lognormal(median=3.0, sigma=0.5) x 5)
        """
        return cls(**read_keys(spec))

    @classmethod
    def from_yaml(cls, path: str | Path) -> JointPrior:
        """The prior that a YAML file describes; a leading ~ of its path is the home folder.

        Raises:
            SemirayError: the file can't be read, or describes no prior; names the file.
        """
        path = user_path(path)
        content = read_specification(path)
        try:
            return cls.from_dict(content)
        except SemirayError as error:
            error.args = (f"{path}: {error}",)
            raise

    @classmethod
    def from_tfp(
        cls,
        distributions: Any,
        *,
        correlation: Mapping[str, float] | None = None,
        between: Sequence[Between | Sequence[Any]] = (),
        units: Mapping[str, str] | None = None,
    ) -> JointPrior:
        """The prior that distributions of TensorFlow Probability describe; docs/priors.md lists what can be a factor.

        A batch or event shape (d,) is a factor of d dimensions, which correlate as in TFP: not at all, or as a
        multivariate normal. A scalar distribution becomes a factor of five dimensions, correlated 0.5.

        Args:
            distributions: a mapping of names to distributions, or a `JointDistributionNamed` of independent parts.
            correlation: correlation of the scores within a factor, by its name, in place of the above.
            between: correlations between factors, [first, second, r] each, see `Between`.
            units: the unit of a factor's codes, by its name.

        Raises:
            SemirayError: not a distribution of TFP, or one that can't be a factor; names the factor.
        """
        return cls(**read_tfp(distributions, correlation=correlation, between=between, units=units))

    def to_dict(self) -> dict[str, Any]:
        """The dictionary (plain types) from which `from_dict` makes the same prior."""
        return write_specification(self.factors, self._between, self.correlation if self._full else None)

    def to_yaml(self) -> str:
        """The prior as the YAML that `from_yaml` reads.

        Examples:
            >>> print(JointPrior([Factor("x", "uniform", 1, {"low": 0, "high": 1})]).to_yaml())
            factors:
              x: {family: uniform, low: 0.0, high: 1.0, dimensions: 1, correlation: 0.5}
            <BLANKLINE>
        """
        text: str = yaml.safe_dump(self.to_dict(), sort_keys=False, default_flow_style=None, allow_unicode=True)
        return text

    def given(self, event: str) -> ConditionalPrior:
        """The conditional prior p(c | event), for an event such as "survival == 1 and duration <= 14".

        Raises:
            SemirayError: the event can't be read (a caret shows where), or is impossible or too rare to sample.

        Examples:
            >>> JointPrior.default().given("survival == 1 and duration <= 14")
            ConditionalPrior('survival == 1 and duration <= 14', probability=0.3767 +- 0)
        """
        return ConditionalPrior(self, event)

    def plot(self, kind: str = "pairs", names: Sequence[str] | None = None) -> Figure:
        """A figure of the prior and of draws from it.

        Args:
            kind: "marginals" (one panel per factor) or "pairs" (a grid).
            names: dimensions such as "duration" or "duration[3]", chosen automatically unless given.
        """
        from semiray.priors import figures  # matplotlib is slow to import, and training does not need it

        if kind not in ("marginals", "pairs"):
            raise SemirayError(f"plot: unknown kind {kind!r}; choose marginals or pairs")
        return (figures.plot_marginals if kind == "marginals" else figures.plot_pairs)(self, names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JointPrior) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        # A family consists of functions, which can't be sent to a data loader's worker process; a dictionary can.
        return JointPrior.from_dict, (self.to_dict(),)

    def __repr__(self) -> str:
        return f"JointPrior({'; '.join(factor.text for factor in self.factors)})"

    def _repr_html_(self) -> str:
        from semiray.priors.figures import prior_html  # imports matplotlib

        return prior_html(self)
