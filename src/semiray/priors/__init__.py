"""What is assumed: factors, their joint prior, events. Pure probability: knows no image.

Example:
    >>> from semiray.priors import JointPrior
    >>> prior = JointPrior.default()
    >>> codes = prior.sample(100)
"""

from semiray.priors.correlation import Between, CorrelationError, nearest_correlation
from semiray.priors.factors import Factor
from semiray.priors.families import FAMILIES, Family, Parameter, discrete_family, register
from semiray.priors.joint import JointPrior
from semiray.priors.marginal import Marginal

__all__ = [
    "FAMILIES",
    "Between",
    "CorrelationError",
    "Factor",
    "Family",
    "JointPrior",
    "Marginal",
    "Parameter",
    "discrete_family",
    "nearest_correlation",
    "register",
]
