"""Findings as factors: a Bernoulli factor of one dimension each, its rate and its correlations those of the images.

A patient counts once, whatever the number of images. Correlations are tetrachoric, two findings at a time; where pairs
contradict one another, the nearest valid matrix is taken.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.priors.correlation import nearest_correlation
from semiray.priors.factors import RESERVED_NAMES
from semiray.priors.grounding.observations import Observations
from semiray.priors.joint import JointPrior

__all__ = ["FEWEST", "Finding", "FindingFactors", "factor_name", "take_findings"]

FEWEST = 10
"""Patients that must have a finding, and lack it, for it to become a factor."""

_FLOOR = 0.02  # smallest eigenvalue left to the correlations, as for those that are fitted to a table
_SAID = 5  # correlations
_LONGEST = 52  # characters of a name, so that a number fits behind it


@dataclass(frozen=True)
class Finding:
    """A finding, and what some images say of it.

    Attributes:
        name: as the data call it.
        factor: the name of its factor, for events.
        observations: 1, 0 or NaN of N images, patients weighted.
        have: patients with an image that has it.
        lack: patients with an image that lacks it.
        rate: share of the observed patients that have it.
    """

    name: str
    factor: str
    observations: Observations
    have: int
    lack: int
    rate: float

    @property
    def rare(self) -> bool:
        """Whether too few patients have it, or lack it."""
        return min(self.have, self.lack) < FEWEST


@dataclass(frozen=True)
class FindingFactors:
    """A prior with the factors of findings.

    Attributes:
        prior: the assumed factors, then a factor for each finding.
        rules: finding factor -> what grounds it, as under `ground` in settings.
        left_out: findings that too few patients have, or lack.
        lines: what was taken, in words.
    """

    prior: JointPrior
    rules: Mapping[str, Mapping[str, str]]
    left_out: tuple[Finding, ...]
    lines: tuple[str, ...]


def factor_name(finding: str, taken: Collection[str] = ()) -> str:
    """A finding's name as that of a factor: other characters than letters and digits become an underscore.

    Args:
        finding: any text.
        taken: names that other factors have; a number makes it differ.

    Examples:
        >>> factor_name("Pleural Effusion"), factor_name("Épanchement (gauche)"), factor_name("1st rib")
        ('Pleural_Effusion', 'Epanchement_gauche', 'finding_1st_rib')
    """
    plain = unicodedata.normalize("NFKD", finding).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain)[:_LONGEST].strip("_")
    if not name.isidentifier() or keyword.iskeyword(name) or name in RESERVED_NAMES:
        name = f"finding_{name}".rstrip("_")[:_LONGEST]
    numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def take_findings(
    names: Sequence[str],
    values: NDArray[np.float32],
    patients: Sequence[Any] | NDArray[Any],
    assumed: JointPrior | None,
    *,
    refuse_rare: bool = False,
) -> FindingFactors:
    """Make factors of findings, and append them to those that are assumed.

    A factor of a finding's name that the prior has already stays as it is, and is grounded in the finding.

    Args:
        names: of the K findings.
        values: (N, K) 1 present, 0 absent, NaN unknown: those of the training images.
        patients: (N,) whose images they are.
        assumed: the other factors; None: there are none.
        refuse_rare: whether a finding that fewer than `FEWEST` patients have, or lack, is an error; else it is left
            out.

    Raises:
        SemirayError: no finding is left, one is rare, or the prior has a factor of its name that isn't 0 or 1.

    Examples:
        >>> seen = np.repeat([[1, 1], [0, 0], [1, 0], [0, 1]], [20, 60, 10, 10], axis=0).astype(np.float32)
        >>> found = take_findings(["Effusion", "Big heart"], seen, range(100), None)
        >>> found.prior
        JointPrior(Effusion ~ bernoulli(probability=0.3) x 1; Big_heart ~ bernoulli(probability=0.3) x 1)
        >>> round(float(found.prior.correlation[0, 1]), 2)
        0.75
    """
    everything = _observed(names, values, patients)
    rare = tuple(one for one in everything if one.rare)
    kept = [one for one in everything if not one.rare]
    if rare and (refuse_rare or not kept):
        why = "" if kept else ". None is left"
        raise SemirayError(
            f"findings that fewer than {FEWEST} training patients have, or lack, can't be learned: {_counted(rare)}"
            f"{why}. Name others with findings="
            + (", or leave these out with rare_findings=omit" if kept else ", or train without findings")
        )
    own = {} if assumed is None else assumed.slices
    for one in kept:
        if assumed is not None and one.factor in own and assumed.marginal(one.factor).values != (0.0, 1.0):
            raise SemirayError(
                f"finding {one.name!r}: the prior has a factor {one.factor} that isn't 0 or 1. Rename the factor, or "
                "name other findings with findings="
            )
    fresh = [one for one in kept if one.factor not in own]
    R, undetermined, changed = _correlations(fresh)
    rules = {one.factor: {"finding": one.name} for one in kept}
    lines = [
        f"{len(kept)} findings become factors of the prior, grounded in the training images of which they are known:",
        *(_line(one, one.factor in own) for one in kept),
        *_said_correlations(fresh, R),
    ]
    if undetermined:
        lines.append(f"  uncorrelated, since fewer than {FEWEST} patients have both known: {', '.join(undetermined)}")
    if changed:
        lines.append("  The pairs' correlations contradict one another: the nearest valid ones are taken.")
    return FindingFactors(_appended(assumed, fresh, R), rules, rare, tuple(lines))


def _observed(names: Sequence[str], values: NDArray[np.float32], patients: Any) -> list[Finding]:
    patient = torch.from_numpy(np.unique(np.asarray(patients), return_inverse=True)[1].reshape(-1).astype(np.int64))
    found, taken = [], list[str]()
    for name, column in zip(names, np.asarray(values, np.float64).T, strict=True):
        seen = Observations(torch.from_numpy(column.copy()), torch.zeros(len(column)), patient)
        have, lack = (len(np.unique(patient.numpy()[column == state])) for state in (1, 0))
        total = float(seen.weight.sum())
        rate = float((seen.weight * seen.value.nan_to_num()).sum()) / total if total else 0.0
        taken.append(factor_name(name, taken))
        found.append(Finding(name, taken[-1], seen, have, lack, round(rate, 6)))
    return found


def _correlations(findings: Sequence[Finding]) -> tuple[NDArray[np.float64], list[str], bool]:
    """R (K, K); the pairs that the images don't determine; whether it had to be changed to be valid."""
    from semiray.priors.grounding.correlation_estimation import estimate_tetrachoric  # imports SciPy, which is slow

    R, undetermined = np.eye(len(findings)), []
    for (i, one), (j, other) in combinations(enumerate(findings), 2):
        table, patients = _table(one.observations, other.observations)
        if patients < FEWEST:
            undetermined.append(f"{one.factor} with {other.factor}")
            continue
        R[i, j] = R[j, i] = estimate_tetrachoric(table, one.rate, other.rate)
    changed = bool(len(R)) and float(np.linalg.eigvalsh(R)[0]) < _FLOOR
    R = nearest_correlation(R, floor=_FLOOR).numpy() if changed else R
    return R.round(4), undetermined, changed


def _table(one: Observations, other: Observations) -> tuple[NDArray[np.float64], int]:
    """(2, 2) patients by both findings, each counting once; and how many they are."""
    both = (one.observed & other.observed).numpy()
    _, index, rows = np.unique(one.patient.numpy()[both], return_inverse=True, return_counts=True)
    place = (2 * one.value + other.value).numpy()[both].astype(np.int64)
    counted = np.bincount(place, weights=1.0 / rows[index], minlength=4).astype(np.float64)
    return counted.reshape(2, 2), len(rows)


def _appended(assumed: JointPrior | None, findings: Sequence[Finding], R: NDArray[np.float64]) -> JointPrior:
    """The assumed factors, and those of the findings, which don't correlate with them."""
    spec: dict[str, Any] = {"factors": {}} if assumed is None else assumed.to_dict()
    spec["factors"] |= {
        one.factor: {"family": "bernoulli", "probability": one.rate, "dimensions": 1} for one in findings
    }
    if "correlation" in spec:
        old = np.array(spec["correlation"])
        whole = np.eye(len(old) + len(R))
        whole[: len(old), : len(old)], whole[len(old) :, len(old) :] = old, R
        spec["correlation"] = whole.tolist()
    else:
        pairs = combinations(range(len(findings)), 2)
        entries = [[findings[i].factor, findings[j].factor, float(R[i, j])] for i, j in pairs if R[i, j]]
        spec["between"] = [*spec.get("between", ()), *entries]
    return JointPrior.from_dict(spec)


def _line(one: Finding, own: bool) -> str:
    called = "" if one.factor == one.name else f" ({one.name!r})"
    rate = "rate as in the prior" if own else f"rate {one.rate:.3f}"
    images, patients = one.observations.images, one.observations.patients
    return f"  {one.factor}{called}: {rate}; known of {images:,} images of {patients:,} patients, {one.have:,} have it"


def _said_correlations(findings: Sequence[Finding], R: NDArray[np.float64]) -> list[str]:
    pairs = sorted(combinations(range(len(findings)), 2), key=lambda pair: -abs(R[pair]))[:_SAID]
    said = [f"{findings[i].factor} with {findings[j].factor} {R[i, j]:+.2f}" for i, j in pairs]
    return [f"  strongest correlations: {', '.join(said)}"] if said else []


def _counted(findings: Sequence[Finding]) -> str:
    return ", ".join(f"{one.name} ({one.have:,} have it, {one.lack:,} lack it)" for one in findings)
