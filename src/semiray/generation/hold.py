"""Codes held at values, whatever the prior draws: the patients stay, and what is held is set, as by a slider."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.priors import JointPrior

__all__ = ["check_hold", "hold_codes", "parse_hold"]

_FAR = 1e-6  # relative; how far a value may lie from one of a discrete factor's


def parse_hold(words: Sequence[str]) -> dict[str, float]:
    """Read ``"duration=14"`` and ``"texture[2]=0.3"``.

    Raises:
        SemirayError: A word of another form, or a name given twice.

    Examples:
        >>> parse_hold(["duration=14", "texture[2]=0.3"])
        {'duration': 14.0, 'texture[2]': 0.3}
    """
    held: dict[str, float] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip()
        try:
            number = float(value) if equals else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise SemirayError(f"hold {shortened(word)}: write FACTOR=VALUE, such as duration=14 or 'texture[2]=0.3'.")
        if name in held:
            raise SemirayError(f"hold {shortened(word)}: {name} is held twice.")
        held[name] = number
    return held


def check_hold(prior: JointPrior, hold: Mapping[str, float]) -> dict[str, float]:
    """The same with factors before single dimensions, which overrule them.

    Raises:
        SemirayError: An unknown name, or a value that the prior can't draw.
    """
    for name, value in hold.items():
        marginal = prior.marginal(name)  # an error names the factors
        if marginal.discrete:
            fits = any(math.isclose(value, known, rel_tol=_FAR, abs_tol=_FAR) for known in marginal.values)
            wanted = marginal.range
        else:
            low, high = marginal.code(torch.tensor([-math.inf, math.inf])).tolist()
            fits, wanted = low <= value <= high, f"{low:.4g} to {high:.4g}{f' {marginal.unit}' * bool(marginal.unit)}"
        if not fits:
            raise SemirayError(f"hold {name} = {shortened(value)}: {name} is {wanted}.")
    return dict(sorted(hold.items(), key=lambda item: item[0] not in prior.slices))


def hold_codes(prior: JointPrior, codes: Tensor, hold: Mapping[str, float]) -> Tensor:
    """Codes (..., M) with some of them set.

    A factor's name sets its lead, and every companion to the same quantile (of a discrete factor, to the value of the
    same number), as a traversal moves them; a dimension such as ``"duration[3]"`` is set alone, and overrules its
    factor.

    Args:
        prior: The run's prior.
        codes: (..., M) in the factors' own units; not changed.
        hold: Names and values in the factors' own units.

    Raises:
        SemirayError: As `check_hold`.

    Examples:
        >>> from semiray.priors import JointPrior
        >>> prior = JointPrior.default()
        >>> hold_codes(prior, torch.zeros(20), {"duration": 14, "duration[4]": 1})[5:10]
        tensor([14., 14., 14., 14.,  1.])
    """
    held = codes.clone()
    for name, value in check_hold(prior, hold).items():
        lead = prior.index(name)
        held[..., lead] = value
        if name in prior.slices:
            for column in range(lead + 1, prior.slices[name].stop):
                held[..., column] = _companion(prior, prior.names[lead], prior.names[column], value)
    return held


def _companion(prior: JointPrior, lead: str, companion: str, value: float) -> float:
    """The companion's value where its lead has this one."""
    first, other = prior.marginal(lead), prior.marginal(companion)
    if first.constants.keys() == other.constants.keys() and all(
        torch.equal(first.constants[key], other.constants[key]) for key in first.constants
    ):
        return value  # exactly
    if first.discrete:
        place = min(range(len(first.values)), key=lambda j: abs(first.values[j] - value))
        return other.values[round(place / max(1, len(first.values) - 1) * (len(other.values) - 1))]
    score = first.family.to_score(torch.tensor([value], dtype=torch.float64), first.constants)
    return float(other.code(score[0]))
