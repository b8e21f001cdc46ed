"""The findings of the training images: which are known to a run, and the factors that they become in its prior."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError, SemirayWarning
from semiray.priors import JointPrior, read_grounds
from semiray.priors.grounding.findings import FEWEST, take_findings
from semiray.radiographs import ImageArray, RadiographSet, Split
from semiray.radiographs.few_labels import keep_few_labels
from semiray.radiographs.reading.options import parse_classes
from semiray.settings import NONE_ASSUMED, Settings, override

__all__ = ["add_findings", "assumed_settings", "finding_factors", "run_findings"]


def run_findings(
    settings: Settings, data: RadiographSet[ImageArray], split: Split, labels: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Findings (N, K) of all images as a run of these settings knows them: of training patients perhaps only few.

    Where `label_fraction` hides a patient's class, it hides the findings, too; `labels` (N,) are those that are left.
    Of the patients without a class as many are hidden.
    """
    if settings.label_fraction == 1 or not data.finding_names:
        return data.findings
    values, train, patients = np.array(data.findings), split.train, data.patient_codes[split.train]
    classed = np.isin(patients, patients[data.labels[train] >= 0]) if data.classes else np.zeros(len(train), bool)
    known = np.isin(patients, patients[labels[train] >= 0]) & classed
    told = np.where(classed | np.isnan(values[train]).all(axis=1), -1, 0)
    known |= keep_few_labels(told, patients, settings.label_fraction, settings.seed) == 0
    values[train[~known]] = np.nan
    return values


def add_findings(
    settings: Settings,
    assumed: JointPrior | None,
    data: RadiographSet[ImageArray],
    chosen: NDArray[np.int64],
    say: Callable[[str], None],
) -> Settings:
    """Settings whose prior has the findings that were asked for as factors, and whose rules ground them.

    Args:
        settings: those of a new run.
        assumed: the prior that they describe; None where findings are to be the only factors.
        data: all images, with the findings that the run knows.
        chosen: (M,) the rows that are trained on.
        say: is told what was taken.

    Raises:
        SemirayError: `data.findings` asks for findings that aren't there, or that can't be learned.

    Warns:
        SemirayWarning: findings are left out, because too few patients have or lack them.
    """
    names = _asked(settings, data)
    if not names:
        if assumed is None:
            raise SemirayError(
                "prior=findings: no findings are trained on; ask for them with findings=all, or assume factors"
            )
        return settings
    places = [data.finding_names.index(name) for name in names]
    values = np.asarray(data.findings[chosen])[:, places]
    found = take_findings(
        names, values, data.patient_codes[chosen], assumed, refuse_rare=settings.rare_findings == "refuse"
    )
    if found.left_out:
        left = ", ".join(f"{one.name} ({one.have:,} have it, {one.lack:,} lack it)" for one in found.left_out)
        warnings.warn(
            f"findings left out, since fewer than {FEWEST} training patients have or lack them: {left}",
            SemirayWarning,
            stacklevel=4,
        )
    say("\n".join(found.lines))
    rules = {"recipe": settings.ground} if isinstance(settings.ground, str) else dict(settings.ground or {})
    return override(settings, prior=found.prior, ground={**found.rules, **rules})


def finding_factors(settings: Settings, prior: JointPrior) -> dict[str, str]:
    """Factor -> the finding that grounds it, in the prior's order."""
    rules = read_grounds(settings.ground, prior)
    return {name: rule.finding for name, rule in rules.items() if rule.finding is not None}


def assumed_settings(settings: Settings, prior: JointPrior, own: Collection[str] = ()) -> Settings:
    """A run's settings without the factors that findings became, except for its `own`; `prior` is the run's."""
    found = finding_factors(settings, prior)
    names = {factor.name for factor in prior.factors if factor.name in found and factor.dimensions == 1}
    gone = names - set(own)
    if not gone:
        return settings
    spec = prior.to_dict()
    spec["factors"] = {name: entry for name, entry in spec["factors"].items() if name not in gone}
    if "correlation" in spec:
        kept = [i for name, part in prior.slices.items() if name not in gone for i in range(part.start, part.stop)]
        spec["correlation"] = [[spec["correlation"][i][j] for j in kept] for i in kept]
    elif "between" in spec:
        spec["between"] = [entry for entry in spec["between"] if not gone & set(entry[:2])]
    assert isinstance(settings.ground, dict)  # it has the findings' rules
    rules = {name: rule for name, rule in settings.ground.items() if name not in gone}
    given = rules["recipe"] if set(rules) == {"recipe"} else rules or None
    return settings.model_copy(update={"prior": spec if spec["factors"] else NONE_ASSUMED, "ground": given})


def _asked(settings: Settings, data: RadiographSet[ImageArray]) -> tuple[str, ...]:
    """The findings to train on: none unless they were asked for."""
    asked = settings.data.findings
    if asked in (None, "none"):
        return ()
    names = data.finding_names if asked == "all" else tuple(parse_classes(asked or "", "findings"))
    if unknown := [name for name in names if name not in data.finding_names]:
        there = ", ".join(data.finding_names) or "none"
        raise SemirayError(f"findings=: there is no finding {', '.join(map(repr, unknown))}; there are: {there}")
    if not names:
        raise SemirayError("findings=: the images have no findings")
    return names
