import re
from typing import Any

from semiray.report import Report, headlines, verdict
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
    assert 3 <= len(sentences) <= 5
    assert all(sentence[0].isupper() and sentence[-1] == "." for sentence in sentences)
    assert not re.search(r"p =|p-value|null hypothesis", " ".join(sentences))
    assert verdict(make.results()) == []


def test_nothing_measured_nothing_said(make: Any) -> None:
    assert headlines(make.results()) == []
    assert Report.of(make.results()).headlines == []
