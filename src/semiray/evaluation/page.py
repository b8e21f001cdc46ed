"""The report as one HTML file: no scripts, nothing fetched, light and dark, on a desk, a phone and paper."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from semiray.evaluation import sections, sections_benefit
from semiray.evaluation.figures import CONDITIONS
from semiray.evaluation.markup import STYLE, Images, bullets, figure, section, span
from semiray.evaluation.utility import UtilityResult

if TYPE_CHECKING:
    from semiray.evaluation.report import Report

__all__ = ["render_page"]


def render_page(report: Report, content: Mapping[str, Any], images: Images) -> str:
    """The page, as text.

    Args:
        report: The results.
        content: Their dictionary, as in report.json.
        images: Figure name -> PNG bytes for a light and for a dark page.
    """
    body = [
        f'<p class="faint small">semiray {escape(content["semiray"])} · {escape(report.created[:10])}</p>',
        f"<h1>{escape(report.subject)}</h1>",
        f'<p class="faint">Judged on {escape(report.data)}</p>',
        _phantom() if report.phantom else "",
        _warning(report),
        _cards(report, content),
        section("Look first", _look(images)),
        section("Utility", sections.utility(report, images)),
        section("Benefit", sections_benefit.benefit(report, images)),
    ]
    if report.commitment is not None:
        body.append(section("Commitment", sections.commitment(report, images)))
    if report.sorting is not None:
        body.append(section("Sorting", sections.sorting(report, images)))
    if report.grounding:
        body.append(section("Grounding", sections.grounding(report)))
    for title, found in (
        ("Fidelity and coverage", sections.fidelity(report)),
        ("Privacy", sections.privacy(report, images)),
        ("Shortcuts", sections.shortcuts(report)),
    ):
        body.append(section(title, found) if found else "")
    body.append(section("What to know", bullets(report.notes)) if report.notes else "")
    body.append(
        '<footer class="faint small"><p>Research tool, not a medical device. Intervals are 95 %. '
        "All figures of this page, with their intervals, floors and sample sizes, are in report.json.</p></footer>"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>semiray: {escape(report.subject)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def _phantom() -> str:
    return (
        '<p class="banner"><strong>This is a phantom.</strong> The "real" images are computed, too: toy radiographs '
        "with known factors. Nothing here was measured on a patient.</p>"
    )


def _warning(report: Report) -> str:
    words = report.shortcuts.warning() if report.shortcuts else ""
    return f'<p class="banner">{escape(words)}</p>' if words else ""


def _cards(report: Report, content: Mapping[str, Any]) -> str:
    cards: list[tuple[str, str, str]] = []
    if isinstance(report.utility, UtilityResult):
        u = report.utility
        cards += [
            (
                '<span class="synthetic">Trained on synthetic</span>',
                f"{u.tstr.balanced_accuracy.mean:.2f}",
                f"balanced accuracy on real patients, {span(u.tstr.balanced_accuracy)}; chance {u.chance:.2f}",
            ),
            (
                '<span class="real">Trained on real</span>',
                f"{u.trtr.balanced_accuracy.mean:.2f}",
                f"the same classifier on the same patients, {span(u.trtr.balanced_accuracy)}: the ceiling",
            ),
            ("Synthetic over real", f"{u.ratio.mean:.2f}", f"utility ratio, {span(u.ratio)}"),
        ]
    if report.commitment is not None:
        cards.append(_commitment_card(content["commitment"]))
    if report.sorting is not None:
        means = content["sorting"]["mean"]
        worst = max(means, key=means.__getitem__)
        floor = sum(content["sorting"]["floor"][worst]) / len(content["sorting"]["floor"][worst])
        cards.append(
            (
                "Sorting",
                f"{means[worst]:.2f}",
                f"distance of {escape(worst)} from its prior, the factor sorted worst; floor {floor:.2f}",
            )
        )
    boxes = "".join(
        f'<div class="card"><span class="name">{name}</span><b>{value}</b><span>{text}</span></div>'
        for name, value, text in cards
    )
    return f'<div class="cards">{boxes}</div>' if cards else ""


def _commitment_card(content: Mapping[str, Any]) -> tuple[str, str, str]:
    """The factor obeyed least: as the fresh probe reads it where that is hardest, otherwise as the sorter does."""
    tables = {"by the sorter, which flatters": content["mean"]}
    if "probe" in content:
        tables = {f"by a fresh probe ({CONDITIONS[key]})": content["probe"]["mean"][key] for key in CONDITIONS}
    readings = {(reader, factor): value for reader, means in tables.items() for factor, value in means.items()}
    reader, worst = min(readings, key=readings.__getitem__)
    measure = sections.MEASURES[content["measure"][worst]]
    text = f"{measure} of {escape(worst)}, the factor obeyed least, {reader}; ceiling 1"
    return "Commitment", f"{readings[reader, worst]:.2f}", text


def _look(images: Images) -> str:
    text = (
        "<p>No figure replaces a look. Codes are most cheaply obeyed by painting each as a faint grid or a grey veil; "
        "commitment met that way is worthless.</p>"
    )
    caption = "Held-out real images above generated ones, neither picked by hand."
    traversal = figure(images, "traversal", "The same noise and label while one factor at a time moves.", "white")
    return text + figure(images, "images", caption) + traversal
