"""Utility: a classifier trained on synthetic images beside one trained on real images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from semiray.evaluation import ClassificationScores, ClassScores, Interval, Results, UtilityResult
from semiray.generation.figures import text_width
from semiray.report.blocks import Block, Details, Pair, Paragraph, Picture, Table, cells, ends, html, span
from semiray.report.plots.dimensions import whiskers
from semiray.report.section import Guide, Headline, Section
from semiray.report.theme import Theme, blank, legend, style

__all__ = ["SECTION", "plot_confusion", "plot_per_class"]


GUIDE = Guide(
    "Can the synthetic images replace real ones? One classifier is trained on synthetic images only, another one "
    "on real images. Both are tested on the same real patients.",
    "Balanced accuracy is the share of images classified correctly, averaged over classes. The ratio, synthetic "
    "divided by real, says how much of the real images' value is kept. If its interval contains 1, no significant "
    "difference was found; this does not prove that there is none.",
    "Floor: chance level, 1 divided by the number of classes. Ceiling: the classifier trained on real images, or a "
    "ratio of 1.",
    "One small network is the judge; another one might give other figures. Intervals cover the choice of test "
    "patients and, with several trainings, the randomness of training the classifier, but not of training the "
    "generator. A classifier may use differences that are not in the lungs: see Shortcuts.",
)


def body(u: UtilityResult, results: Results) -> Iterator[Block]:
    """How it was measured, both classifiers overall and by class, and their confusion matrices."""
    s, tstr, trtr = u.settings, u.tstr, u.trtr
    trainings = f"{s.seeds} trainings per side" if s.seeds > 1 else "one training per side"
    unseen = "neither it nor the generator has seen" if results.prior is not None else "it has not seen"
    yield Paragraph(
        f"The same small CNN, {trainings}, is trained on {tstr.n_train:,} synthetic images and on {trtr.n_train:,} "
        f"real images of {u.n_train_patients:,} patients. It is tested on {tstr.n_images:,} real images of "
        f"{tstr.n_patients:,} other patients that {unseen}. {s.steps:,} steps with batches of {s.batch} images, "
        "classes in equal shares, the same augmentation; all of it was fixed in advance."
    )
    sides = (("synthetic", tstr), ("real", trtr))
    yield Table(
        ["trained on", "balanced accuracy", "accuracy", "AUROC", "average precision", "calibration error"],
        [
            *([html('<span class="{0}">{0}</span>', side), *_overall(scores)] for side, scores in sides),
            ["chance level", f"{u.chance:.3f}", "", "0.500", f"{u.chance:.3f}", ""],
        ],
    )
    yield Picture(
        "per_class",
        "Dots: mean over trainings. Lines: 95 % intervals (bootstrap over patients and trainings). Dashes: chance "
        "level.",
    )
    yield Table(
        [
            *("class, trained on", "precision", "recall", "F1", "AUROC"),
            f"recall at {tstr.specificity:.0%} specificity",
            "tested on",
        ],
        [
            [html('{0} <span class="{1}">{1}</span>', scores.per_class[k].name, side), *_row(scores.per_class[k])]
            for k in range(len(u.classes))
            for side, scores in sides
        ],
    )
    yield Pair(
        (
            Picture("confusion_tstr", "Per cent and number of images of each true class.", "small-figure"),
            Picture("confusion_trtr", "The ceiling, on the same patients.", "small-figure"),
        )
    )
    for side, scores in sides:
        text = "\n".join(f"Seed {k}\n{report}" for k, report in enumerate(scores.reports))
        yield Details(f"Classification reports, trained on {side} images", text=text)


def headlines(u: UtilityResult, results: Results) -> Iterator[Headline]:
    """Balanced accuracy of both classifiers, and their ratio."""
    tstr, trtr = u.tstr.balanced_accuracy, u.trtr.balanced_accuracy
    patients = "phantoms" if results.phantom else "real patients"

    yield Headline(
        "trained on synthetic images",
        *ends(tstr),
        trtr.mean,
        "ceiling",
        sentence=f"balanced accuracy on {patients} of a classifier trained on synthetic images ({span(tstr)}); trained "
        f"on real images {trtr.mean:.2f}, the ceiling; chance level {u.chance:.2f}. Ratio {u.ratio.mean:.2f} "
        f"({span(u.ratio)})",
    )
    yield Headline("trained on real images", *ends(trtr), u.chance, "chance level")
    yield Headline("synthetic / real", *ends(u.ratio), 1.0, "ceiling")


def verdict(u: UtilityResult, results: Results) -> str:
    """What the images are worth on their own."""
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
    said = (
        f"Trained on these images only, a classifier of {real} reaches {_percent(u.ratio.mean)} of the balanced "
        f"accuracy that real images give ({100 * u.ratio.low:.0f} to {_percent(u.ratio.high)}; chance level "
        f"{_percent(u.chance / ceiling.mean)})"
    )
    if u.ratio.high < 1:
        return f"{said}: they are useful, but less useful than real images.{once}"
    if u.ratio.low > 1:
        return f"{said}: they are more useful than the real images that were available.{once}"
    return f"{said}: no significant difference was found; this does not prove that there is none.{once}"


def plot_per_class(u: UtilityResult, theme: Theme) -> Figure:
    """Precision, recall, F1 and AUROC of every class with intervals, trained on synthetic beside trained on real."""
    measures = (("Precision", "precision"), ("Recall", "recall"), ("F1", "f1"), ("AUROC", "auroc"))
    count = len(u.classes)
    figure = blank(7.2, 1.5 + 2 * (0.42 * count + 0.35), theme)
    grid = figure.subplots(2, 2, sharey=True, sharex=True).ravel()
    for axes, (title, field) in zip(grid, measures, strict=True):
        style(axes, theme, title)
        for scores, colour, offset in ((u.tstr, theme.synthetic, -0.14), (u.trtr, theme.real, 0.14)):
            intervals: list[Interval] = [getattr(one, field) for one in scores.per_class]
            whiskers(axes, [(x.mean, x.low, x.high) for x in intervals], np.arange(count) + offset, colour)
        floor = [getattr(one.chance, field) for one in u.tstr.per_class]
        places = np.arange(count)
        axes.vlines(floor, places - 0.36, places + 0.36, color=theme.faint, linewidth=1, linestyle=(0, (2, 1.5)))
        axes.set(xlim=(-0.02, 1.02), ylim=(count - 0.5, -0.5), yticks=range(count))
        axes.set_yticklabels(u.classes)
    legend(figure, theme, ((theme.synthetic, "trained on synthetic"), (theme.real, "trained on real (ceiling)")))
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_size_inches()[1]))
    return figure


def plot_confusion(scores: ClassificationScores, classes: Sequence[str], title: str, theme: Theme) -> Figure:
    """The confusion matrix in per cent of each true class, and in images, averaged over seeds."""
    matrix = np.mean(scores.confusion, axis=0)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    count = len(classes)
    side = max(2.4, 0.95 * count)
    names = max(text_width(name, 8.5) for name in classes)
    upright = names < 0.9 * side / count
    figure = blank(side + 0.8 + names, side + (1.05 if upright else 0.95 + 0.75 * names), theme)
    axes = figure.add_subplot()
    style(axes, theme, title)
    axes.grid(visible=False)
    axes.imshow(share, cmap=LinearSegmentedColormap.from_list("ramp", theme.ramp), vmin=0, vmax=1)
    for i in range(count):
        for j in range(count):
            strong = share[i, j] > 0.75  # paler, and dark letters are easier to read
            colour = "#ffffff" if strong else theme.ink
            axes.text(j, i - 0.1, f"{share[i, j]:.0%}", ha="center", va="center", fontsize=12, color=colour)
            axes.text(j, i + 0.22, f"{matrix[i, j]:,.0f}", ha="center", va="center", fontsize=8.5, color=colour)
    axes.set(xticks=range(count), yticks=range(count), xlabel="predicted", ylabel="true")
    axes.set_xticklabels(classes)
    if not upright:
        axes.tick_params(axis="x", labelrotation=40)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axes.set_yticklabels(classes)
    axes.spines[:].set_visible(False)
    figure.tight_layout()
    return figure


def _overall(scores: ClassificationScores) -> list[str]:
    return [
        *cells(scores.balanced_accuracy, scores.accuracy, scores.auroc),
        *cells(scores.average_precision, scores.calibration_error),
    ]


def _row(scores: ClassScores) -> list[str]:
    return [
        *cells(scores.precision, scores.recall, scores.f1, scores.auroc, scores.recall_at_specificity),
        html("<small>{:,} images, {:,} patients</small>", scores.n_images, scores.n_patients),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


SECTION = Section(
    UtilityResult,
    "Utility",
    GUIDE,
    body,
    subtitle="balanced accuracy on held-out images",
    plots={
        "per_class": lambda u, _, theme: plot_per_class(u, theme),
        "confusion_tstr": lambda u, _, theme: plot_confusion(u.tstr, u.classes, "Trained on synthetic images", theme),
        "confusion_trtr": lambda u, _, theme: plot_confusion(u.trtr, u.classes, "Trained on real images", theme),
    },
    headlines=headlines,
    verdict=verdict,
    missing="Whether a classifier can learn from these images was not measured",
)
