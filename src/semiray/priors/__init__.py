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
from semiray.priors.joint import JointPrior
from semiray.priors.marginal import Marginal

__all__ = [
    "FAMILIES",
    "SCORE_BOUND",
    "Between",
    "ConditionalPrior",
    "CorrelationError",
    "Event",
    "Factor",
    "Family",
    "JointPrior",
    "Marginal",
    "Parameter",
    "discrete_family",
    "nearest_correlation",
    "normal_cdf",
    "normal_score",
    "read_event",
    "register",
]
