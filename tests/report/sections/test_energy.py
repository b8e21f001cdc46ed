from typing import Any

from semiray.evaluation import EnergyResult, Skipped
from semiray.report.headlines import headlines
from semiray.report.sections.energy import SECTION
from semiray.report.theme import LIGHT

ENERGY = EnergyResult(0.5, 0.4, 0.6, 0.2, 0.3, 0.002, 71, 999)


def test_the_distance_is_a_multiple_of_its_floor(make: Any) -> None:
    (headline,) = headlines(make.results(energy=ENERGY))
    assert (headline.title, str(headline)) == ("Joint sorting: energy distance / floor", "2.50 (2.00 to 3.00)")
    first, *_ = SECTION.body(ENERGY, make.results())
    assert "p = 0.002" in first.text


def test_without_sorting_there_are_no_pairs_and_what_was_skipped_has_no_headline(make: Any) -> None:
    assert SECTION.draw("pairs", make.results(energy=ENERGY), LIGHT) is None
    assert headlines(make.results(energy=Skipped("one patient"))) == []
