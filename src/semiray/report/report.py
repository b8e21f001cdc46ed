"""The report: report.json and its published form, report.html, and its figures as PNG."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from matplotlib.figure import Figure
from pydantic import ConfigDict, computed_field

from semiray.errors import SemirayError
from semiray.evaluation import ImageSamples, Results
from semiray.files import user_path, write_whole
from semiray.generation import plot_traversal
from semiray.generation.figures import text_width
from semiray.report.headlines import headlines, verdict, warnings
from semiray.report.page import render_notebook, render_page
from semiray.report.section import Headline
from semiray.report.sections import sections
from semiray.report.theme import DARK, LIGHT, Theme, blank, image, png

__all__ = ["VERSION", "Report", "draw_figures", "figure_names", "plot_images"]
__all__ += ["report_content", "report_schema", "write_report"]

VERSION: Literal[3] = 3  # rises when a reader of the old form could fail or be misled: docs/report-json.md
LETTERS = 8  # in points
SIDE, GAP, BETWEEN = 0.76, 0.03, 0.09  # inches: an image, between images, between classes


class Report(Results):
    """Results with what they come to: what `evaluate` and `judge` return, and what report.json holds.

    A notebook shows its verdict and its headline figures.
    """

    model_config = ConfigDict(
        title="The report.json of semiray",
        json_schema_serialization_defaults_required=True,
        json_schema_extra={"$id": f"urn:semiray:report:{VERSION}"},
    )

    @classmethod
    def of(cls, results: Results) -> Report:
        """Results as a report."""
        return results if isinstance(results, cls) else cls(**dict(results))

    @computed_field(alias="schema")  # type: ignore[prop-decorator]
    @property
    def schema_version(self) -> Literal[3]:
        """Version of this form."""
        return VERSION

    @computed_field  # type: ignore[prop-decorator]
    @property
    def semiray(self) -> str:
        """The release that wrote the report."""
        return version("semiray")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def verdict(self) -> list[str]:
        """What the results come to, in sentences."""
        return verdict(self)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def warnings(self) -> list[str]:
        """What a reader must know before anything else."""
        return warnings(self)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def headlines(self) -> list[Headline]:
        """The figures that matter."""
        return headlines(self)

    def _repr_html_(self) -> str:
        return render_notebook(self)


def report_content(results: Results) -> dict[str, Any]:
    """What report.json holds: every figure with its interval, floor or ceiling, and sample size."""
    content = Report.of(results).model_dump(mode="json", by_alias=True)
    judgements = content.pop("judgements")
    first = {name: content.pop(name) for name in ("schema", "semiray", "created")}
    return first | content | {"judgements": judgements}


def report_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of the reports that this release writes.

    Examples:
        ``jsonschema.validate(json.loads(Path("REPORT/report.json").read_text()), report_schema())``
    """
    schema = Report.model_json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def figure_names() -> tuple[str, ...]:
    """All figures that a report can have."""
    return ("images", "traversal", *(name for section in sections() for name in section.plots))


def draw_figures(results: Results, *, real_images: bool = True) -> Iterator[tuple[str, Figure, Figure]]:
    """Draw the figures: name, light figure, dark figure. Without real images, none shows a pixel of one."""
    if any(len(images) for images in results.samples.synthetic):
        light, dark = (plot_images(results.samples, theme, real_images=real_images) for theme in (LIGHT, DARK))
        yield "images", light, dark
    if results.traversal is not None:
        with suppress(SemirayError):  # hundreds of factors and many classes are too large to draw
            figure = plot_traversal(results.traversal)
            yield "traversal", figure, figure
    for section in sections():
        for name in section.plots:
            if real_images or name not in section.real_plots:
                first, second = (section.draw(name, results, theme) for theme in (LIGHT, DARK))
                if first is not None and second is not None:
                    yield name, first, second


def plot_images(samples: ImageSamples, theme: Theme, *, real_images: bool = True) -> Figure:
    """Draw held-out real images above generated ones, class by class, or generated ones alone."""
    kinds = [("generated", samples.synthetic, theme.synthetic)]
    if real_images:
        kinds.insert(0, ("real", samples.real, theme.real))
    left = max(text_width(line, LETTERS) for line in ("generated", *samples.names)) + 0.2
    columns = max(len(images) for _, sides, _ in kinds for images in sides)
    pitch = len(kinds) * (SIDE + GAP) + BETWEEN
    width, height = left + columns * (SIDE + GAP), len(samples.names) * pitch
    figure = blank(width, height, theme)
    for k, name in enumerate(samples.names):
        for row, (kind, sides, colour) in enumerate(kinds):
            top = k * pitch + row * (SIDE + GAP)
            label = f"{name}\n{kind}" if name else kind
            place = ((left - 0.1) / width, 1 - (top + SIDE / 2) / height)
            figure.text(*place, label, ha="right", va="center", fontsize=LETTERS, color=colour)
            for column, pixels in enumerate(sides[k]):
                image(figure, theme, pixels, left + column * (SIDE + GAP), top, SIDE).axis("off")
    return figure


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
    out = user_path(out)
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
