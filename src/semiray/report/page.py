"""The report as one HTML file: no scripts, nothing fetched, light and dark, on a desk, a phone and paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from semiray.evaluation.skipped import Skipped
from semiray.report import guides
from semiray.report.headlines import cards
from semiray.report.markup import STYLE, Images, bullets, figure, section
from semiray.report.sections import benefit as sections_benefit
from semiray.report.sections import judgements as sections

if TYPE_CHECKING:
    from semiray.evaluation.results import Results

__all__ = ["render_page"]

# What the page promises, for the browser to hold it to: figures and styles of its own, no script, nothing fetched.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render_page(report: Results, content: Mapping[str, Any], images: Images, *, real_images: bool = True) -> str:
    """The page, as text.

    Args:
        report: The results.
        content: Their dictionary, as in report.json.
        images: Figure name -> PNG bytes for a light and for a dark page.
        real_images: Whether real images are among them; the page says so if they were left out.
    """
    body = [
        f'<p class="faint small">semiray {escape(content["semiray"])} · {escape(report.created[:10])}</p>',
        f"<h1>{escape(report.subject)}</h1>",
        f'<p class="faint">Judged on {escape(report.data)}</p>',
        _phantom() if report.phantom else "",
        _warning(report),
        _verdict(content["verdict"]),
        cards(report),
        section("Look first", _look(images, real_images)),
        section("Utility", guides.utility(report) + sections.utility(report, images)),
        _judgement("Benefit", report.benefit, sections_benefit.benefit(report, images)),
    ]
    if report.commitment is not None:
        body.append(_judgement("Commitment", report.commitment, sections.commitment(report, images)))
    if report.sorting is not None:
        body.append(_judgement("Sorting", report.sorting, sections.sorting(report, images)))
    if report.grounding:
        body.append(_judgement("Grounding", report.grounding, sections.grounding(report)))
    for title, result, found in (
        ("Fidelity and coverage", report.fidelity, sections.fidelity(report)),
        ("Privacy", report.privacy, sections.privacy(report, images)),
        ("Shortcuts", report.shortcuts, sections.shortcuts(report)),
    ):
        body.append(_judgement(title, result, found))
    body.append(section("What to know", bullets(report.notes)) if report.notes else "")
    body.append(
        '<footer class="faint small"><p>Research tool, not a medical device. Intervals are 95 %. '
        "All figures of this page, with their intervals, floors and sample sizes, are in report.json.</p></footer>"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>semiray: {escape(report.subject)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part).replace(" %", "\u00a0%")  # no line begins with %
        + "\n</body></html>\n"
    )


def _phantom() -> str:
    return (
        '<p class="banner"><strong>This is a phantom.</strong> The "real" images are computed, too: toy radiographs '
        "with known factors. Nothing here was measured on a patient.</p>"
    )


def _warning(report: Results) -> str:
    words = report.shortcuts.warning() if report.shortcuts else ""
    return f'<p class="banner">{escape(words)}</p>' if words else ""


def _verdict(sentences: Sequence[str]) -> str:
    return f'<div class="verdict"><h2>Verdict</h2>{"".join(f"<p>{escape(one)}</p>" for one in sentences)}</div>'


def _judgement(title: str, result: object, content: str) -> str:
    """A section under its guide, which a judgement that was not made doesn't need."""
    if not content:
        return ""
    return section(title, ("" if isinstance(result, Skipped) else guides.GUIDES[title]) + content)


def _look(images: Images, real_images: bool) -> str:
    text = (
        "<p>No figure replaces a look. Codes are most cheaply obeyed by painting each as a faint grid or a grey veil; "
        "commitment met that way is worthless.</p>"
    )
    caption = "Held-out real images above generated ones, neither picked by hand."
    if not real_images:
        caption = "Generated images, not picked by hand."
        text += (
            "<p><strong>Real images were left out of this page</strong>; generated ones may still repeat some: see "
            '<a href="#privacy">Privacy</a>.</p>'
        )
    traversal = figure(images, "traversal", "The same noise and label while one factor at a time moves.", "white")
    return text + figure(images, "images", caption) + traversal
