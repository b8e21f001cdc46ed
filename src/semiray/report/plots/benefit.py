"""The figure of the benefit: curves over the share of real patients, gains over classical augmentation, mixing."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from semiray.evaluation.judgements.benefit import USES, BenefitResult
from semiray.evaluation.statistics.classification import Interval
from semiray.report.theme import LIGHT, Theme, blank, foot, style

__all__ = ["plot_benefit"]

NAMES = {
    "real": "real alone",
    "classical": "real + classical",
    "synthetic": "real + synthetic",
    "mixed": "real + synthetic + classical",
    "pretrained": "pre-trained on synthetic",
}


def plot_benefit(result: BenefitResult, theme: Theme = LIGHT) -> Figure:
    """Balanced accuracy of every arm, what synthetic images add to classical augmentation, and how much to mix."""
    figure = blank(9.0, 4.2, theme)
    bottom = foot(
        figure,
        theme,
        "Bands and bars: 95 % intervals over patients and trainings. Dotted: synthetic images alone, "
        f"{max(result.synthetic_only):,} of them. Chance: {1 / len(result.classes):.2f}.",
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
    alone = result.synthetic_only[max(result.synthetic_only)].balanced_accuracy
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
    mixing.set(xticks=[0, 0.5, 1], xlabel="of a batch, all patients", xlim=(-0.05, 1.05))
    mixing.grid(axis="y", color=theme.rule, linewidth=0.7)
    handles = [
        curves.plot([], [], color=colour, linestyle=line, marker=marker, markersize=4, label=NAMES[arm])[0]
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
