from typing import Any

from semiray.evaluation import EnergyResult, Skipped
from semiray.report import summarise


def test_what_was_not_measured_is_said_where_a_reader_must_know(make: Any) -> None:
    lines = summarise(make.results(utility=Skipped("no labels."), benefit=Skipped("it was not asked for.")))
    assert lines == [
        "Utility: balanced accuracy on held-out images",
        "  not measured: no labels.",
        "Verdict",
        "  Whether a classifier can learn from these images was not measured: no labels.",
    ]


def test_every_headline_stands_beside_its_reference(whole: Any) -> None:
    lines = summarise(whole[0])
    text = "\n".join(lines)
    for one in whole[0].headlines:
        (row,) = [
            line for line in lines if line.startswith(f"  {one.name} ") and str(one) in line and one.beside in line
        ]
        assert row.rstrip() == row
    assert "Warning: The border of the images alone" in text
    assert all(len(line) <= 120 for line in lines)


def test_figures_of_sections_without_a_verdict_are_shown(make: Any) -> None:
    lines = summarise(make.results(energy=EnergyResult(0.5, 0.4, 0.6, 0.2, 0.3, 0.002, 71, 999)))
    assert lines[0].startswith("Joint sorting")
    assert "2.50 (2.00 to 3.00)" in lines[1]
    assert lines[1].endswith("floor 1.00")
