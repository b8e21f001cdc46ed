"""A prior as a notebook shows it: a table of its factors, and a figure of their distributions."""

from __future__ import annotations

import base64
import html
import io

from semiray.priors.copula import GaussianCopula
from semiray.priors.factors import Factor
from semiray.priors.figures import plot_marginals
from semiray.priors.inputs import short

__all__ = ["prior_html"]

_COLUMNS = ("factor", "family", "parameters", "unit", "dimensions")


def prior_html(prior: GaussianCopula) -> str:
    """HTML with a table of the factors and a figure of their leads, embedded as a PNG."""
    head = "".join(f"<th style='text-align:left'>{name}</th>" for name in _COLUMNS)
    rows = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in _cells(f)) + "</tr>"
        for f in prior.factors
    )
    image = io.BytesIO()
    plot_marginals(prior).savefig(image, format="png", dpi=80)
    data = base64.b64encode(image.getvalue()).decode("ascii")
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"<img alt='The marginal distribution of each factor' src='data:image/png;base64,{data}'>"
    )


def _cells(factor: Factor) -> tuple[str, ...]:
    parameters = ", ".join(f"{key} = {short(value)}" for key, value in factor.parameters.items())
    return factor.name, factor.family, parameters, factor.unit, str(factor.dimensions)
