"""Writes a report: report.json, report.html and its figures as PNG."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from semiray.errors import SemirayError
from semiray.evaluation import Results
from semiray.files import write_whole
from semiray.generation import plot_traversal
from semiray.report.page import render_page
from semiray.report.plots.images import plot_images
from semiray.report.schema import report_content
from semiray.report.sections import sections
from semiray.report.theme import DARK, LIGHT, png

__all__ = ["draw_figures", "figure_names", "write_report"]


def figure_names() -> tuple[str, ...]:
    """All figures that a report can have."""
    return ("images", "traversal", *(name for section in sections() for name in section.plots))


def draw_figures(results: Results, *, real_images: bool = True) -> Iterator[tuple[str, Figure, Figure]]:
    """Draw the figures: name, light figure, dark figure. Without real images, none shows a pixel of one."""
    if any(len(images) for images in results.samples.synthetic):
        light, dark = (plot_images(results.samples, theme, real_images=real_images) for theme in (LIGHT, DARK))
        yield "images", light, dark
    if results.traversal is not None:
        figure = plot_traversal(results.traversal)
        yield "traversal", figure, figure
    for section in sections():
        for name in section.plots:
            if real_images or name not in section.real_plots:
                first, second = (section.draw(name, results, theme) for theme in (LIGHT, DARK))
                if first is not None and second is not None:
                    yield name, first, second


def write_report(results: Results, out: str | Path, *, real_images: bool = True) -> Path:
    """Write report.json, report.html and figures/*.png into a folder.

    Args:
        results: What was measured.
        out: The folder; figures of an earlier report that this one lacks are removed from it.
        real_images: False leaves out every real image, so that the report can be shown to people who may not see them.
            Generated images stay, and may repeat real ones.

    Returns:
        The path of report.html.

    Raises:
        SemirayError: The folder can't be written to.
    """
    out = Path(out).expanduser()
    try:
        (out / "figures").mkdir(parents=True, exist_ok=True)
        images: dict[str, tuple[bytes, bytes]] = {}
        for name, light, dark in draw_figures(results, real_images=real_images):
            drawn = png(light)
            images[name] = (drawn, drawn if dark is light else png(dark))
            write_whole(out / "figures" / f"{name}.png", drawn)
        for name in set(figure_names()) - images.keys():  # of an earlier report: it would be taken for this one's
            (out / "figures" / f"{name}.png").unlink(missing_ok=True)
        write_whole(out / "report.html", render_page(results, images, real_images=real_images))
        content = json.dumps(report_content(results), indent=2, ensure_ascii=False)
        write_whole(out / "report.json", content + "\n")
    except OSError as error:
        raise SemirayError(f"{out}: the report can't be written ({error.strerror or error}).") from error
    return out / "report.html"
