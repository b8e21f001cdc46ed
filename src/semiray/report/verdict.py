"""The verdict: what a report comes to, in a few plain sentences that claim no more than its intervals do.

The rules stand in docs/evaluation.md. A sentence is a function of the report; one about something that was not measured
is left out, but for utility and privacy, whose absence a reader must know of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from semiray.evaluation.judgements.benefit import BenefitResult
from semiray.evaluation.judgements.commitment import CommitmentResult
from semiray.evaluation.judgements.fidelity import FidelityMeasure, FidelityResult
from semiray.evaluation.judgements.membership import MembershipResult
from semiray.evaluation.judgements.privacy import PrivacyResult
from semiray.evaluation.judgements.utility import UtilityResult
from semiray.evaluation.skipped import Skipped
from semiray.report.plots.classification import CONDITIONS

if TYPE_CHECKING:
    from semiray.evaluation.results import Results

__all__ = ["ATTACKERS", "Obedience", "coverage", "leaks", "obedience", "verdict"]

ATTACKERS = {"black_box": "the synthetic images", "white_box": "the discriminator"}


class Obedience:
    """How far one factor is obeyed, averaged over its dimensions, where that is least.

    Attributes:
        factor: Its name.
        measure: ``r2`` or ``accuracy``.
        value: The mean of its dimensions.
        low: The mean of their intervals' lower ends, which is no higher than the lower end for their mean.
        floor: What guessing reaches.
        reader: Who read it, in words.
    """

    def __init__(self, factor: str, found: CommitmentResult, reader: str) -> None:
        rows = [row for row in found.dimensions if row.name.rsplit("[", 1)[0] == factor]
        self.factor, self.reader, self.measure = factor, reader, rows[0].measure
        self.value, self.low, self.floor = (
            float(np.mean([getattr(row, name) for row in rows])) for name in ("value", "low", "floor")
        )

    @property
    def shown(self) -> bool:
        """Whether it is obeyed better than guessing would look."""
        return self.low > self.floor

    @property
    def share(self) -> float:
        """The way from the floor (0) to the ceiling (1), to compare R² with accuracy."""
        return (self.value - self.floor) / max(1 - self.floor, 1e-9)


def verdict(report: Results) -> list[str]:
    """The verdict on a report, one to four sentences; the first say what the images are good for.

    Example:
        >>> verdict(report)  # doctest: +SKIP
        ['Trained on these images, a classifier reaches 86 % of the balanced accuracy that ...', ...]
    """
    sentences: tuple[Callable[[Results], str], ...] = (_benefit, _use, _images, _privacy)
    return [text for text in (sentence(report) for sentence in sentences) if text]


def obedience(report: Results) -> list[Obedience]:
    """Every factor where it is obeyed least: by the fresh probe on its hardest images, else by the sorter."""
    if report.commitment is None:
        return []
    readings = {"by the sorter, which flatters": report.commitment}
    if report.probe is not None:
        readings = {f"by a fresh probe ({CONDITIONS[key]})": found for key, found in report.probe.conditions.items()}
    factors = list(dict.fromkeys(row.name.rsplit("[", 1)[0] for row in report.commitment.dimensions))
    return [
        min((Obedience(factor, found, reader) for reader, found in readings.items()), key=lambda one: one.value)
        for factor in factors
    ]


def coverage(report: Results) -> FidelityMeasure | None:
    """The figure of coverage, beside what real images reach; None where it was not measured."""
    return report.fidelity.measures.get("coverage") if isinstance(report.fidelity, FidelityResult) else None


def leaks(result: PrivacyResult) -> list[tuple[str, MembershipResult]]:
    """What attackers hold, and what they learn of who was trained on, where their interval lies above guessing."""
    held = ((ATTACKERS[name], getattr(result, name)) for name in ATTACKERS)
    return [(what, found) for what, found in held if found is not None and found.auroc.low > 0.5]


def _benefit(report: Results) -> str:
    """Whether to mix the images in, or to pre-train on them: what a user came to know."""
    return report.benefit.verdict() if isinstance(report.benefit, BenefitResult) else ""


def _use(report: Results) -> str:
    """Utility: what the images are worth alone."""
    u = report.utility
    if isinstance(u, Skipped):
        return f"Whether a classifier can learn from these images was not measured: {u.reason}"
    real = "real patients" if not report.phantom else "phantoms"
    tested, ceiling = u.tstr.balanced_accuracy, u.trtr.balanced_accuracy
    once = " One training a side: a first look." if u.settings.seeds == 1 else ""
    if ceiling.low <= u.chance:
        return (
            "What these images are good for can't be said: even trained on the real images, the classifier is not "
            f"shown to do better than guessing ({ceiling.mean:.2f}, {ceiling.low:.2f} to {ceiling.high:.2f}; guessing "
            f"{u.chance:.2f}).{once}"
        )
    if tested.low <= u.chance:
        return (
            f"Not shown to be of use: trained on these images, a classifier of {real} is not shown to do better than "
            f"guessing (balanced accuracy {tested.mean:.2f}, {tested.low:.2f} to {tested.high:.2f}; guessing "
            f"{u.chance:.2f}).{once}"
        )
    ratio = f"{_percent(u.ratio.mean)} of the balanced accuracy that real images give ({_ends(u)})"
    said = f"Trained on these images alone, a classifier of {real} reaches {ratio}"
    if u.ratio.high < 1:
        return f"{said}: of use, but less than real images are.{once}"
    if u.ratio.low > 1:
        return f"{said}: more than the real images that were there.{once}"
    return f"{said}: a difference is not shown, which doesn't show that there is none.{once}"


def _ends(u: UtilityResult) -> str:
    guessing = u.chance / u.trtr.balanced_accuracy.mean
    return f"{100 * u.ratio.low:.0f} to {_percent(u.ratio.high)}; guessing {_percent(guessing)}"


def _images(report: Results) -> str:
    """Commitment and coverage: what the images show, and what they lack."""
    parts = []
    found = obedience(report)
    if found:
        least = min(found, key=lambda one: one.share)
        unseen = [one.factor for one in found if not one.shown]
        if unseen:
            parts.append(f"It is not shown that images obey what is asked of {_list(unseen)}")
        else:
            measure = "R²" if least.measure == "r2" else "accuracy"
            guessing = "" if least.measure == "r2" else f", guessing {least.floor:.2f}"
            every = f"all {len(found)} factors" if len(found) > 1 else f"the factor {least.factor}"
            which = f"{least.factor} least, " if len(found) > 1 else ""
            parts.append(
                f"What is asked of {every} can be read in the images better than by guessing: {which}{measure} "
                f"{least.value:.2f} of 1 {least.reader}{guessing}"
            )
    share = coverage(report)
    if share is not None:
        figures = f"coverage {share.value:.2f} ({share.low:.2f} to {share.high:.2f}), real images {share.real:.2f}"
        if share.high < share.real_low:
            parts.append(f"they lack some of the variety of real images: {figures}")
        else:
            parts.append(f"that they lack variety is not shown: {figures}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _privacy(report: Results) -> str:
    """A warning of every sign that training images can be known; what stands for none otherwise."""
    result = report.privacy
    if isinstance(result, Skipped):
        return f"Privacy was not measured: {result.reason}"
    copied, n_images = int(result.copies.copied.sum()), len(result.copies.copied)
    warnings = []
    if copied / n_images > result.false_alarms.copied.mean():
        words = "is a copy of a training image" if copied == 1 else "are copies of training images"
        warnings.append(f"{copied:,} of {n_images:,} images {words}")
    warnings += [
        f"who holds {what} can tell better than by guessing who was trained on (AUROC {found.auroc.mean:.2f}, "
        f"{found.auroc.low:.2f} to {found.auroc.high:.2f}; guessing 0.50)"
        for what, found in leaks(result)
    ]
    if warnings:
        return f"Privacy warning: {'; '.join(warnings)}."
    found = "No copies were found" if not copied else "Copies are called no more often than among images of others"
    return f"{found}, and it is not shown that an attacker can tell who was trained on. Neither proves that none could."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _list(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
