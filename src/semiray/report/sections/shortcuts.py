"""Shortcuts: whether the real classes can be distinguished without looking at the lungs."""

from __future__ import annotations

from collections.abc import Iterator

from semiray.evaluation import Results, ShortcutResult
from semiray.evaluation.judgements.shortcuts import VIEWS
from semiray.report.section import Block, Guide, Section, Table, cells, html

__all__ = ["SECTION"]


def _body(result: ShortcutResult, _: Results) -> Iterator[Block]:
    rows = [
        [" / ".join(pair.groups), *cells(*(pair.auroc[view] for view in VIEWS)), "yes" if pair.flagged else ""]
        for pair in result.pairs
    ]
    yield Table(["classes", *VIEWS, "shown by the border"], rows)
    if result.left_out:
        yield f"Left out because of too few patients: {', '.join(result.left_out)}."


SECTION = Section(
    ShortcutResult,
    "Shortcuts",
    Guide(
        html(
            "Can the <em>real</em> classes be distinguished without the lungs? Pairs of classes, by logistic "
            "regression on a poor view of an image, tested on patients that it has not seen."
        ),
        "Area under the ROC curve. Border: a frame of a sixteenth of the image's side. Intensities: the histogram of "
        "grey levels. Thumbnail: 8 x 8 pixels. What the border shows, a network can learn instead of the disease.",
        "Floor, and best: 0.5, chance level. Ceiling: 1.",
        "A disease may change intensities, and a thumbnail shows lungs: only the border gives a warning. An "
        "uninformative border does not prove that there is no shortcut: a network sees more than a linear regression.",
    ),
    _body,
    warning=lambda result: result.warning(),
)
