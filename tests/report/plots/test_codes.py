import numpy as np
import pytest
import torch

from semiray.evaluation import SortingResult, measure_sorting
from semiray.priors import Factor, JointPrior
from semiray.report.plots.codes import plot_codes, plot_pairs
from semiray.report.theme import DARK, LIGHT

SURVIVAL = Factor("survival", "bernoulli", 2, {"probability": 0.5})
DURATION = Factor("duration", "exponential", 2, {"mean": 10.0}, unit="days")
TEXTURE = Factor("texture", "uniform", 1, {"low": -1.0, "high": 1.0})
PRIOR = JointPrior([SURVIVAL, DURATION, TEXTURE])


def sorted_by(prior: JointPrior, n: int = 500) -> SortingResult:
    scores = prior.sample_scores(n, torch.Generator().manual_seed(1)).numpy()
    return measure_sorting(scores, prior, np.arange(n).astype(str), resamples=5)


def test_codes_get_a_panel_a_factor_with_units() -> None:
    axes = plot_codes(sorted_by(PRIOR), PRIOR, LIGHT).axes
    assert [a.get_title(loc="left") for a in axes] == ["survival", "duration", "texture"]
    assert "days" in axes[1].get_xlabel()
    lead = axes[1].lines[-1].get_xydata()
    inner = lead[10:80]
    assert np.allclose(inner[:, 0], inner[:, 1], rtol=0.4, atol=1.5)


def test_pairs_show_leads_with_units_and_both_samples() -> None:
    figure = plot_pairs(sorted_by(PRIOR), PRIOR, LIGHT, note="a note")
    grid = np.array(figure.axes).reshape(3, 3)
    assert [a.get_xlabel() for a in grid[-1]] == ["survival", "duration (days)", "texture"]
    assert [a.get_ylabel() for a in grid[:, 0]] == ["", "duration (days)", "texture"]
    assert [len(points.get_offsets()) for points in grid[2, 1].collections] == [500, 500]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["samples of the prior", "held-out images"]
    assert not grid[0, 1].axison


@pytest.mark.parametrize("n", [1, 3, 400])
@pytest.mark.parametrize("factors", [[TEXTURE], [SURVIVAL], [DURATION], [SURVIVAL, TEXTURE]], ids=str)
def test_pairs_are_drawn_for_any_prior_and_any_number_of_images(factors: list[Factor], n: int) -> None:
    prior = JointPrior(factors)
    for theme in (LIGHT, DARK):
        figure = plot_pairs(sorted_by(prior, n), prior, theme)
        figure.canvas.draw()
        assert len(figure.axes) == (len(factors) if len(factors) > 1 else prior.dimensions) ** 2
