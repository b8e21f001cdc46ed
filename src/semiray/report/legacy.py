"""The headline figures of reports of version 1 and before, for `compare`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from semiray.report.section import Headline
from semiray.report.sections.benefit import USES
from semiray.report.sections.commitment import CONDITIONS
from semiray.report.sections.commitment import MEASURES as READINGS
from semiray.report.sections.fidelity import HEADLINES
from semiray.report.sections.fidelity import MEASURES as FIDELITY
from semiray.report.sections.grounding import MEASURES as ORDERS
from semiray.report.sections.sorting import MEASURES as DISTANCES

__all__ = ["old_headlines"]

ATTACKERS = {"black_box": "the synthetic images", "white_box": "the discriminator"}


def old_headlines(content: Mapping[str, Any]) -> Iterator[Headline]:
    """The figures of an old report.json, under the names that today's reports give them."""
    utility = content["utility"]
    if "skipped" not in utility:
        yield _headline("Utility", "trained on synthetic images", utility["tstr"]["balanced_accuracy"])
        yield _headline("Utility", "trained on real images", utility["trtr"]["balanced_accuracy"])
        yield _headline("Utility", "synthetic / real", utility["ratio_interval"])
    for use, gain in content.get("benefit", {}).get("decisive_gains", {}).items():
        yield replace(_headline("Benefit", f"gain, synthetic images {USES[use]}", gain), digits=3, signed=True)
    commitment, sorting = content["commitment"], content["sorting"]
    if commitment is not None and "probe" in commitment:
        for name in commitment["probe"]["clean"]:
            worst = min(np.mean(commitment["probe"][condition][name]) for condition in CONDITIONS)
            yield _headline("Commitment", f"{name} ({READINGS[commitment['measure'][name]]})", {"mean": float(worst)})
    if commitment is not None and "effect" in commitment:
        effects, sides = commitment["effect"].items(), (commitment["effect_low"], commitment["effect_high"])
        least, factor, j = min((value, name, j) for name, row in effects for j, value in enumerate(row))
        low, high = (side[factor][j] for side in sides)
        name, unit = "change by the least visible dimension", f"grey levels, {factor}[{j}]"
        yield Headline(name, least, low, high, unit=unit, digits=1, section="Visible effect")
    if sorting is not None:
        for name, values in sorting["ks"].items():
            yield _headline("Sorting", f"{name} ({DISTANCES[sorting['measure'][name]]})", {"mean": np.mean(values)})
        if "statistic" in sorting.get("energy", {}):
            energy = sorting["energy"]
            ends = {name: energy[name] / energy["floor"] for name in ("low", "high")}
            yield _headline("Joint sorting", "energy distance / floor", {"mean": energy["ratio"], **ends})
        if "mean_absolute_difference" in sorting.get("correlation", {}):
            found = sorting["correlation"]
            figure = {"mean": found["mean_absolute_difference"], **found}
            yield replace(_headline("Correlations", "mean absolute difference", figure), digits=3)
    for factor, found in content.get("grounding", {}).items():
        if "skipped" not in found:
            name = f"{factor} ({ORDERS[found['measure']]})"
            yield _headline("Grounding", name, {"mean": found["value"], **found})
    fidelity, privacy = content.get("fidelity", {}), content.get("privacy", {})  # older ones lack both
    space = "" if fidelity.get("space", "trtr") == "trtr" else f" ({fidelity['space']})"
    for key in HEADLINES:
        if key in fidelity.get("measures", {}):
            found = fidelity["measures"][key]
            yield _headline("Fidelity and coverage", f"{FIDELITY[key]}{space}", {"mean": found["value"], **found})
    if "copies" in privacy:
        share = 100 * privacy["copies"]["copied"] / privacy["copies"]["n_images"]
        yield _headline("Privacy", "copies of training images, per cent", {"mean": share})
        for space, near in privacy.get("authenticity", {}).items():
            yield _headline("Privacy", f"authentic images, {space}", near["synthetic"]["authenticity"])
        for name, attacker in privacy["membership"].items():
            yield _headline("Privacy", f"AUROC of an attacker with {ATTACKERS[name]}", attacker["auroc"])


def _headline(section: str, name: str, figure: Mapping[str, Any]) -> Headline:
    return Headline(section=section, name=name, value=figure["mean"], low=figure.get("low"), high=figure.get("high"))
