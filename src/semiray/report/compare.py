"""Several reports side by side: the figures that matter, each with its interval."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from semiray.errors import SemirayError
from semiray.report.legacy import old_headlines
from semiray.report.schema import VERSION
from semiray.report.section import Headline
from semiray.report.sections import sections
from semiray.report.theme import LIGHT, Theme, blank, foot, style

__all__ = ["ReportFigures", "compare_lines", "plot_comparison", "read_reports"]


@dataclass(frozen=True)
class ReportFigures:
    """The figures of one report.

    Attributes:
        name: What was evaluated.
        data: What it was evaluated on.
        figures: Title -> figure; what a report doesn't contain is left out.
    """

    name: str
    data: str
    figures: Mapping[str, Headline]


def read_reports(paths: Sequence[str | Path]) -> list[ReportFigures]:
    """Read several reports.

    Args:
        paths: Files report.json, or the folders that contain them.

    Raises:
        SemirayError: There is no report, it can't be read, or a newer release wrote it in another form.
    """
    found = [_read(Path(path).expanduser()) for path in paths]
    names = [report.name for report in found]
    if len(set(names)) < len(names):  # two reports of one run, for example: named by their folders instead
        found = [ReportFigures(str(path), one.data, one.figures) for path, one in zip(paths, found, strict=True)]
    return found


def _read(path: Path) -> ReportFigures:
    file = path / "report.json" if path.is_dir() else path
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        schema = int(content.get("schema", 1))  # the first reports had no version
        if schema > VERSION:
            raise SemirayError(
                f"{file}: a report of schema {schema}, written by semiray {content.get('semiray', '')}. This "
                f"release reads reports up to schema {VERSION}: update semiray to compare it."
            )
        old = schema == 1
        headlines = list(old_headlines(content)) if old else [Headline(**one) for one in content["headlines"]]
        figures = {one.title: one for one in headlines}
        return ReportFigures(str(content["subject"]), str(content["data"]), figures)
    except OSError as error:
        raise SemirayError(
            f"{file}: there is no report ({error.strerror or error}). Give folders that `semiray evaluate` or "
            "`semiray judge` wrote."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SemirayError(f"{file}: this isn't a report of semiray.") from error


def compare_lines(reports: Sequence[ReportFigures]) -> list[str]:
    """A table for the terminal: one line per figure, one column per report; and whether the test images differ."""
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
        lines += ["", "Evaluated on different images: figures may differ for that reason alone."]
        lines += [f"  {report.name}: {report.data}" for report in reports]
    return lines


def plot_comparison(reports: Sequence[ReportFigures], theme: Theme = LIGHT) -> Figure:
    """Draw one panel per figure, one row per report: dots with 95 % intervals."""
    titles = _titles(reports)
    across = min(3, len(titles)) or 1
    down = -(-len(titles) // across) or 1
    figure = blank(1.2 + 2.9 * across, 0.4 + down * (0.9 + 0.26 * len(reports)), theme)
    grid = figure.subplots(down, across, sharey=True, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for axes, title in zip(grid.ravel(), titles, strict=False):
        axes.set_axis_on()
        style(axes, theme, title.replace(": ", "\n", 1))
        for place, report in enumerate(reports):
            found = report.figures.get(title)
            if found is not None and found.value is not None:
                if found.low is not None and found.high is not None:
                    axes.hlines(place, found.low, found.high, color=theme.real, linewidth=1.6, alpha=0.6)
                axes.plot(found.value, place, "o", color=theme.real, markersize=5)
        axes.set(ylim=(len(reports) - 0.5, -0.5), yticks=range(len(reports)))
        axes.set_yticklabels([report.name for report in reports])
        axes.locator_params(axis="x", nbins=4)
    taken = foot(figure, theme, "Dots: the reports' figures. Lines: 95 % intervals.")
    figure.tight_layout(rect=(0, taken, 1, 1))
    return figure


def _titles(reports: Sequence[ReportFigures]) -> list[str]:
    """Every title that any report has, section by section."""
    order = [section.title for section in sections()]
    found = {one.title: one for report in reports for one in report.figures.values()}
    return sorted(found, key=lambda title: order.index(found[title].section))
