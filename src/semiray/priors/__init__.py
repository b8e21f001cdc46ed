"""What is assumed: factors, their joint prior, events. Pure probability: knows no image.

Example:
    >>> from semiray.priors import JointPrior
    >>> prior = JointPrior.default()
    >>> codes = prior.sample(100)
"""

from semiray.priors.conditional import ConditionalPrior
from semiray.priors.correlation import Between, CorrelationError, nearest_correlation
from semiray.priors.discrete import discrete_family
from semiray.priors.events import Event, read_event
from semiray.priors.factors import Factor
from semiray.priors.families import FAMILIES, register
from semiray.priors.family import SCORE_BOUND, Family, Parameter, normal_cdf, normal_score
from semiray.priors.fitting import FittedPrior, fit_prior
from semiray.priors.grounds import Ground, read_grounds
from semiray.priors.joint import JointPrior
from semiray.priors.marginal import Marginal
from semiray.priors.observations import Observations, observe
from semiray.priors.recipes import RECIPES

__all__ = [
    "FAMILIES",
    "RECIPES",
    "SCORE_BOUND",
    "Between",
    "ConditionalPrior",
    "CorrelationError",
    "Event",
    "Factor",
    "Family",
    "FittedPrior",
    "Ground",
    "JointPrior",
    "Marginal",
    "Observations",
    "Parameter",
    "discrete_family",
    "fit_prior",
    "nearest_correlation",
    "normal_cdf",
    "normal_score",
    "observe",
    "read_event",
    "read_grounds",
    "register",
]
