"""Several reports side by side, also those of older releases: the figures that matter, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from semiray.errors import SemirayError
from semiray.files import user_path
from semiray.report.report import VERSION
from semiray.report.section import MEASURES, Headline
from semiray.report.sections import sections
from semiray.report.sections.benefit import USES
from semiray.report.sections.commitment import CONDITIONS
from semiray.report.sections.fidelity import HEADLINES
from semiray.report.sections.fidelity import MEASURES as FIDELITY
from semiray.report.sections.privacy import ATTACKERS
from semiray.report.theme import LIGHT, blank, foot, style
from semiray.structured import read_json

__all__ = ["ReportFigures", "compare_lines", "old_headlines", "plot_comparison", "read_reports"]


_MOST = 1000  # figures of a report
_LONGEST = 1000  # letters of a name
_LARGEST = 1e100


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
    found = [_read(user_path(path)) for path in paths]
    if len({report.name for report in found}) < len(found):  # such as two of one run: named by their folders instead
        found = [replace(one, name=str(path)) for path, one in zip(paths, found, strict=True)]
    return found


def _read(path: Path) -> ReportFigures:
    file = path / "report.json" if path.is_dir() else path
    try:
        content = read_json(file)
    except OSError as error:
        raise SemirayError(
            f"{file}: there is no report ({error.strerror or error}). Give folders that `semiray evaluate` or "
            "`semiray judge` wrote."
        ) from error
    except SemirayError as error:
        raise SemirayError(f"{error}; so this isn't a report of semiray.") from error
    try:
        schema = int(content.get("schema", 1))  # the first reports had no version
        if schema > VERSION:
            raise SemirayError(
                f"{file}: a report of schema {schema}, written by semiray {content.get('semiray', '')}. This "
                f"release reads reports up to schema {VERSION}: update semiray to compare it."
            )
        headlines = old_headlines(content) if schema == 1 else (Headline(**one) for one in content["headlines"])
        return _checked(content["subject"], content["data"], list(headlines))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise SemirayError(f"{file}: this isn't a report of semiray.") from error


def _checked(name: object, data: object, figures: list[Headline]) -> ReportFigures:
    """The figures of a report, of the sizes that reports have; ValueError otherwise."""
    texts = [name, data, *(part for one in figures for part in (one.name, one.section, one.unit, one.reference_name))]
    if not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts):
        raise ValueError("a name that is none")
    if len(figures) > _MOST or not all(0 <= one.digits <= 12 for one in figures):
        raise ValueError("more figures, or digits, than a report has")
    numbers = ("value", "low", "high", "reference")
    found: dict[str, Headline] = {}
    for one in figures:
        given = {key: getattr(one, key) for key in numbers}
        # JSON has no infinity, and matplotlib draws none.
        unknown: dict[str, Any] = {key: None for key, x in given.items() if x is not None and not abs(x) < _LARGEST}
        found[one.title] = replace(one, **unknown)
    return ReportFigures(str(name), str(data), found)


def compare_lines(reports: Sequence[ReportFigures]) -> list[str]:
    """A table for the terminal: one line per figure, one column per report; and whether the test images differ."""
    titles = _titles(reports)
    columns = [["", *titles]]
    columns += [[one.name, *(str(one.figures.get(title, "-")) for title in titles)] for one in reports]
    widths = [max(map(len, column)) + (3 if k else 2) for k, column in enumerate(columns)]
    lines = [
        "".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    ]
    if len({report.data for report in reports}) > 1:
        lines += ["", "Evaluated on different images: figures may differ for that reason alone."]
        lines += [f"  {report.name}: {report.data}" for report in reports]
    return lines


def plot_comparison(reports: Sequence[ReportFigures]) -> Figure:
    """Draw one panel per figure, one row per report: dots with 95 % intervals."""
    titles = _titles(reports)
    across = min(3, len(titles)) or 1
    down = -(-len(titles) // across) or 1
    figure = blank(1.2 + 2.9 * across, 0.4 + down * (0.9 + 0.26 * len(reports)), LIGHT)
    grid = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
    for axes in grid[len(titles) :]:
        axes.set_axis_off()
    for axes, title in zip(grid, titles, strict=False):
        style(axes, LIGHT, title.replace(": ", "\n", 1))
        for place, report in enumerate(reports):
            found = report.figures.get(title)
            if found is not None and found.value is not None:
                if found.low is not None and found.high is not None:
                    axes.hlines(place, found.low, found.high, color=LIGHT.real, linewidth=1.6, alpha=0.6)
                axes.plot(found.value, place, "o", color=LIGHT.real, markersize=5)
        axes.set_ylim(len(reports) - 0.5, -0.5)
        axes.set_yticks(range(len(reports)), [report.name for report in reports])
        axes.locator_params(axis="x", nbins=4)
    taken = foot(figure, LIGHT, "Dots: the reports' figures. Lines: 95 % intervals.")
    figure.tight_layout(rect=(0, taken, 1, 1))
    return figure


def _titles(reports: Sequence[ReportFigures]) -> list[str]:
    """Every title that any report has, section by section."""
    order = [section.title for section in sections()]
    found = {one.title: one for report in reports for one in report.figures.values()}
    places = {name: place for place, name in enumerate(order)}
    return sorted(found, key=lambda title: places.get(found[title].section, len(order)))


def old_headlines(content: Mapping[str, Any]) -> Iterator[Headline]:
    """The figures of a report.json of version 1 or before, under the names that today's reports give them."""
    utility = content["utility"]
    if "skipped" not in utility:
        yield _headline("Utility", "trained on synthetic images", utility["tstr"]["balanced_accuracy"])
        yield _headline("Utility", "trained on real images", utility["trtr"]["balanced_accuracy"])
        yield _headline("Utility", "synthetic / real", utility["ratio_interval"])
    for use, gain in content.get("benefit", {}).get("decisive_gains", {}).items():
        yield replace(_headline("Benefit", f"gain, synthetic images {USES[use]}", gain), digits=3, signed=True)
    commitment, sorting = content["commitment"] or {}, content["sorting"] or {}
    for name in commitment.get("probe", {}).get("clean", ()):
        worst = min(np.mean(commitment["probe"][condition][name]) for condition in CONDITIONS)
        yield _headline("Commitment", f"{name} ({MEASURES[commitment['measure'][name]]})", {"mean": float(worst)})
    if "effect" in commitment:
        effects, sides = commitment["effect"].items(), (commitment["effect_low"], commitment["effect_high"])
        least, factor, j = min((value, name, j) for name, row in effects for j, value in enumerate(row))
        low, high = (side[factor][j] for side in sides)
        name, unit = "change by the least visible dimension", f"grey levels, {factor}[{j}]"
        yield Headline(name, least, low, high, unit=unit, digits=1, section="Visible effect")
    for name, values in sorting.get("ks", {}).items():
        yield _headline("Sorting", f"{name} ({MEASURES[sorting['measure'][name]]})", {"mean": np.mean(values)})
    if "statistic" in (energy := sorting.get("energy", {})):
        ends = {name: energy[name] / energy["floor"] for name in ("low", "high")}
        yield _headline("Joint sorting", "energy distance / floor", {"mean": energy["ratio"], **ends})
    if "mean_absolute_difference" in (found := sorting.get("correlation", {})):
        figure = {"mean": found["mean_absolute_difference"], **found}
        yield replace(_headline("Correlations", "mean absolute difference", figure), digits=3)
    for factor, found in content.get("grounding", {}).items():
        if "skipped" not in found:
            name = f"{factor} ({MEASURES[found['measure']]})"
            yield _headline("Grounding", name, {"mean": found["value"], **found})
    fidelity, privacy = content.get("fidelity", {}), content.get("privacy", {})  # older ones lack both
    space = "" if fidelity.get("space", "trtr") == "trtr" else f" ({fidelity['space']})"
    for key in HEADLINES:
        if key in fidelity.get("measures", {}):
            found = fidelity["measures"][key]
            yield _headline("Fidelity and coverage", f"{FIDELITY[key]}{space}", {"mean": found["value"], **found})
    if "copies" in privacy:
        share = 100 * privacy["copies"]["copied"] / privacy["copies"]["n_images"]
        yield _headline("Privacy", "copies of training images, per cent", {"mean": share})
        for space, near in privacy.get("authenticity", {}).items():
            yield _headline("Privacy", f"authentic images, {space}", near["synthetic"]["authenticity"])
        for name, attacker in privacy["membership"].items():
            yield _headline("Privacy", f"AUROC of an attacker with {ATTACKERS[name]}", attacker["auroc"])


def _headline(section: str, name: str, figure: Mapping[str, Any]) -> Headline:
    return Headline(section=section, name=name, value=figure["mean"], low=figure.get("low"), high=figure.get("high"))
