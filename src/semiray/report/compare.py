"""Several reports side by side: the figures that matter, each with its interval."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from semiray.errors import SemirayError
from semiray.report.plots.classification import CONDITIONS
from semiray.report.schema import VERSION
from semiray.report.theme import LIGHT, Theme, blank, foot, style

__all__ = ["Reading", "ReportFigures", "compare_lines", "plot_comparison", "read_figures", "read_reports"]


@dataclass(frozen=True)
class Reading:
    """One figure of a report: its value and, where it has one, its 95 % interval."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        ends = "" if self.low is None or self.high is None else f" ({self.low:.2f} to {self.high:.2f})"
        return f"{self.value:.2f}{ends}"


@dataclass(frozen=True)
class ReportFigures:
    """The figures of one report.

    Attributes:
        name: What was judged.
        data: What it was judged on.
        figures: Title -> reading; what a report doesn't hold is left out.
    """

    name: str
    data: str
    figures: Mapping[str, Reading]


def read_reports(paths: Sequence[Path]) -> list[ReportFigures]:
    """Read several reports.

    Args:
        paths: Files report.json, or the folders that hold them.

    Raises:
        SemirayError: There is none, it can't be read, it isn't one, or a newer release wrote it in another form.
    """
    found = []
    for path in map(Path, paths):
        file = path / "report.json" if path.is_dir() else path
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            schema = int(content.get("schema", VERSION))  # the first reports didn't say
            if schema > VERSION:
                raise SemirayError(
                    f"{file}: a report of schema {schema}, written by semiray {content.get('semiray', '')}. This "
                    f"release reads reports up to schema {VERSION}: update semiray to compare it."
                )
            subject, data, figures = str(content["subject"]), str(content["data"]), read_figures(content)
        except OSError as error:
            raise SemirayError(
                f"{file}: there is no report ({error.strerror or error}). Give folders that `semiray evaluate` or "
                "`semiray judge` wrote."
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SemirayError(f"{file}: this isn't a report of semiray.") from error
        found.append(ReportFigures(subject, data, figures))
    names = [report.name for report in found]
    if len(set(names)) < len(names):  # two proofs of one run, say: told apart by where they lie
        found = [ReportFigures(str(path), one.data, one.figures) for path, one in zip(paths, found, strict=True)]
    return found


def compare_lines(reports: Sequence[ReportFigures]) -> list[str]:
    """A table for the terminal, a line a figure, a column a report; and whether they were judged on other images."""
    titles = _titles(reports)
    left = max([len(title) for title in titles] + [0]) + 2
    columns = [
        [report.name, *(str(report.figures[title]) if title in report.figures else "-" for title in titles)]
        for report in reports
    ]
    widths = [max(map(len, column)) + 3 for column in columns]
    lines = [
        (f"{title:{left}}" + "".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))).rstrip()
        for title, row in zip(["", *titles], zip(*columns, strict=True), strict=True)
    ]
    if len({report.data for report in reports}) > 1:
        lines += ["", "Judged on different images: figures that differ may differ for that alone."]
        lines += [f"  {report.name}: {report.data}" for report in reports]
    return lines


def plot_comparison(reports: Sequence[ReportFigures], theme: Theme = LIGHT) -> Figure:
    """A panel a figure, a row a report: dots with 95 % intervals."""
    titles = _titles(reports)
    across = min(3, len(titles)) or 1
    down = -(-len(titles) // across) or 1
    figure = blank(1.2 + 2.9 * across, 0.4 + down * (0.75 + 0.26 * len(reports)), theme)
    grid = figure.subplots(down, across, sharey=True, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for axes, title in zip(grid.ravel(), titles, strict=False):
        axes.set_axis_on()
        style(axes, theme, title)
        for place, report in enumerate(reports):
            reading = report.figures.get(title)
            if reading is not None:
                if reading.low is not None and reading.high is not None:
                    axes.hlines(place, reading.low, reading.high, color=theme.real, linewidth=1.6, alpha=0.6)
                axes.plot(reading.value, place, "o", color=theme.real, markersize=5)
        axes.set(ylim=(len(reports) - 0.5, -0.5), yticks=range(len(reports)))
        axes.set_yticklabels([report.name for report in reports])
        axes.locator_params(axis="x", nbins=4)
    taken = foot(figure, theme, "Dots: the reports' figures. Lines: 95 % intervals.")
    figure.tight_layout(rect=(0, taken, 1, 1))
    return figure


def _titles(reports: Sequence[ReportFigures]) -> list[str]:
    """Every title that any report has, in the order of the first that has it."""
    return list(dict.fromkeys(title for report in reports for title in report.figures))


def read_figures(content: Mapping[str, Any]) -> dict[str, Reading]:
    """The figures that matter in a report's content, by their titles."""
    found: dict[str, Reading] = {}
    utility = content["utility"]
    if "skipped" not in utility:
        found["trained on synthetic"] = _interval(utility["tstr"]["balanced_accuracy"])
        found["trained on real"] = _interval(utility["trtr"]["balanced_accuracy"])
        found["synthetic over real"] = _interval(utility["ratio_interval"])
    commitment, sorting = content["commitment"], content["sorting"]
    if commitment is not None and "probe" in commitment:
        for name in commitment["probe"]["clean"]:
            worst = min(np.mean(commitment["probe"][condition][name]) for condition in CONDITIONS)
            found[f"{name}, by the probe"] = Reading(float(worst))
    if sorting is not None and "statistic" in sorting.get("energy", {}):
        energy = sorting["energy"]
        ends = (energy["low"] / energy["floor"], energy["high"] / energy["floor"])
        found["energy, times its floor"] = Reading(energy["ratio"], *ends)
    fidelity = content.get("fidelity", {})  # reports of older releases lack both
    privacy = content.get("privacy", {})
    for key, title in (("frechet", "Fréchet distance"), ("precision", "precision"), ("coverage", "coverage")):
        if key in fidelity.get("measures", {}):
            measure = fidelity["measures"][key]
            if fidelity.get("space", "trtr") != "trtr":  # figures of two spaces are no figures of one
                title = f"{title} ({fidelity['space']})"
            found[title] = Reading(measure["value"], measure["low"], measure["high"])
    if "copies" in privacy:
        found["copies, per cent"] = Reading(100 * privacy["copies"]["copied"] / privacy["copies"]["n_images"])
        for name, attacker in privacy["membership"].items():
            found[f"membership, {name.replace('_', ' ')}"] = _interval(attacker["auroc"])
    return found


def _interval(content: Mapping[str, Any]) -> Reading:
    return Reading(content["mean"], content["low"], content["high"])
