"""Shortcuts: whether the real classes can be distinguished without looking at the lungs."""

from __future__ import annotations

from collections.abc import Iterator

from semiray.evaluation import Results, ShortcutResult
from semiray.evaluation.judgements.shortcuts import FOLDS, VIEWS
from semiray.report.section import Block, Guide, Section, Table, cells, html

__all__ = ["SECTION", "shortcut_lines", "shortcut_warning"]

NAMED = 5  # groups that were left out and are named


def _body(result: ShortcutResult, _: Results) -> Iterator[Block]:
    rows = [
        [" / ".join(pair.groups), *cells(*(pair.auroc[view] for view in VIEWS)), "yes" if pair.flagged else ""]
        for pair in result.pairs
    ]
    yield Table(["classes", *VIEWS, "shown by the border"], rows)
    if result.left_out:
        yield f"Left out because of too few patients: {', '.join(result.left_out)}."


def shortcut_lines(result: ShortcutResult) -> list[str]:
    """The figures in lines of text, for the terminal."""
    if not result.pairs:
        return [f"  nothing to compare: no two groups have {FOLDS} patients each"]
    names = [" / ".join(pair.groups) for pair in result.pairs]
    width = max(map(len, names))
    lines = ["  " + " " * width + "".join(f"  {view:>11}" for view in VIEWS)]
    for name, pair in zip(names, result.pairs, strict=True):
        lines.append(f"  {name:{width}}" + "".join(f"  {pair.auroc[view].mean:11.2f}" for view in VIEWS))
    if result.left_out:
        named = ", ".join(result.left_out[:NAMED])
        more = len(result.left_out) - NAMED
        lines.append(f"  left out, with fewer than {FOLDS} patients: {named}" + f" and {more:,} more" * (more > 0))
    warning = shortcut_warning(result)
    return lines + ([f"  warning: {warning}"] if warning else [])


def shortcut_warning(result: ShortcutResult) -> str:
    """What a reader must know, in a few sentences; empty where no border separates groups."""
    flagged = [pair for pair in result.pairs if pair.flagged]
    if not flagged:
        return ""
    told = "; ".join("{} from {} ({:.2f})".format(*pair.groups, pair.auroc["border"].mean) for pair in flagged)
    return (
        f"The border of the images alone, without the lungs, distinguishes {told} (area under the ROC curve, "
        "chance level 0.5). A network can distinguish these classes by where or how the images were taken. A good "
        "classifier of them proves nothing about disease, nor does one trained on synthetic images of them."
    )


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
    warning=shortcut_warning,
)
