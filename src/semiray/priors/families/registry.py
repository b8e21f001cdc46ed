"""All families by name, and how to add one."""

from __future__ import annotations

from semiray.errors import SemirayError
from semiray.priors.families.continuous import EXPONENTIAL, LOGNORMAL, NORMAL, UNIFORM, WEIBULL
from semiray.priors.families.discrete import BERNOULLI, CATEGORICAL
from semiray.priors.families.family import Family
from semiray.priors.families.tabulated import TABULATED

__all__ = ["FAMILIES", "register"]

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (BERNOULLI, CATEGORICAL, EXPONENTIAL, LOGNORMAL, NORMAL, TABULATED, UNIFORM, WEIBULL)
}
"""All families by name."""


def register(family: Family) -> Family:
    """Add a family, so that YAML files and `Factor` can name it.

    Raises:
        SemirayError: the name is taken.
    """
    if family.name in FAMILIES:
        raise SemirayError(f"family {family.name!r} exists already; give the new one another name")
    FAMILIES[family.name] = family
    return family
