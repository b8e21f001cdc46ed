"""Benefit: what synthetic images add to real ones, beyond what needs no generator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from semiray.evaluation import BenefitResult, Interval, Results
from semiray.evaluation.judgements.benefit import BASELINES, figures_of
from semiray.report.section import Block, Details, Guide, Headline, Picture, Section, Table, cells, ends, html, signed
from semiray.report.theme import Theme, blank, foot, style, whiskers

__all__ = ["ARMS", "SECTION", "USES", "plot_benefit"]

FEW_SEEDS = 5  # below, the verdict calls itself a first look
USES = {"mixed": "mixed in", "pretrained": "used for pre-training"}
ARMS = {
    "real": "real images only",
    "classical": "real + classical augmentation",
    "longer": "real + classical augmentation, trained longer",
    "duplicated": "real + classical augmentation, pre-trained on copies",
    "pseudo": "real + pseudo-labelled, classical augmentation",
    "synthetic": "synthetic images only",
    "mixed": "real + synthetic, classical augmentation",
    "pretrained": "pre-trained on synthetic, then real + classical augmentation",
}
LABELS = {
    "real": "real",
    "classical": "real + classical",
    "longer": "trained longer",
    "duplicated": "pre-trained on copies",
    "pseudo": "pseudo-labelled",
    "synthetic": "synthetic only",
    "mixed": "synthetic mixed in",
    "pretrained": "synthetic pre-training",
}


def _names(result: BenefitResult) -> dict[str, str]:
    """What the figures that were compared are called."""
    recall = f"recall of {result.minority} at {result.arms['real'].specificity:.0%} specificity"
    names = {"balanced_accuracy": "balanced accuracy", "auroc": "AUROC", "minority_recall": recall}
    names["minority_average_precision"] = f"average precision of {result.minority}"
    return {name: names[name] for name in result.gains}


def _figures(result: BenefitResult, arm: str) -> dict[str, Interval]:
    return figures_of(result.arms[arm], result.classes.index(result.minority))


def _mode(result: BenefitResult) -> str:
    """How scarce labels were for the generator and for classifiers alike."""
    said = [f"{name} cut down to {share:.0%} of its training patients" for name, share in result.thinned.items()]
    if result.n_unlabelled:
        whole = result.n_patients + result.n_unlabelled_patients
        said.append(f"labels of {result.n_patients:,} of {whole:,} training patients")
    return ", ".join(said) or f"labels of all {result.n_patients:,} training patients"


def _body(result: BenefitResult, _: Results) -> Iterator[Block]:
    s = result.settings
    yield f"Judged with {_mode(result)}."
    apart = "taken from the training patients" if result.held_back else "of the split's validation patients"
    yield (
        f"Classifier: {s.architecture.name}. {s.seeds} trainings each on {result.n_real:,} labelled real images, "
        f"batches of {s.batch}, classes in equal shares. One rule for all: training ends {s.patience:,} steps after "
        f"the loss on {result.n_validation:,} images {apart} was smallest, or after {s.steps:,} steps, and the weights "
        "of then are kept. Classical augmentation: rotation by up to 10°, shifts, scaling, contrast, brightness"
        f"{', mirroring' if s.mirror else '; no mirroring, as a heart on the right is a finding of its own'}. "
        f"Where images are mixed in, {s.share:.0%} of a batch are synthetic, from {result.n_synthetic:,}."
    )
    if result.own:
        besides = ", besides those taken for validation" if result.held_back else ""
        yield f"The generator was trained on the same patients and labels as the classifiers{besides}."
    elif result.own is None:
        yield (
            "It is not known which patients the generator was trained on. If there were more than these, a gain may "
            "come from them; if the test patients were among them, the figures are too good."
        )
    else:
        yield "The generator was trained on other patients, or not only on these: a gain may be what the others add."
    yield Picture("benefit")
    names = _names(result)
    shown = {arm: name for arm, name in ARMS.items() if arm in result.arms}
    rows = [
        [name, *cells(*(_figures(result, arm)[figure] for figure in names)), f"{np.mean(result.lasted[arm]):,.0f}"]
        for arm, name in shown.items()
    ]
    yield Table(["trained on", *names.values(), "steps"], rows)
    rows = []
    for figure, name in names.items():
        for use, gain in result.gains[figure].items():
            over = [_change(gain.difference), *([_change(gain.over_pseudo)] if gain.over_pseudo is not None else [])]
            rows.append([name, f"synthetic {USES[use]}", ARMS[gain.baseline], *over])
    pseudo = ["beyond pseudo-labelling"] * ("pseudo" in result.arms)
    yield Table(["figure", "use", "best baseline", "gain", *pseudo], rows, "Gain over the best baseline")
    for title, field in (("Average precision", "average_precision"), ("Calibration error", "calibration_error")):
        table = [[name, *cells(getattr(result.arms[arm], field))] for arm, name in shown.items()]
        yield Details(title, Table(["trained on", title.lower()], table))
    title = f"Recall of each class at {result.arms['real'].specificity:.0%} specificity"
    table = [
        [name, *cells(*(one.recall_at_specificity for one in result.arms[arm].per_class))]
        for arm, name in shown.items()
    ]
    yield Details(title, Table(["trained on", *result.classes], table))


def _change(gain: Interval) -> Markup:
    return html("{} <small>{} to {}</small>", *map(signed, ends(gain)))


def _headlines(result: BenefitResult, _: Results) -> Iterator[Headline]:
    names, best = _names(result), _best(result, "balanced_accuracy")
    for figure, gains in result.gains.items():
        suffix = "" if figure == "balanced_accuracy" else f", {names[figure]}"
        for use, gain in gains.items():
            sentence = ""
            if not suffix and use == best:
                auroc = result.gains["auroc"][use].difference
                sentence = (
                    f"gain in balanced accuracy with synthetic images {USES[use]}, over the best that needs none "
                    f"({ARMS[gain.baseline]}, {_figures(result, gain.baseline)[figure].mean:.2f}), {_mode(result)}: "
                    f"{signed(gain.difference.low)} to {signed(gain.difference.high)}; no benefit is 0. AUROC: "
                    f"{signed(auroc.mean)} ({signed(auroc.low)} to {signed(auroc.high)})"
                )
            name = f"gain, synthetic images {USES[use]}{suffix}"
            yield Headline(name, *ends(gain.difference), 0.0, "no benefit", digits=3, signed=True, sentence=sentence)


def _best(result: BenefitResult, figure: str) -> str:
    return max(result.gains[figure], key=lambda use: result.gains[figure][use].difference.low)


def _verdict(result: BenefitResult, _: Results) -> str:
    names, seeds = _names(result), result.settings.seeds
    lines = []
    for figure, name in names.items():
        differences = {use: gain.difference for use, gain in result.gains[figure].items()}
        if differences[_best(result, figure)].low > 0:
            words = "synthetic images improve the classifier beyond what needs none"
        elif all(difference.high < 0 for difference in differences.values()):
            words = "synthetic images make the classifier worse than what needs none"
        else:
            words = "no evidence that synthetic images improve the classifier beyond what needs none"
        baseline = ARMS[next(iter(result.gains[figure].values())).baseline]
        lines.append(f"In {name} {words}: compared with {baseline}, {_list(differences)}.")
    gains = result.gains["balanced_accuracy"].items()
    if rival := {use: gain.over_pseudo for use, gain in gains if gain.over_pseudo is not None}:
        lines.append(f"Balanced accuracy compared with pseudo-labelling: {_list(rival)}.")
    if seeds < FEW_SEEDS:
        lines.append(f"Only {seeds} training{'s' if seeds > 1 else ''} of each kind: a first look.")
    return f"Benefit, with {_mode(result)}. {' '.join(lines)}"


def _list(differences: Mapping[str, Interval]) -> str:
    return "; ".join("{} {} ({} to {})".format(USES[use], *map(signed, ends(one))) for use, one in differences.items())


def plot_benefit(result: BenefitResult, theme: Theme) -> Figure:
    """Every arm in each figure that was compared."""
    names, shown = _names(result), [arm for arm in ARMS if arm in result.arms]
    places = np.arange(len(shown))
    figure = blank(9.0, 1.2 + 0.34 * len(shown), theme)
    bottom = foot(figure, theme, "Dots: mean over trainings. Lines: 95 % intervals. Dashes: the best baseline.")
    grid = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, (name, title) in zip(grid, names.items(), strict=True):
        style(axes, theme, (title[0].upper() + title[1:]).replace(" at ", "\nat ").replace(" of ", "\nof ", 1))
        reached = {arm: _figures(result, arm)[name] for arm in shown}
        for arm, place in zip(shown, places, strict=True):
            colour = theme.real if arm in BASELINES else theme.third if arm == "pseudo" else theme.synthetic
            whiskers(axes, [ends(reached[arm])], [place], colour)
        best = reached[next(iter(result.gains[name].values())).baseline].mean
        axes.axvline(best, color=theme.real, linewidth=1, linestyle=(0, (2, 1.5)))
        axes.set(ylim=(len(shown) - 0.5, -0.5))
        axes.locator_params(axis="x", nbins=4)
    grid[0].set_yticks(places, [LABELS[arm] for arm in shown])
    figure.tight_layout(rect=(0, bottom, 1, 1), w_pad=1.2)
    return figure


SECTION = Section(
    BenefitResult,
    "Benefit",
    Guide(
        "Do synthetic images help a classifier more than anything that needs none? Classifiers that differ only in "
        "what they learn from are trained by the same rule and tested on the same patients.",
        html(
            "What counts is the difference from the best <em>baseline</em>: real images as they are, with classical "
            "augmentation, trained longer, or pre-trained on copies of themselves. Differences are paired: same "
            "patients, same seeds. Their intervals are wider than 95 %, so that for both uses of synthetic images "
            "together a verdict is wrong in about one evaluation in twenty."
        ),
        "Floor of a gain: 0; of balanced accuracy: chance level. There is no ceiling.",
        "The baseline is chosen by the test patients, which favours it. Intervals cover the choice of patients and the "
        "training of classifiers, not of the generator: for that, evaluate several runs. A larger classifier might "
        "give other figures.",
    ),
    _body,
    subtitle="gain over the best of what needs no synthetic images",
    plots={"benefit": lambda result, _, theme: plot_benefit(result, theme)},
    headlines=_headlines,
    verdict=_verdict,
)
