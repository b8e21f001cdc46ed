"""The report: typed results gathered, written as report.json, report.html and PNG figures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from semiray.errors import SemirayError
from semiray.evaluation.judgements.benefit import BenefitResult
from semiray.evaluation.judgements.correlation import CorrelationResult
from semiray.evaluation.judgements.privacy import PrivacyResult
from semiray.evaluation.judgements.utility import UtilityResult
from semiray.evaluation.results import Results
from semiray.files import write_whole
from semiray.report.content import report_content
from semiray.report.page import render_page
from semiray.report.plots import classification as figures
from semiray.report.plots.benefit import plot_benefit
from semiray.report.plots.codes import plot_codes, plot_correlation, plot_pairs
from semiray.report.plots.effect import plot_effect
from semiray.report.plots.privacy import plot_closest
from semiray.report.png import encode_png
from semiray.report.theme import DARK, LIGHT

__all__ = ["ReportFigure", "draw_figures", "write_report"]

# All figures that a report can have.
FIGURES = frozenset(
    (
        "images",
        "benefit",
        "closest",
        "per_class",
        "confusion_tstr",
        "confusion_trtr",
        "commitment",
        "probe",
        "effect",
        "traversal",
        "sorting",
        "codes",
        "pairs",
        "correlation",
    )
)


@dataclass(frozen=True)
class ReportFigure:
    """A figure by its file name, for a light and a dark page."""

    name: str
    light: Figure
    dark: Figure


def draw_figures(results: Results, real_images: bool = True) -> Iterator[ReportFigure]:
    """Draws the figures, in the order of the page; without real images, none that shows a pixel of one."""
    themes = (LIGHT, DARK)
    s, note = results.samples, results.assumed
    shown = s.real if real_images else ()
    yield ReportFigure("images", *(figures.plot_images(shown, s.synthetic, s.names, t) for t in themes))
    if isinstance(results.utility, UtilityResult):
        u = results.utility
        yield ReportFigure("per_class", *(figures.plot_per_class(u, t) for t in themes))
        for name, scores, title in (
            ("confusion_tstr", u.tstr, "Trained on synthetic images"),
            ("confusion_trtr", u.trtr, "Trained on real images"),
        ):
            yield ReportFigure(name, *(figures.plot_confusion(scores, u.classes, title, t) for t in themes))
    if isinstance(results.benefit, BenefitResult):
        benefit = results.benefit
        yield ReportFigure("benefit", *(plot_benefit(benefit, t) for t in themes))
    if results.commitment is not None:
        c = results.commitment
        yield ReportFigure("commitment", *(figures.plot_commitment(c, t) for t in themes))
        if results.probe is not None:
            probe = results.probe
            yield ReportFigure("probe", *(figures.plot_probe(probe, c, t, note) for t in themes))
    if results.effect is not None:
        effect = results.effect
        yield ReportFigure("effect", *(plot_effect(effect, t, note) for t in themes))
    if results.traversal is not None:
        yield ReportFigure("traversal", results.traversal, results.traversal)
    if results.sorting is not None and results.prior is not None:
        sorting, prior = results.sorting, results.prior
        yield ReportFigure("sorting", *(figures.plot_sorting(sorting, t) for t in themes))
        yield ReportFigure("codes", *(plot_codes(sorting, prior, t) for t in themes))
        yield ReportFigure("pairs", *(plot_pairs(sorting, prior, t, note) for t in themes))
    if isinstance(results.correlation, CorrelationResult):
        correlation = results.correlation
        yield ReportFigure("correlation", *(plot_correlation(correlation, t, note) for t in themes))
    if isinstance(results.privacy, PrivacyResult) and real_images:
        privacy = results.privacy
        yield ReportFigure("closest", *(plot_closest(privacy, t) for t in themes))


def write_report(results: Results, out: Path, *, real_images: bool = True) -> Path:
    """Writes report.json, report.html and figures/*.png into a folder.

    Args:
        results: What was measured.
        out: The folder; figures of an earlier report that this one lacks are removed from it.
        real_images: False leaves out every real image, so that the report can be shown where they can't. Generated
            ones stay, and may repeat real ones.

    Returns:
        The path of report.html.

    Raises:
        SemirayError: If the folder can't be written to.
    """
    out = Path(out)
    try:
        (out / "figures").mkdir(parents=True, exist_ok=True)
        images: dict[str, tuple[bytes, bytes]] = {}
        for figure in draw_figures(results, real_images):
            light = encode_png(figure.light)
            images[figure.name] = (light, light if figure.dark is figure.light else encode_png(figure.dark))
            write_whole(out / "figures" / f"{figure.name}.png", light)
        for name in FIGURES - images.keys():  # of an earlier report: it would be taken for this one's
            (out / "figures" / f"{name}.png").unlink(missing_ok=True)
        content = report_content(results)
        page = render_page(results, content, images, real_images=real_images)
        write_whole(out / "report.html", page.encode())
        write_whole(out / "report.json", (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise SemirayError(f"{out}: the report can't be written ({error.strerror or error}).") from error
    return out / "report.html"
