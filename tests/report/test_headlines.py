import re
from typing import Any

from semiray.evaluation import EnergyResult, Skipped
from semiray.report import Report, headlines, summarise, verdict
from semiray.report.sections import sections


def test_titles_are_unique_and_every_section_is_the_headlines_own(whole: Any) -> None:
    found = headlines(whole[0])
    assert len({one.title for one in found}) == len(found)
    assert {one.section for one in found} <= {section.title for section in sections()}
    assert not {"", None} & {one.name for one in found}


def test_at_most_one_card_per_section_and_five_in_all(whole: Any) -> None:
    cards = [one.section for one in headlines(whole[0]) if one.sentence]
    assert cards == ["Utility", "Benefit", "Commitment", "Privacy"]  # fidelity takes 40 held-out patients


def test_the_verdict_is_in_words_for_people(whole: Any, make: Any) -> None:
    sentences = verdict(whole[0])
    assert 3 <= len(sentences) <= 6  # one more where a run has classes and findings
    assert all(sentence[0].isupper() and sentence[-1] == "." for sentence in sentences)
    assert not re.search(r"p =|p-value|null hypothesis", " ".join(sentences))
    assert verdict(make.results()) == []


def test_nothing_measured_nothing_said(make: Any) -> None:
    assert headlines(make.results()) == []
    assert Report.of(make.results()).headlines == []


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
