"""Findings: recognised by a classifier trained on synthetic images, seen as often, and together as often, as asked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from semiray.evaluation import FindingsResult, ProbeResult, Results, UtilityResult
from semiray.evaluation.judgements.findings import Frequency
from semiray.report.section import Block, Guide, Headline, Picture, Section, Table, cell, cells, ends, html, span
from semiray.report.theme import Theme, blank, legend, style, whiskers

__all__ = ["SECTION", "plot_findings"]

SHOWN = 12  # pairs, those that differ most


def _body(result: FindingsResult, results: Results) -> Iterator[Block]:
    s = result.settings
    trainings = f"{s.seeds} trainings per side" if s.seeds > 1 else "one training per side"
    yield (
        f"A small CNN with one output per finding, {trainings}, is trained on {result.n_synthetic:,} synthetic images "
        f"with the findings that were requested, and on {result.n_train:,} real images of {result.n_train_patients:,} "
        "patients with those that are known. Both are tested on the same held-out patients."
    )
    yield Table(
        ["mean of all findings", "AUROC", "average precision"],
        [
            [
                html('<span class="synthetic">synthetic</span>'),
                *cells(result.tstr.auroc, result.tstr.average_precision),
            ],
            [html('<span class="real">real</span>'), *cells(result.trtr.auroc, result.trtr.average_precision)],
            ["ratio", *cells(result.auroc_ratio, result.average_precision_ratio)],
            ["chance level", f"{result.chance:.3f}", ""],
        ],
    )
    yield Picture("findings", "AUROC. Dots: mean over trainings. Lines: 95 % intervals. Dashes: chance level.")
    probe = results.get(ProbeResult)
    clean = probe.conditions["clean"].dimensions if isinstance(probe, ProbeResult) else ()
    accuracy = {one.name: cell(one.value, one.low, one.high) for one in clean}
    rows = [
        [
            one.name,
            *cells(one.tstr.auroc, one.trtr.auroc, one.tstr.average_precision, one.trtr.average_precision),
            f"{one.shown:.3f}",
            accuracy.get(f"{one.factor}[0]", ""),
            html("<small>{:,} images, {:,} have it</small>", one.n_images, one.n_present),
        ]
        for one in result.findings
    ]
    head = ["finding", "AUROC, synthetic", "real", "average precision, synthetic", "real"]
    yield Table([*head, "AUROC in synthetic images", "fresh probe, accuracy", "tested on"], rows)
    names = ["requested", "estimated", "held-out real", "estimated of these"]
    yield Table(
        ["how often", *names],
        [[one.name, *_frequencies(one.frequency)] for one in result.findings],
        "How often it is seen",
    )
    if result.pairs:
        worst = sorted(result.pairs, key=lambda pair: -_error(pair.frequency))[:SHOWN]
        rows = [[f"{pair.first} and {pair.second}", *_frequencies(pair.frequency)] for pair in worst]
        title = "How often two are seen together" + ("; those that differ most" if len(result.pairs) > SHOWN else "")
        yield Table(["both", *names], rows, title)
    if result.left_out:
        yield "Not measured: " + "; ".join(f"{name}: {why}" for name, why in result.left_out.items()) + "."


def _frequencies(one: Frequency) -> list[str]:
    return [
        f"{one.requested:.3f}",
        cell(one.estimated, one.low, one.high),
        *("-" if np.isnan(value) else f"{value:.3f}" for value in (one.known, one.known_estimated)),
    ]


def _error(one: Frequency) -> float:
    return abs(one.estimated - one.requested)


def _headlines(result: FindingsResult, results: Results) -> Iterator[Headline]:
    tstr, trtr, count = result.tstr.auroc, result.trtr.auroc, len(result.findings)
    patients = "phantoms" if results.phantom else "real patients"
    card = (
        f"AUROC, mean of {count} findings, on {patients} of a classifier trained on synthetic images ({span(tstr)}); "
        f"trained on real images {trtr.mean:.2f}, the ceiling; chance level {result.chance:.2f}. Ratio "
        f"{result.auroc_ratio.mean:.2f} ({span(result.auroc_ratio)})"
    )
    yield Headline(
        "mean AUROC, trained on synthetic images",
        *ends(tstr),
        trtr.mean,
        "ceiling",
        sentence="" if isinstance(results.get(UtilityResult), UtilityResult) else card,
    )
    yield Headline("mean AUROC, synthetic / real", *ends(result.auroc_ratio), 1.0, "ceiling")
    yield Headline("mean average precision, synthetic / real", *ends(result.average_precision_ratio), 1.0, "ceiling")
    for name, found in (("rate", result.findings), ("rate of two together", result.pairs)):
        if found:
            errors = [_error(one.frequency) for one in found]
            floor = [abs(one.frequency.known_estimated - one.frequency.known) for one in found]
            real = float(np.nanmax(floor)) if not np.isnan(floor).all() else None
            yield Headline(f"{name}, largest error", max(errors), None, None, real, "held-out real images", digits=3)


def _verdict(result: FindingsResult, results: Results) -> str:
    ratio, tstr, count = result.auroc_ratio, result.tstr.auroc, len(result.findings)
    real = "phantoms" if results.phantom else "real patients"
    if tstr.low <= result.chance:
        return (
            f"No evidence that findings can be learned from these images: the mean AUROC of {count} findings is not "
            f"significantly better than chance ({tstr.mean:.2f}, {span(tstr)})."
        )
    return (
        f"Trained on these images only, a classifier recognises {count} findings of {real} with "
        f"{100 * ratio.mean:.0f} % of the mean AUROC that real images give ({100 * ratio.low:.0f} to "
        f"{100 * ratio.high:.0f} %)."
    )


def plot_findings(result: FindingsResult, theme: Theme) -> Figure:
    """AUROC of every finding, trained on synthetic beside trained on real images."""
    places = np.arange(len(result.findings))
    figure = blank(6.4, 1.2 + 0.42 * len(places), theme)
    axes = figure.add_subplot()
    style(axes, theme, "AUROC")
    for name, colour, offset in (("tstr", theme.synthetic, -0.14), ("trtr", theme.real, 0.14)):
        whiskers(axes, [ends(getattr(one, name).auroc) for one in result.findings], places + offset, colour)
    axes.axvline(result.chance, color=theme.faint, linewidth=1, linestyle=(0, (2, 1.5)))
    axes.set(xlim=(min(0.4, *(one.tstr.auroc.low for one in result.findings)), 1.02), ylim=(len(places) - 0.5, -0.5))
    axes.set_yticks(places, [one.name for one in result.findings])
    legend(figure, theme, ((theme.synthetic, "trained on synthetic"), (theme.real, "trained on real (ceiling)")))
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_size_inches()[1]))
    return figure


SECTION = Section(
    FindingsResult,
    "Findings",
    Guide(
        "Can a classifier learn findings from synthetic images, and do these show the findings that were requested?",
        "AUROC and average precision for each finding, and their means. In synthetic images a classifier trained on "
        "real ones looks for what was requested; a fresh probe, too, which learned from synthetic images. How often a "
        "finding is seen, and two together, is the mean probability that the classifier trained on real images gives.",
        "Floor: AUROC 0.5; average precision: the finding's rate. Ceiling: the classifier trained on real images; of a "
        "rate, how well the same classifier estimates that of held-out real images.",
        "Findings that are rare among held-out patients have wide intervals. The classifier's own errors blur "
        "estimated rates. Labels of public sets are often read from reports by programs, and are wrong at "
        "times: neither side can be better than they are.",
    ),
    _body,
    subtitle="mean over findings, on held-out images",
    plots={"findings": lambda result, _, theme: plot_findings(result, theme)},
    headlines=_headlines,
    verdict=_verdict,
)
