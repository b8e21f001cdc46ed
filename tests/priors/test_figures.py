"""Figures of a prior: they draw for every family, and show what they say."""

from __future__ import annotations

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
    figure = prior.plot(names=["survival", "duration", "duration[1]"], draws=500)
    assert len(figure.axes) == 9
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts == ["0.00", "0.00", "0.50"]
    assert figure.axes[6].get_ylabel() == "duration[1] (days)"
    figure.savefig(tmp_path / "pairs.png", dpi=60)
    assert np.asarray(Image.open(tmp_path / "pairs.png").convert("L")).std() > 10


def test_pairs_choose_leads_and_companions_but_eight_at_most(mixed: JointPrior) -> None:
    assert len(JointPrior.default().plot(draws=50).axes) == 64
    assert len(mixed.plot(draws=50).axes) == min(8, len(mixed.factors)) ** 2
    three = JointPrior([Factor(name, "uniform", 1, {"low": 0, "high": 1}) for name in "abc"])
    assert len(three.plot(draws=50).axes) == 9


def test_an_event_is_drawn_and_named() -> None:
    figure = JointPrior.default().plot("marginals", ["duration"], draws=500, event="duration > 20")
    assert "given duration > 20" in figure.get_suptitle()
    heights, edges, _ = figure.axes[0].patches[0].get_data()
    assert heights[edges[1:] < 20].sum() == 0


def test_an_unknown_dimension_is_an_error() -> None:
    with pytest.raises(SemirayError, match="did you mean 'duration'"):
        JointPrior.default().plot("marginals", ["durations"])
