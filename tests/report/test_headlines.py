import re
from dataclasses import replace
from typing import Any

from semiray.evaluation.skipped import Skipped

from semiray.evaluation import ImageSamples, Results
from semiray.evaluation.judgements.fidelity import FidelityMeasure, FidelityResult
from semiray.report.headlines import CARDS, cards


def names(text: str) -> list[str]:
    return re.findall(r'class="name">(.*?)<', text)


def test_there_are_at_most_five_and_each_links_to_its_section(whole: Any) -> None:
    report, folder = whole
    coverage = FidelityMeasure(0.5, 0.4, 0.6, 0.9, 0.85, 0.95)
    text = cards(replace(report, fidelity=FidelityResult("trtr", 192, {"coverage": coverage}, 50, 50)))
    assert names(text) == ["Utility", "Benefit", "Commitment", "Coverage", "Privacy"]
    assert len(CARDS) <= 5
    assert "0.50 <small>of 0.90</small>" in text
    page = (folder / "report.html").read_text()
    for place in re.findall(r'href="#(.*?)"', text):
        assert f'<section id="{place}">' in page


def test_utility_stands_beside_its_ceiling_with_ratio_and_chance(whole: Any) -> None:
    u = whole[0].utility
    text = cards(whole[0])
    assert f"{u.tstr.balanced_accuracy.mean:.2f} <small>of {u.trtr.balanced_accuracy.mean:.2f}</small>" in text
    assert f"Ratio {u.ratio.mean:.2f} ({u.ratio.low:.2f} to {u.ratio.high:.2f})" in text
    assert "chance 0.33" in text


def test_what_was_not_measured_has_no_card() -> None:
    assert cards(Results("a", "b", False, Skipped("why"), ImageSamples(("",), (), ()))) == ""
