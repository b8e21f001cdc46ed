from dataclasses import replace
from typing import Any

from semiray.evaluation import FidelityResult
from semiray.evaluation.judgements.fidelity import MEASURES as MEASURED
from semiray.evaluation.judgements.fidelity import FidelityMeasure
from semiray.report.headlines import headlines, verdict
from semiray.report.sections.fidelity import MEASURES

LESS = FidelityMeasure(0.5, 0.4, 0.6, 0.9, 0.85, 0.95)


def fidelity(measure: FidelityMeasure, space: str = "trtr") -> FidelityResult:
    return FidelityResult(space, 192, {"frechet": measure, "coverage": measure}, 50, 50)


def test_a_lack_of_variety_is_claimed_only_where_intervals_part(make: Any) -> None:
    (text,) = verdict(make.results(fidelity=fidelity(LESS)))
    assert text == (
        "Synthetic images lack some of the variety of real images: coverage 0.50 (0.40 to 0.60), real images 0.90."
    )
    (text,) = verdict(make.results(fidelity=fidelity(replace(LESS, high=0.86))))
    assert text.startswith("No significant lack of variety was found")


def test_coverage_has_a_card_beside_real_images_and_other_spaces_have_other_names(make: Any) -> None:
    found = headlines(make.results(fidelity=fidelity(LESS)))
    assert [one.name for one in found if one.sentence] == ["coverage"]
    assert found[-1].beside == "real images 0.90"
    assert headlines(make.results(fidelity=fidelity(LESS, "xrv")))[0].name == "Fréchet distance (xrv)"


def test_every_measure_has_a_name() -> None:
    assert set(MEASURES) == set(MEASURED)
