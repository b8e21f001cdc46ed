"""Assumed distributions: factors, their joint prior, events, and grounding in tables. Pure probability, no images.

The modules are loaded when a name is first used: drawing codes needs nothing that fits a prior to a table.

Examples:
    >>> from semiray.priors import JointPrior
    >>> prior = JointPrior.default()
    >>> codes = prior.sample(100)
"""

from typing import TYPE_CHECKING

from semiray.lazy import offer

if TYPE_CHECKING:
    from semiray.priors.copula import GaussianCopula
    from semiray.priors.correlation import Between, CorrelationError, nearest_correlation
    from semiray.priors.events.conditional import ConditionalPrior
    from semiray.priors.events.language import Event, read_event
    from semiray.priors.factors import Factor, factor_of
    from semiray.priors.families.family import SCORE_BOUND, Family, Marginal, Parameter, normal_cdf, normal_score
    from semiray.priors.families.registry import FAMILIES, discrete_family, register
    from semiray.priors.grounding.fitting import FittedPrior, fit_prior
    from semiray.priors.grounding.grounds import MEASURES, Ground, read_grounds
    from semiray.priors.grounding.observations import Observations, observe
    from semiray.priors.grounding.recipes import RECIPES
    from semiray.priors.joint import JointPrior

__all__ = [
    "FAMILIES",
    "MEASURES",
    "RECIPES",
    "SCORE_BOUND",
    "Between",
    "ConditionalPrior",
    "CorrelationError",
    "Event",
    "Factor",
    "Family",
    "FittedPrior",
    "GaussianCopula",
    "Ground",
    "JointPrior",
    "Marginal",
    "Observations",
    "Parameter",
    "discrete_family",
    "factor_of",
    "fit_prior",
    "nearest_correlation",
    "normal_cdf",
    "normal_score",
    "observe",
    "read_event",
    "read_grounds",
    "register",
]

__getattr__, __dir__ = offer(
    __name__,
    {
        "copula": ("GaussianCopula",),
        "correlation": ("Between", "CorrelationError", "nearest_correlation"),
        "events.conditional": ("ConditionalPrior",),
        "events.language": ("Event", "read_event"),
        "factors": ("Factor", "factor_of"),
        "families.family": ("SCORE_BOUND", "Family", "Marginal", "Parameter", "normal_cdf", "normal_score"),
        "families.registry": ("FAMILIES", "discrete_family", "register"),
        "grounding.fitting": ("FittedPrior", "fit_prior"),
        "grounding.grounds": ("MEASURES", "Ground", "read_grounds"),
        "grounding.observations": ("Observations", "observe"),
        "grounding.recipes": ("RECIPES",),
        "joint": ("JointPrior",),
    },
)
