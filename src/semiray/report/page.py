"""The report as one HTML file, and its short form for notebooks, from the templates in this package."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from semiray.evaluation import Results, Skipped
from semiray.report.headlines import headlines, verdict, warnings
from semiray.report.section import Picture
from semiray.report.sections import sections

__all__ = ["render_notebook", "render_page"]

# What the page promises, for the browser to hold it to: figures and styles of its own, no script, nothing fetched.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render_page(results: Results, images: Mapping[str, tuple[bytes, bytes]], *, real_images: bool = True) -> str:
    """The page, as text.

    Args:
        results: The results.
        images: Figure name -> PNG bytes for a light and for a dark page.
        real_images: Whether real images are among them; the page says so if they were left out.
    """
    found = [(section, results.get(section.result)) for section in sections()]
    shown = [
        (section, [], result) if isinstance(result, Skipped) else (section, section.body(result, results), None)
        for section, result in found
        if result is not None
    ]
    kinds = "Held-out real images above generated ones" if real_images else "Generated images"
    text = _environment().get_template("report.html.j2").render(
        results=results,
        sections=shown,
        cards=[(s, one) for s, *_ in shown for one in headlines(results) if one.section == s.title and one.sentence],
        verdict=verdict(results),
        warnings=warnings(results),
        look=(
            Picture("images", f"{kinds}, not selected."),
            Picture("traversal", "The same noise and label while one factor at a time moves.", "white"),
        ),
        images={name: tuple(map(_data_uri, pair)) for name, pair in images.items()},
        real_images=real_images,
        policy=POLICY,
        style=Markup(_environment().get_template("report.css").render()),
        version=version("semiray"),
    )  # fmt: skip
    return text.replace(" %", "\u00a0%")  # no line begins with %


def render_notebook(results: Results) -> str:
    """Verdict and headline figures, for a notebook."""
    template = _environment().get_template("notebook.html.j2")
    return template.render(results=results, verdict=verdict(results), headlines=headlines(results))


@cache
def _environment() -> Environment:
    loader = PackageLoader("semiray.report")
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)


def _data_uri(png: bytes) -> Markup:
    return Markup(f"data:image/png;base64,{base64.b64encode(png).decode()}")
