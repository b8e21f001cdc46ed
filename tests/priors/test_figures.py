"""Figures of a prior: they draw for every family, and show what they say."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.priors import Factor, JointPrior


def test_marginals_have_a_panel_a_factor_and_the_density_fits_the_bars(mixed: JointPrior) -> None:
    figure = mixed.plot("marginals")
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_xlabel() for axes in panels] == list(mixed.slices)
    axes = panels[list(mixed.slices).index("x_exponential")]
    x, density = axes.lines[0].get_data()
    np.testing.assert_allclose(density, np.exp(-np.asarray(x) / 10) / 10, rtol=1e-6)
    heights, edges, _ = axes.patches[0].get_data()
    middle = np.exp(-(edges[1:] + edges[:-1]) / 20) / 10
    assert np.abs(heights - middle).max() < 0.01


def test_pairs_show_the_correlations(tmp_path: Path) -> None:
    prior = JointPrior.default()
    figure = prior.plot(names=["survival", "duration", "duration[1]"])
    assert len(figure.axes) == 9
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts == ["0.00", "0.00", "0.50"]
    assert figure.axes[6].get_ylabel() == "duration[1] (days)"
    figure.savefig(tmp_path / "pairs.png", dpi=60)
    assert np.asarray(Image.open(tmp_path / "pairs.png").convert("L")).std() > 10


def test_pairs_choose_leads_and_companions_but_eight_at_most(mixed: JointPrior) -> None:
    assert len(JointPrior.default().plot().axes) == 64
    assert len(mixed.plot().axes) == min(8, len(mixed.factors)) ** 2
    three = JointPrior([Factor(name, "uniform", 1, {"low": 0, "high": 1}) for name in "abc"])
    assert len(three.plot().axes) == 9


def test_an_unknown_dimension_is_an_error() -> None:
    with pytest.raises(SemirayError, match="did you mean 'duration'"):
        JointPrior.default().plot("marginals", ["durations"])


def _shown(prior: JointPrior) -> tuple[list[list[str]], np.ndarray]:
    """The cells of the table's rows, and the figure's pixels."""
    page = prior._repr_html_()
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    (data,) = re.findall(r"src='data:image/png;base64,([^']+)'", page)
    return rows[1:], np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"))


def test_a_notebook_shows_each_factor_and_a_figure() -> None:
    rows, pixels = _shown(JointPrior.default())
    assert rows[0] == ["survival", "bernoulli", "probability = 0.5", "", "5"]
    assert rows[1] == ["duration", "exponential", "mean = 10.0", "days", "5"]
    assert [row[0] for row in rows] == ["survival", "duration", "presentation", "texture"]
    assert pixels.std() > 10


def test_every_family_is_shown_and_text_is_escaped(mixed: JointPrior) -> None:
    rows, _ = _shown(mixed)
    assert [row[1] for row in rows] == [factor.family for factor in mixed.factors]
    rows, _ = _shown(JointPrior([Factor("x", "uniform", 1, {"low": 0, "high": 1}, unit="<b>")]))
    assert rows == [["x", "uniform", "low = 0.0, high = 1.0", "&lt;b&gt;", "1"]]


@pytest.mark.slow  # a process of its own imports torch
def test_a_prior_needs_no_matplotlib_until_it_is_shown() -> None:
    program = "import sys; from semiray.priors import JointPrior; repr(JointPrior.default()); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "semiray.priors.joint" in said.split()
    assert "matplotlib" not in said.split()
