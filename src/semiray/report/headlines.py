"""The five figures that matter, each beside its ceiling: what stands on top of the report's page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from semiray.evaluation.judgements.benefit import USES, BenefitResult, signed
from semiray.evaluation.judgements.privacy import PrivacyResult
from semiray.evaluation.judgements.utility import UtilityResult
from semiray.report.markup import anchor, span
from semiray.report.verdict import ATTACKERS, coverage, obedience

if TYPE_CHECKING:
    from semiray.evaluation.results import Results

__all__ = ["CARDS", "Card", "cards"]


@dataclass(frozen=True)
class Card:
    """One figure in large type.

    Attributes:
        name: What it is called.
        section: The title of the section that says more.
        value: The figure.
        beside: What it is held against, in smaller type.
        text: The rest, in a sentence; plain text, as all of these.
    """

    name: str
    section: str
    value: str
    beside: str
    text: str


def cards(report: Results) -> str:
    """The cards of what was measured, as HTML; nothing where nothing was."""
    found = [card for card in (make(report) for make in CARDS) if card is not None]
    boxes = "".join(
        f'<a class="card" href="#{anchor(card.section)}"><span class="name">{escape(card.name)}</span>'
        f"<b>{escape(card.value)} <small>{escape(card.beside)}</small></b><span>{escape(card.text)}</span></a>"
        for card in found
    )
    return f'<div class="cards">{boxes}</div>' if boxes else ""


def _utility(report: Results) -> Card | None:
    u = report.utility
    if not isinstance(u, UtilityResult):
        return None
    who = "phantoms" if report.phantom else "real patients"
    text = (
        f"balanced accuracy on {who}, trained on synthetic images ({span(u.tstr.balanced_accuracy)}); trained on real "
        f"ones {u.trtr.balanced_accuracy.mean:.2f}, the ceiling; chance {u.chance:.2f}. Ratio {u.ratio.mean:.2f} "
        f"({span(u.ratio)})"
    )
    beside = f"of {u.trtr.balanced_accuracy.mean:.2f}"
    return Card("Utility", "Utility", f"{u.tstr.balanced_accuracy.mean:.2f}", beside, text)


def _benefit(report: Results) -> Card | None:
    """The better of the two uses of synthetic images, as the verdict reads it."""
    result = report.benefit
    if not isinstance(result, BenefitResult):
        return None
    use = max(result.decisive, key=lambda arm: result.decisive[arm].low)
    gain, classical = result.decisive[use], result.arms["classical"][1.0].balanced_accuracy
    text = (
        f"balanced accuracy with synthetic images {USES[use]}, over real ones with classical augmentation "
        f"({classical.mean:.2f}), all patients: {signed(gain.low)} to {signed(gain.high)}; no benefit is 0"
    )
    return Card("Benefit", "Benefit", signed(gain.mean), "", text)


def _commitment(report: Results) -> Card | None:
    """The factor obeyed least, as the fresh probe reads it where that is hardest, otherwise as the sorter does."""
    found = obedience(report)
    if not found:
        return None
    least = min(found, key=lambda one: one.share)
    measure = "R²" if least.measure == "r2" else "accuracy"
    text = f"{measure} of {least.factor}, the factor obeyed least, {least.reader}; guessing {least.floor:.2f}"
    return Card("Commitment", "Commitment", f"{least.value:.2f}", "of 1", text)


def _coverage(report: Results) -> Card | None:
    share = coverage(report)
    if share is None:
        return None
    text = (
        f"share of real images with a synthetic one close by ({share.low:.2f} to {share.high:.2f}); real images of "
        f"other patients reach {share.real:.2f} ({share.real_low:.2f} to {share.real_high:.2f})"
    )
    return Card("Coverage", "Fidelity and coverage", f"{share.value:.2f}", f"of {share.real:.2f}", text)


def _privacy(report: Results) -> Card | None:
    result = report.privacy
    if not isinstance(result, PrivacyResult):
        return None
    copied, alarms = result.copies.copied, result.false_alarms.copied
    told = "; ".join(
        f"{found.auroc.mean:.2f} ({span(found.auroc)}) with {what}"
        for what, found in ((what, getattr(result, name)) for name, what in ATTACKERS.items())
        if found is not None
    )
    text = (
        f"of {len(copied):,} images; false alarms {int(alarms.sum()):,} of {len(alarms):,}. Can an attacker tell who "
        f"was trained on? AUROC {told}; guessing 0.50"
    )
    return Card("Privacy", "Privacy", f"{int(copied.sum()):,}", "copy" if copied.sum() == 1 else "copies", text)


# In the order of the page.
CARDS: tuple[Callable[[Results], Card | None], ...] = (_utility, _benefit, _commitment, _coverage, _privacy)
