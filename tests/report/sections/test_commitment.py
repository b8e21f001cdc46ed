from typing import Any

from semiray.evaluation import CommitmentResult, ProbeResult
from semiray.evaluation.judgements.commitment import DimensionCommitment
from semiray.report.headlines import verdict
from semiray.report.sections.commitment import SECTION, obedience
from semiray.report.theme import LIGHT


def commitment(*rows: tuple[str, str, float, float, float]) -> CommitmentResult:
    """Rows: name, measure, value, low, floor."""
    found = tuple(DimensionCommitment(name, kind, v, low, 1.0, floor) for name, kind, v, low, floor in rows)
    return CommitmentResult(found, 100)


SORTER = commitment(("a[0]", "r2", 0.9, 0.8, 0.0), ("b[0]", "accuracy", 0.95, 0.94, 0.9))


def test_the_factor_followed_least_is_measured_from_its_floor(make: Any) -> None:
    found = make.results(commitment=SORTER)
    assert [one.factor for one in obedience(found) if one.shown] == ["a", "b"]
    (text,) = verdict(found)
    assert "follow all 2 requested factors better than chance" in text
    assert (
        "least for b, accuracy 0.95 of 1, estimated by the sorter, which is biased upwards, chance level 0.90" in text
    )


def test_the_probe_speaks_where_it_is_worst_and_missing_evidence_is_said(make: Any) -> None:
    blind = commitment(("a[0]", "r2", 0.02, -0.1, 0.0), ("b[0]", "accuracy", 0.95, 0.94, 0.9))
    conditions = {"clean": SORTER, "noise": blind, "half": SORTER, "jpeg": SORTER}
    found = make.results(commitment=SORTER, probe=ProbeResult(conditions, 100, 10))
    (text,) = verdict(found)
    assert text == "No evidence that generated images follow the requested a."
    a, b = SECTION.headlines(SORTER, found)
    assert (a.name, a.figure, a.beside) == ("a (R²)", "0.02", "chance level 0")
    assert "fresh probe (noise images)" in a.sentence
    assert b.sentence == ""


def test_a_line_per_dimension(make: Any) -> None:
    figure = SECTION.draw("commitment", make.results(commitment=SORTER), LIGHT)
    assert figure is not None
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a[0]", "b[0]"]
