"""Benefit: what synthetic images add to real images with classical augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from semiray.evaluation import BenefitResult, ClassificationScores, Interval, Results
from semiray.report.blocks import Block, Details, Heading, Paragraph, Picture, Table, cells, ends, html, signed
from semiray.report.section import Guide, Headline, Section
from semiray.report.theme import Theme, blank, foot, style

__all__ = ["SECTION", "plot_benefit"]

FEW_SEEDS = 5  # below, the verdict calls itself a first look
USES = {"mixed": "mixed in", "pretrained": "used for pre-training"}
ARMS = {
    "real": "real images only",
    "classical": "real + classical augmentation",
    "synthetic": "real + synthetic",
    "mixed": "real + synthetic + classical augmentation",
    "pretrained": "pre-trained on synthetic, then real + classical augmentation",
}
ARMS_SHORT = {
    "real": "real only",
    "classical": "real + classical",
    "synthetic": "real + synthetic",
    "mixed": "real + synthetic + classical",
    "pretrained": "pre-trained on synthetic",
}


GUIDE = Guide(
    "Do synthetic images help a classifier more than classical augmentation does? Classifiers that differ only in "
    "their training images (and, with pre-training, in the length of training) are tested on the same held-out "
    "patients.",
    html(
        "What counts is the difference from <em>real + classical augmentation</em>, which needs no generator. "
        "Differences are paired: same patients, same seeds. The intervals of the verdict are wider than 95 %, so "
        "that for both uses of synthetic images together it is wrong in about one evaluation in twenty."
    ),
    "Floor of a gain: 0; of balanced accuracy: chance level. There is no ceiling.",
    "Intervals cover the choice of patients and the training of classifiers, not the training of the generator: "
    "for that, evaluate several runs. A larger classifier or a longer schedule might give other figures.",
)


def body(result: BenefitResult, _: Results) -> Iterator[Block]:
    """How it was measured, curves, and tables of every arm."""
    s = result.settings
    yield Paragraph(html("<strong>{}</strong>", verdict(result, _)))
    yield Paragraph(
        f"Classifier: {s.architecture.name}. {s.seeds} trainings each, {s.steps:,} steps with batches of {s.batch} "
        f"images on all patients and fewer steps on fewer patients ({s.steps_at(s.fractions[0]):,} on "
        f"{s.fractions[0]:.0%}), classes in equal shares; all of it was fixed in advance. Pre-training takes "
        f"{s.steps:,} additional steps for every fraction: part of its gain may come from the longer training. "
        "Classical augmentation: rotation by up to 10°, shifts, scaling, contrast, brightness"
        f"{', mirroring' if s.mirror else '; no mirroring, as a heart on the right is a finding of its own'}. "
        f"Where images are mixed, {s.share:.0%} of a batch are synthetic, from {result.n_synthetic:,}."
    )
    yield Paragraph(_premise(result))
    if result.own:
        yield Paragraph(
            html(
                "With fewer than all patients the comparison favours synthetic images: the generator was trained on "
                "<em>all</em> training patients, the classifier on a part of them. This is the situation of a hospital "
                "that shares synthetic images instead of real ones. Only the last column is about augmentation."
            )
        )
    columns = [
        html("{}<br><small>{} patients</small>", f"{f:.0%}", f"{result.n_patients[f]:,.0f}") for f in s.fractions
    ]
    gains = [[f"gain, synthetic {USES[use]}", *(_gain(gain) for gain in result.gains[use].values())] for use in USES]
    yield Picture("benefit")
    yield Heading("Balanced accuracy")
    yield Table(["trained on", *columns], [*_arms(result, lambda scores: scores.balanced_accuracy), *gains])
    yield Heading("Synthetic images only, and shares of synthetic images")
    yield Table(
        ["trained on", "balanced accuracy", "AUROC", "average precision", "calibration error"],
        [
            *(_overall(f"{n:,} synthetic images", one) for n, one in sorted(result.synthetic_only.items())),
            *(
                _overall(f"all patients, {share:.0%} of each batch synthetic", one)
                for share, one in sorted(result.mixing.items())
            ),
        ],
    )
    k = result.classes.index(result.minority)
    measures: list[tuple[str, Callable[[ClassificationScores], Interval]]] = [
        ("AUROC", lambda one: one.auroc),
        ("Average precision", lambda one: one.average_precision),
        ("Expected calibration error (0 is calibrated)", lambda one: one.calibration_error),
        (f"Recall of {result.minority}, the class with the fewest patients", lambda one: one.per_class[k].recall),
    ]
    at = f"at {result.arms['real'][1.0].specificity:.0%} specificity"
    measures += [
        (f"Recall of {name} {at}", lambda one, j=j: one.per_class[j].recall_at_specificity)  # type: ignore[misc]
        for j, name in enumerate(result.classes)
    ]
    for title, read in measures:
        yield Details(title, (Table(["trained on", *columns], _arms(result, read)),))


def headlines(result: BenefitResult, _: Results) -> Iterator[Headline]:
    """The gain of each use of synthetic images; the better one, as the verdict reads it, with a card."""
    best, classical = _best(result), result.arms["classical"][1.0].balanced_accuracy
    for use, gain in result.decisive.items():
        sentence = (
            f"gain in balanced accuracy with synthetic images {USES[use]}, over real images with classical "
            f"augmentation ({classical.mean:.2f}), all patients: {signed(gain.low)} to {signed(gain.high)}; no benefit "
            "is 0"
        )
        yield Headline(
            f"gain, synthetic images {USES[use]}",
            *ends(gain),
            0.0,
            "no benefit",
            digits=3,
            signed=True,
            sentence=sentence if use == best else "",
        )


def verdict(result: BenefitResult, _: Results) -> str:
    """Whether synthetic images help more than classical augmentation on all patients, by how much, how certainly."""
    gains = result.decisive
    told = "; ".join(
        f"{name} {signed(gains[use].mean)} ({signed(gains[use].low)} to {signed(gains[use].high)})"
        for use, name in USES.items()
    )
    if gains[_best(result)].low > 0:
        words = "Synthetic images improve the classifier beyond classical augmentation"
    elif all(gain.high < 0 for gain in gains.values()):
        words = "Synthetic images make the classifier worse than classical augmentation alone"
    else:
        words = "No evidence that synthetic images improve the classifier beyond classical augmentation"
    text = f"{words}: change in balanced accuracy with all real patients, {told}."
    real, classical = (result.arms[arm][1.0].balanced_accuracy.mean for arm in ("real", "classical"))
    if real > classical:  # then classical augmentation is an easy baseline, and a reader must know
        text += f" Real images without augmentation: {signed(real - classical)}."
    if result.settings.seeds < FEW_SEEDS:
        seeds = result.settings.seeds
        text += f" Only {seeds} training{'s' if seeds > 1 else ''} of each kind: a first look."
    return text


def plot_benefit(result: BenefitResult, theme: Theme) -> Figure:
    """Balanced accuracy of every arm, what synthetic images add to classical augmentation, and how much to mix."""
    figure = blank(9.0, 4.2, theme)
    alone = result.synthetic_only[max(result.synthetic_only)].balanced_accuracy
    bottom = foot(
        figure,
        theme,
        "Bands and bars: 95 % intervals over patients and trainings. Dotted: synthetic images only, "
        f"{max(result.synthetic_only):,} of them. Chance level: {1 / len(result.classes):.2f}.",
    )
    looks = {
        "real": (theme.faint, "-", "s"),
        "classical": (theme.real, "-", "o"),
        "synthetic": (theme.synthetic, "--", "^"),
        "mixed": (theme.synthetic, "-", "o"),
        "pretrained": (theme.third, "-", "D"),
    }
    curves, gains, mixing = figure.subplots(1, 3, gridspec_kw={"width_ratios": (1.25, 1, 0.8)})
    _axes(curves, theme, "Balanced accuracy", list(result.n_patients.values()))
    curves.axhline(alone.mean, color=theme.synthetic, linewidth=1.2, linestyle=":")
    for arm, (colour, line, marker) in looks.items():
        found = {result.n_patients[f]: scores.balanced_accuracy for f, scores in result.arms[arm].items()}
        _curve(curves, found, colour, line, marker, band=arm in ("classical", *USES))
    _axes(gains, theme, "Gain over classical", list(result.n_patients.values()))
    gains.axhline(0, color=theme.real, linewidth=1.2)
    for arm in USES:
        colour, line, marker = looks[arm]
        _curve(gains, {result.n_patients[f]: gain for f, gain in result.gains[arm].items()}, colour, line, marker)
    style(mixing, theme, "Share of synthetic")
    shares = {
        0.0: result.arms["classical"][1.0].balanced_accuracy,
        **{share: scores.balanced_accuracy for share, scores in sorted(result.mixing.items())},
        1.0: alone,
    }
    _curve(mixing, shares, theme.synthetic, "-", "o")
    mixing.set(xticks=[0, 0.5, 1], xlabel="of each batch, all patients", xlim=(-0.05, 1.05))
    mixing.grid(axis="y", color=theme.rule, linewidth=0.7)
    handles = [
        curves.plot([], [], color=colour, linestyle=line, marker=marker, markersize=4, label=ARMS_SHORT[arm])[0]
        for arm, (colour, line, marker) in looks.items()
    ]
    figure.legend(
        handles=handles, loc="upper left", ncols=3, frameon=False, fontsize=8.5, labelcolor=theme.ink, columnspacing=1.4
    )
    figure.tight_layout(rect=(0, bottom, 1, 0.88), w_pad=1.2)
    return figure


def _curve(
    axes: Axes, found: Mapping[float, Interval], colour: str, line: str, marker: str, *, band: bool = True
) -> None:
    places, intervals = list(found), list(found.values())
    if band:
        low, high = [x.low for x in intervals], [x.high for x in intervals]
        axes.fill_between(places, low, high, color=colour, alpha=0.13, linewidth=0)
        if len(places) < 4:  # a band of few points says little
            axes.vlines(places, low, high, color=colour, linewidth=1.2, alpha=0.6)
    means = [x.mean for x in intervals]
    axes.plot(places, means, color=colour, linestyle=line, marker=marker, markersize=4, linewidth=1.5)


def _axes(axes: Axes, theme: Theme, title: str, patients: list[float]) -> None:
    style(axes, theme, title)
    axes.grid(axis="y", color=theme.rule, linewidth=0.7)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(patients))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(patients, [f"{n:,.0f}" for n in patients], rotation=45 if len(patients) > 3 else 0)
    axes.set_xlabel("real patients")


def _best(result: BenefitResult) -> str:
    return max(result.decisive, key=lambda use: result.decisive[use].low)


def _premise(result: BenefitResult) -> str:
    """Which patients the generator has seen: the meaning of the last column depends on it."""
    if result.own:
        return (
            "The generator was trained on all training patients and no others: in the last column it has seen no more "
            "than the classifiers."
        )
    if result.own is None:
        return (
            "It is not known which patients the generator was trained on. If there were more than these, a gain may "
            "come from them; if the test patients were among them, the figures are too good."
        )
    return "The generator was trained on other patients: a gain is what they add, not augmentation of these."


def _arms(result: BenefitResult, read: Callable[[ClassificationScores], Interval]) -> list[list[str]]:
    return [[name, *_narrow(map(read, result.arms[arm].values()))] for arm, name in ARMS.items()]


def _narrow(figures: Iterable[Interval]) -> list[str]:
    """Cells with the interval below the figure, so that the last column, which matters most, stays on the page."""
    return [text.replace(" <small>", Markup("<br><small>")) for text in cells(*figures)]


def _overall(name: str, scores: ClassificationScores) -> list[str]:
    return [name, *cells(scores.balanced_accuracy, scores.auroc, scores.average_precision, scores.calibration_error)]


def _gain(gain: Interval) -> str:
    return html("{}<br><small>{} to {}</small>", signed(gain.mean), signed(gain.low), signed(gain.high))


SECTION = Section(
    BenefitResult,
    "Benefit",
    GUIDE,
    body,
    subtitle="balanced accuracy beyond real images with classical augmentation",
    plots={"benefit": lambda result, _, theme: plot_benefit(result, theme)},
    headlines=headlines,
    verdict=verdict,
)
