"""Assumed distributions: factors, their joint prior, events, and grounding in tables. Pure probability, no images.

Examples:
    >>> from semiray.priors import JointPrior
    >>> prior = JointPrior.default()
    >>> codes = prior.sample(100)
"""

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
