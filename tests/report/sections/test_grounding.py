import math
from typing import Any

from semiray.evaluation import ConcordanceResult, GroundingResult, Skipped
from semiray.report.headlines import headlines
from semiray.report.page import render_page

FEW = ConcordanceResult("auroc", 0.6, math.nan, math.nan, n_images=9, n_patients=7, n_events=2)
FOUND = ConcordanceResult("concordance", 0.7, 0.55, 0.81, n_images=243, n_patients=71, n_events=31)


def test_it_says_how_well_how_many_and_why_not(make: Any) -> None:
    grounding = GroundingResult({"survival": FEW, "duration": FOUND, "texture": Skipped("no column <b>")})
    results = make.results(grounding=grounding, grounded={"duration": 160, "survival": 50})
    text = render_page(results, {})
    assert "0.600 <small>too few for an interval</small>" in text
    assert "0.700 <small>0.55–0.81</small>" in text
    assert "71 patients, 243 images" in text
    assert "160 images" in text
    assert "not measured" in text
    assert "no column &lt;b&gt;" in text
    assert "nan" not in text
    assert [str(one) for one in headlines(results)] == ["0.60", "0.70 (0.55 to 0.81)"]
    assert "Grounding" not in render_page(make.results(), {})


def test_a_measure_of_pixels_is_not_taken_for_metadata(make: Any) -> None:
    grounding = GroundingResult({"duration": FOUND, "presentation": FOUND})
    grounded = {"duration": 160, "presentation": 700}
    results = make.results(grounding=grounding, grounded=grounded, measured={"presentation": "asymmetry"})
    text = render_page(results, {})
    assert "asymmetry of the pixels, no metadata" in text
    assert "Grounded in pixels, not in metadata: presentation (asymmetry)." in text
    names = [one.name for one in headlines(results)]
    assert names == ["duration (concordance)", "presentation (concordance with asymmetry of the pixels)"]
