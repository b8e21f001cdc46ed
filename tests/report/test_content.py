from semiray.evaluation.statistics.classification import Interval
from semiray.report.content import _interval


def test_a_number_that_does_not_exist_is_null() -> None:
    assert _interval(Interval(0.5, float("nan"), float("inf"), (0.5,))) == {
        "mean": 0.5,
        "low": None,
        "high": None,
        "seeds": [0.5],
    }
