"""Utility: a classifier trained on synthetic images beside one trained on real images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from semiray.evaluation import ClassificationScores, Results, UtilityResult
from semiray.generation.figures import text_width
from semiray.report.section import Block, Details, Guide, Headline, Picture, Section, Table, cells, ends, html, span
from semiray.report.theme import Theme, blank, legend, style, whiskers

__all__ = ["SECTION", "plot_confusion", "plot_per_class"]

OVERALL = {
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "auroc": "AUROC",
    "average_precision": "average precision",
    "calibration_error": "calibration error",
}
PER_CLASS = {"precision": "precision", "recall": "recall", "f1": "F1", "auroc": "AUROC"}


def _body(u: UtilityResult, results: Results) -> Iterator[Block]:
    s, tstr, trtr = u.settings, u.tstr, u.trtr
    trainings = f"{s.seeds} trainings per side" if s.seeds > 1 else "one training per side"
    unseen = "neither it nor the generator has seen" if results.prior is not None else "it has not seen"
    yield (
        f"The same small CNN, {trainings}, is trained on {tstr.n_train:,} synthetic images and on {trtr.n_train:,} "
        f"real images of {u.n_train_patients:,} patients. It is tested on {tstr.n_images:,} real images of "
        f"{tstr.n_patients:,} other patients that {unseen}. {s.steps:,} steps with batches of {s.batch} images, "
        "classes in equal shares, the same augmentation; all of it was fixed in advance."
    )
    sides = {"synthetic": tstr, "real": trtr}
    rows = [
        [html('<span class="{0}">{0}</span>', side), *cells(*attrgetter(*OVERALL)(one))] for side, one in sides.items()
    ]
    chance = ["chance level", f"{u.chance:.3f}", "", "0.500", f"{u.chance:.3f}", ""]
    ratio = ["ratio", *cells(u.ratio), "", *cells(u.auroc_ratio), "", ""]
    yield Table(["trained on", *OVERALL.values()], [*rows, ratio, chance])
    dots = "Dots: mean over trainings. Lines: 95 % intervals (bootstrap over patients and trainings)."
    yield Picture("per_class", f"{dots} Dashes: chance level.")
    rows = [
        [
            html('{0} <span class="{1}">{1}</span>', one.name, side),
            *cells(*attrgetter(*PER_CLASS, "recall_at_specificity")(one)),
            html("<small>{:,} images, {:,} patients</small>", one.n_images, one.n_patients),
        ]
        for pair in zip(tstr.per_class, trtr.per_class, strict=True)
        for side, one in zip(sides, pair, strict=True)
    ]
    recall = f"recall at {tstr.specificity:.0%} specificity"
    yield Table(["class, trained on", *PER_CLASS.values(), recall, "tested on"], rows)
    yield (
        Picture("confusion_tstr", "Per cent and number of images of each true class.", "small-figure"),
        Picture("confusion_trtr", "The ceiling, on the same patients.", "small-figure"),
    )
    for side, scores in sides.items():
        text = "\n".join(f"Seed {k}\n{report}" for k, report in enumerate(scores.reports))
        yield Details(f"Classification reports, trained on {side} images", text=text)


def _headlines(u: UtilityResult, results: Results) -> Iterator[Headline]:
    tstr, trtr = u.tstr.balanced_accuracy, u.trtr.balanced_accuracy
    patients = "phantoms" if results.phantom else "real patients"
    yield Headline(
        "trained on synthetic images",
        *ends(tstr),
        trtr.mean,
        "ceiling",
        sentence=f"balanced accuracy on {patients} of a classifier trained on synthetic images ({span(tstr)}); trained "
        f"on real images {trtr.mean:.2f}, the ceiling; chance level {u.chance:.2f}. Ratio {u.ratio.mean:.2f} "
        f"({span(u.ratio)}). AUROC {u.tstr.auroc.mean:.2f} of {u.trtr.auroc.mean:.2f}, ratio "
        f"{u.auroc_ratio.mean:.2f} ({span(u.auroc_ratio)})",
    )
    yield Headline("trained on real images", *ends(trtr), u.chance, "chance level")
    yield Headline("synthetic / real", *ends(u.ratio), 1.0, "ceiling")
    yield Headline("AUROC, trained on synthetic images", *ends(u.tstr.auroc), u.trtr.auroc.mean, "ceiling")
    yield Headline("AUROC, synthetic / real", *ends(u.auroc_ratio), 1.0, "ceiling")


def _verdict(u: UtilityResult, results: Results) -> str:
    real = "phantoms" if results.phantom else "real patients"
    tested, ceiling = u.tstr.balanced_accuracy, u.trtr.balanced_accuracy
    once = " One training per side only: a first look." if u.settings.seeds == 1 else ""
    if ceiling.low <= u.chance:
        return (
            "Nothing can be said about the use of these images: trained on real images, too, the classifier is "
            f"not significantly better than chance ({ceiling.mean:.2f}, {span(ceiling)}; chance level {u.chance:.2f})."
            f"{once}"
        )
    if tested.low <= u.chance:
        return (
            f"No evidence that these images are of use: trained on them, a classifier of {real} is not significantly "
            f"better than chance (balanced accuracy {tested.mean:.2f}, {span(tested)}; chance level "
            f"{u.chance:.2f}).{once}"
        )
    if u.ratio.high < 1:
        words = "they are useful, but less useful than real images"
    elif u.ratio.low > 1:
        words = "they are more useful than the real images that were available"
    else:
        words = "no significant difference was found; this does not prove that there is none"
    mean, low, high, chance = (f"{100 * share:.0f}" for share in (*ends(u.ratio), u.chance / ceiling.mean))
    return (
        f"Trained on these images only, a classifier of {real} reaches {mean} % of the balanced accuracy that real "
        f"images give ({low} to {high} %; chance level {chance} %), and {100 * u.auroc_ratio.mean:.0f} % "
        f"of their AUROC: {words}.{once}"
    )


def plot_per_class(u: UtilityResult, theme: Theme) -> Figure:
    """Precision, recall, F1 and AUROC of every class with intervals, trained on synthetic beside trained on real."""
    count = len(u.classes)
    places = np.arange(count)
    figure = blank(7.2, 1.5 + 2 * (0.42 * count + 0.35), theme)
    grid = figure.subplots(2, 2, sharey=True, sharex=True).ravel()
    for axes, (name, title) in zip(grid, PER_CLASS.items(), strict=True):
        style(axes, theme, title[0].upper() + title[1:])
        for scores, colour, offset in ((u.tstr, theme.synthetic, -0.14), (u.trtr, theme.real, 0.14)):
            whiskers(axes, [ends(getattr(one, name)) for one in scores.per_class], places + offset, colour)
        floor = [getattr(one.chance, name) for one in u.tstr.per_class]
        axes.vlines(floor, places - 0.36, places + 0.36, color=theme.faint, linewidth=1, linestyle=(0, (2, 1.5)))
        axes.set(xlim=(-0.02, 1.02), ylim=(count - 0.5, -0.5))
        axes.set_yticks(places, u.classes)
    legend(figure, theme, ((theme.synthetic, "trained on synthetic"), (theme.real, "trained on real (ceiling)")))
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_size_inches()[1]))
    return figure


def plot_confusion(scores: ClassificationScores, classes: Sequence[str], title: str, theme: Theme) -> Figure:
    """The confusion matrix in per cent of each true class, and in images, averaged over seeds."""
    matrix = np.mean(scores.confusion, axis=0)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    count = len(classes)
    side = max(2.4, 0.95 * count)
    names = max(text_width(name, 8.5) for name in classes)
    upright = names < 0.9 * side / count
    figure = blank(side + 0.8 + names, side + (1.05 if upright else 0.95 + 0.75 * names), theme)
    axes = figure.add_subplot()
    style(axes, theme, title)
    axes.grid(visible=False)
    axes.imshow(shares, cmap=LinearSegmentedColormap.from_list("ramp", theme.ramp), vmin=0, vmax=1)
    for (i, j), share in np.ndenumerate(shares):
        colour = "#ffffff" if share > 0.75 else theme.ink  # on a paler cell dark letters are easier to read
        axes.text(j, i - 0.1, f"{share:.0%}", ha="center", va="center", fontsize=12, color=colour)
        axes.text(j, i + 0.22, f"{matrix[i, j]:,.0f}", ha="center", va="center", fontsize=8.5, color=colour)
    axes.set(xlabel="predicted", ylabel="true")
    slant: dict[str, Any] = {} if upright else {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(count), classes, **slant)
    axes.set_yticks(range(count), classes)
    axes.spines[:].set_visible(False)
    figure.tight_layout()
    return figure


SECTION = Section(
    UtilityResult,
    "Utility",
    Guide(
        "Can synthetic images replace real ones? Two classifiers, one trained on synthetic images only and one on "
        "real images, are tested on the same real patients.",
        "Balanced accuracy: the share of images classified correctly, averaged over classes. Ratio, synthetic divided "
        "by real: how much of the real images' value is kept. If its interval contains 1, no significant difference "
        "was found.",
        "Floor: chance level, 1 divided by the number of classes. Ceiling: the classifier trained on real images; "
        "ratio 1.",
        "Another classifier might give other figures. Intervals cover the choice of test patients and, with several "
        "trainings, the training of classifiers, but not of the generator. A classifier may use differences that are "
        "not in the lungs: see Shortcuts.",
    ),
    _body,
    subtitle="balanced accuracy on held-out images",
    plots={
        "per_class": lambda u, _, theme: plot_per_class(u, theme),
        "confusion_tstr": lambda u, _, theme: plot_confusion(u.tstr, u.classes, "Trained on synthetic images", theme),
        "confusion_trtr": lambda u, _, theme: plot_confusion(u.trtr, u.classes, "Trained on real images", theme),
    },
    headlines=_headlines,
    verdict=_verdict,
    missing="Whether a classifier can learn from these images was not measured",
)
