"""Benefit: what synthetic images add to real images with classical augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from semiray.evaluation import BenefitResult, ClassificationScores, Interval, Results
from semiray.report.section import Block, Details, Guide, Headline, Picture, Section, Table, cells, ends, html, signed
from semiray.report.theme import Theme, blank, foot, style

__all__ = ["ARMS", "SECTION", "USES", "plot_benefit"]

FEW_SEEDS = 5  # below, the verdict calls itself a first look
USES = {"mixed": "mixed in", "pretrained": "used for pre-training"}
MEASURES = {
    "balanced_accuracy": "balanced accuracy",
    "auroc": "AUROC",
    "average_precision": "average precision",
    "calibration_error": "calibration error (0 is best)",
}
ARMS = {
    "real": "real images only",
    "classical": "real + classical augmentation",
    "synthetic": "real + synthetic",
    "mixed": "real + synthetic + classical augmentation",
    "pretrained": "pre-trained on synthetic, then real + classical augmentation",
}


def _body(result: BenefitResult, _: Results) -> Iterator[Block]:
    s = result.settings
    yield (
        f"Classifier: {s.architecture.name}. {s.seeds} trainings each, {s.steps:,} steps with batches of {s.batch} "
        f"images on all patients and fewer steps on fewer patients ({s.steps_at(s.fractions[0]):,} on "
        f"{s.fractions[0]:.0%}), classes in equal shares; all of it was fixed in advance. Pre-training takes "
        f"{s.steps:,} additional steps for every fraction: part of its gain may come from the longer training. "
        "Classical augmentation: rotation by up to 10°, shifts, scaling, contrast, brightness"
        f"{', mirroring' if s.mirror else '; no mirroring, as a heart on the right is a finding of its own'}. "
        f"Where images are mixed, {s.share:.0%} of a batch are synthetic, from {result.n_synthetic:,}."
    )
    if result.own:
        yield (
            "The generator was trained on all training patients and no others: in the last column it has seen no more "
            "than the classifiers."
        )
        yield html(
            "With fewer than all patients the comparison favours synthetic images: the generator was trained on "
            "<em>all</em> training patients, the classifier on a part of them. This is the situation of a hospital "
            "that shares synthetic images instead of real ones. Only the last column is about augmentation."
        )
    elif result.own is None:
        yield (
            "It is not known which patients the generator was trained on. If there were more than these, a gain may "
            "come from them; if the test patients were among them, the figures are too good."
        )
    else:
        yield "The generator was trained on other patients, or not only on these: a gain may be what the others add."
    yield Picture("benefit")
    fractions = [
        html("{}<br><small>{} patients</small>", f"{f:.0%}", f"{result.n_patients[f]:,.0f}") for f in s.fractions
    ]

    def arms(read: Callable[[ClassificationScores], Interval], title: str = "", *more: list[str]) -> Table:
        """All arms; intervals stand below figures, so that the last column, which matters most, stays on the page."""
        rows = [[name, *cells(*map(read, result.arms[arm].values()))] for arm, name in ARMS.items()]
        rows = [[name, *(one.replace(" <small>", Markup("<br><small>")) for one in figures)] for name, *figures in rows]
        return Table(["trained on", *fractions], [*rows, *more], title)

    form = "{}<br><small>{} to {}</small>"
    gains = [
        [f"gain, synthetic {name}", *(html(form, *map(signed, ends(gain))) for gain in result.gains[use].values())]
        for use, name in USES.items()
    ]
    yield arms(attrgetter("balanced_accuracy"), "Balanced accuracy", *gains)
    others = {f"{n:,} synthetic images": one for n, one in sorted(result.synthetic_only.items())}
    others |= {f"all patients, {n:.0%} of each batch synthetic": one for n, one in sorted(result.mixing.items())}
    yield Table(
        ["trained on", *MEASURES.values()],
        [[name, *cells(*attrgetter(*MEASURES)(one))] for name, one in others.items()],
        "Synthetic images only, and shares of synthetic images",
    )
    for field in ("auroc", "average_precision", "calibration_error"):
        yield Details(MEASURES[field], arms(attrgetter(field)))
    k = result.classes.index(result.minority)
    title = f"Recall of {result.minority}, the class with the fewest patients"
    yield Details(title, arms(lambda one: one.per_class[k].recall))
    for j, name in enumerate(result.classes):
        title = f"Recall of {name} at {result.arms['real'][1.0].specificity:.0%} specificity"
        yield Details(title, arms(lambda one, j=j: one.per_class[j].recall_at_specificity))  # type: ignore[misc]


def _headlines(result: BenefitResult, _: Results) -> Iterator[Headline]:
    best, classical = _best(result), result.arms["classical"][1.0].balanced_accuracy
    for use, gain in result.decisive.items():
        sentence = (
            f"gain in balanced accuracy with synthetic images {USES[use]}, over real images with classical "
            f"augmentation ({classical.mean:.2f}), all patients: {signed(gain.low)} to {signed(gain.high)}; no benefit "
            "is 0"
        )
        name, words = f"gain, synthetic images {USES[use]}", sentence if use == best else ""
        yield Headline(name, *ends(gain), 0.0, "no benefit", digits=3, signed=True, sentence=words)


def _best(result: BenefitResult) -> str:
    return max(result.decisive, key=lambda use: result.decisive[use].low)


def _verdict(result: BenefitResult, _: Results) -> str:
    gains, seeds = result.decisive, result.settings.seeds
    told = "; ".join("{} {} ({} to {})".format(name, *map(signed, ends(gains[use]))) for use, name in USES.items())
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
    if seeds < FEW_SEEDS:
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
    for axes, title in ((curves, "Balanced accuracy"), (gains, "Gain over classical")):
        style(axes, theme, title)
        axes.set_xscale("log")
        patients = list(result.n_patients.values())
        axes.xaxis.set_major_locator(FixedLocator(patients))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(patients, [f"{n:,.0f}" for n in patients], rotation=45 if len(patients) > 3 else 0)
        axes.set_xlabel("real patients")
    style(mixing, theme, "Share of synthetic")
    mixing.set(xticks=[0, 0.5, 1], xlabel="of each batch, all patients", xlim=(-0.05, 1.05))
    for axes in (curves, gains, mixing):
        axes.grid(axis="y", color=theme.rule, linewidth=0.7)
    curves.axhline(alone.mean, color=theme.synthetic, linewidth=1.2, linestyle=":")
    gains.axhline(0, color=theme.real, linewidth=1.2)
    for arm, look in looks.items():
        found = {result.n_patients[f]: scores.balanced_accuracy for f, scores in result.arms[arm].items()}
        _curve(curves, found, *look, band=arm in ("classical", *USES))
        if arm in USES:
            _curve(gains, {result.n_patients[f]: gain for f, gain in result.gains[arm].items()}, *look)
    shares = {0.0: result.arms["classical"][1.0], **dict(sorted(result.mixing.items()))}
    _curve(mixing, {n: one.balanced_accuracy for n, one in shares.items()} | {1.0: alone}, *looks["mixed"])
    handles = []
    for arm, (colour, line, marker) in looks.items():
        name = ARMS[arm].partition(",")[0].replace(" images", "").replace(" augmentation", "")
        handles += curves.plot([], [], color=colour, linestyle=line, marker=marker, markersize=4, label=name)
    figure.legend(
        handles=handles, loc="upper left", ncols=3, frameon=False, fontsize=8.5, labelcolor=theme.ink, columnspacing=1.4
    )
    figure.tight_layout(rect=(0, bottom, 1, 0.88), w_pad=1.2)
    return figure


def _curve(
    axes: Axes, found: Mapping[float, Interval], colour: str, line: str, marker: str, *, band: bool = True
) -> None:
    places = list(found)
    mean, low, high = zip(*map(ends, found.values()), strict=True)
    if band:
        axes.fill_between(places, low, high, color=colour, alpha=0.13, linewidth=0)
        if len(places) < 4:  # a band of few points says little
            axes.vlines(places, low, high, color=colour, linewidth=1.2, alpha=0.6)
    axes.plot(places, mean, color=colour, linestyle=line, marker=marker, markersize=4, linewidth=1.5)


SECTION = Section(
    BenefitResult,
    "Benefit",
    Guide(
        "Do synthetic images help a classifier more than classical augmentation does? Classifiers that differ only in "
        "their training images (and, with pre-training, in the length of training) are tested on the same patients.",
        html(
            "What counts is the difference from <em>real + classical augmentation</em>, which needs no generator. "
            "Differences are paired: same patients, same seeds. The intervals of the verdict are wider than 95 %, so "
            "that for both uses of synthetic images together it is wrong in about one evaluation in twenty."
        ),
        "Floor of a gain: 0; of balanced accuracy: chance level. There is no ceiling.",
        "Intervals cover the choice of patients and the training of classifiers, not of the generator: for that, "
        "evaluate several runs. A larger classifier or a longer schedule might give other figures.",
    ),
    _body,
    subtitle="balanced accuracy beyond real images with classical augmentation",
    plots={"benefit": lambda result, _, theme: plot_benefit(result, theme)},
    headlines=_headlines,
    verdict=_verdict,
)
