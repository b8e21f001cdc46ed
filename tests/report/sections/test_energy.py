from typing import Any

import numpy as np
import pytest

from semiray.evaluation import EnergyResult, Skipped
from semiray.priors import Factor, JointPrior
from semiray.report.headlines import headlines
from semiray.report.sections.energy import SECTION, plot_pairs
from semiray.report.theme import DARK, LIGHT

SURVIVAL = Factor("survival", "bernoulli", 2, {"probability": 0.5})
DURATION = Factor("duration", "exponential", 2, {"mean": 10.0}, unit="days")
TEXTURE = Factor("texture", "uniform", 1, {"low": -1.0, "high": 1.0})
PRIOR = JointPrior([SURVIVAL, DURATION, TEXTURE])
ENERGY = EnergyResult(0.5, 0.4, 0.6, 0.2, 0.3, 0.002, 71, 999)


def test_the_distance_is_a_multiple_of_its_floor(make: Any) -> None:
    (headline,) = headlines(make.results(energy=ENERGY))
    assert (headline.title, str(headline)) == ("Joint sorting: energy distance / floor", "2.50 (2.00 to 3.00)")
    first, *_ = SECTION.body(ENERGY, make.results())
    assert "p = 0.002" in first


def test_without_sorting_there_are_no_pairs_and_what_was_skipped_has_no_headline(make: Any) -> None:
    assert SECTION.draw("pairs", make.results(energy=ENERGY), LIGHT) is None
    assert headlines(make.results(energy=Skipped("one patient"))) == []


def test_pairs_show_leads_with_units_and_both_samples(make: Any) -> None:
    figure = plot_pairs(make.sorting(PRIOR), PRIOR, LIGHT, note="a note")
    grid = np.array(figure.axes).reshape(3, 3)
    assert [a.get_xlabel() for a in grid[-1]] == ["survival", "duration (days)", "texture"]
    assert [a.get_ylabel() for a in grid[:, 0]] == ["", "duration (days)", "texture"]
    assert [len(points.get_offsets()) for points in grid[2, 1].collections] == [500, 500]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["samples of the prior", "held-out images"]
    assert not grid[0, 1].axison


@pytest.mark.parametrize("n", [1, 3, 400])
@pytest.mark.parametrize("factors", [[TEXTURE], [SURVIVAL], [DURATION], [SURVIVAL, TEXTURE]], ids=str)
def test_pairs_are_drawn_for_any_prior_and_any_number_of_images(factors: list[Factor], n: int, make: Any) -> None:
    prior = JointPrior(factors)
    for theme in (LIGHT, DARK):
        figure = plot_pairs(make.sorting(prior, n), prior, theme)
        figure.canvas.draw()
        assert len(figure.axes) == (len(factors) if len(factors) > 1 else prior.dimensions) ** 2
