from typing import Any

from semiray.evaluation import SortingResult
from semiray.evaluation.judgements.sorting import DimensionSorting
from semiray.report.sections.sorting import SECTION
from semiray.report.theme import LIGHT


def test_every_factor_beside_its_floor_and_the_worst_in_words(make: Any, whole: Any) -> None:
    rows = tuple(DimensionSorting(f"{name}[0]", "ks", v, 0.0, 1.0, 0.05, 0.1) for name, v in (("a", 0.1), ("b", 0.3)))
    result = SortingResult(rows, whole[0].sorting.scores, 60, 30)
    headlines = list(SECTION.headlines(result, make.results()))
    assert [(one.name, one.figure, one.beside) for one in headlines] == [
        ("a (KS distance)", "0.10", "floor 0.05"),
        ("b (KS distance)", "0.30", "floor 0.05"),
    ]
    first, *_ = SECTION.body(result, make.results())
    assert "Worst: b (KS distance), <strong>0.30</strong> on average, floor 0.05." in first.text


def test_figures_need_a_prior(whole: Any, make: Any) -> None:
    sorting = whole[0].sorting
    assert SECTION.draw("codes", make.results(sorting=sorting), LIGHT) is None
    assert SECTION.draw("codes", whole[0], LIGHT) is not None
    assert SECTION.draw("sorting", make.results(sorting=sorting), LIGHT) is not None
