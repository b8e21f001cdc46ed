from typing import Any

import numpy as np
import torch

from semiray.evaluation import measure_correlation
from semiray.priors import JointPrior
from semiray.report.sections.correlation import SECTION, plot_correlation
from semiray.report.theme import LIGHT


def test_correlations_stand_beside_r_and_their_difference(make: Any) -> None:
    prior = JointPrior.default()
    scores = prior.sample_scores(200, torch.Generator().manual_seed(1)).numpy()
    result = measure_correlation(scores, prior, np.arange(200).astype(str), resamples=5)
    figure = plot_correlation(result, make.results(), LIGHT)
    figure.canvas.draw()
    assumed, measured, difference, _bar = figure.axes
    assert np.array_equal(assumed.images[0].get_array(), prior.correlation)
    assert np.allclose(measured.images[0].get_array() - assumed.images[0].get_array(), difference.images[0].get_array())
    assert [label.get_text() for label in assumed.get_yticklabels()] == [factor.name for factor in prior.factors]
    (headline,) = SECTION.headlines(result, make.results())
    assert headline.value == result.mean_absolute_difference
