from typing import Any

import numpy as np

from semiray.evaluation import SortingResult
from semiray.evaluation.judgements.sorting import DimensionSorting
from semiray.priors import Factor, JointPrior
from semiray.report.sections.sorting import SECTION, plot_codes
from semiray.report.theme import LIGHT

SURVIVAL = Factor("survival", "bernoulli", 2, {"probability": 0.5})
DURATION = Factor("duration", "exponential", 2, {"mean": 10.0}, unit="days")
TEXTURE = Factor("texture", "uniform", 1, {"low": -1.0, "high": 1.0})
PRIOR = JointPrior([SURVIVAL, DURATION, TEXTURE])


def test_every_factor_beside_its_floor_and_the_worst_in_words(make: Any, whole: Any) -> None:
    rows = tuple(DimensionSorting(f"{name}[0]", "ks", v, 0.0, 1.0, 0.05, 0.1) for name, v in (("a", 0.1), ("b", 0.3)))
    result = SortingResult(rows, whole[0].sorting.scores, 60, 30)
    headlines = list(SECTION.headlines(result, make.results()))
    assert [(one.name, one.figure, one.beside) for one in headlines] == [
        ("a (KS distance)", "0.10", "floor 0.05"),
        ("b (KS distance)", "0.30", "floor 0.05"),
    ]
    first, *_ = SECTION.body(result, make.results())
    assert "Worst: b (KS distance), <strong>0.30</strong> on average, floor 0.05." in first


def test_figures_need_a_prior(whole: Any, make: Any) -> None:
    sorting = whole[0].sorting
    assert SECTION.draw("codes", make.results(sorting=sorting), LIGHT) is None
    assert SECTION.draw("codes", whole[0], LIGHT) is not None
    assert SECTION.draw("sorting", make.results(sorting=sorting), LIGHT) is not None


def test_codes_get_a_panel_a_factor_with_units(make: Any) -> None:
    axes = plot_codes(make.sorting(PRIOR), PRIOR, LIGHT).axes
    assert [a.get_title(loc="left") for a in axes] == ["survival", "duration", "texture"]
    assert "days" in axes[1].get_xlabel()
    lead = axes[1].lines[-1].get_xydata()
    inner = lead[10:80]
    assert np.allclose(inner[:, 0], inner[:, 1], rtol=0.4, atol=1.5)
