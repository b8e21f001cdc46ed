from typing import Any

import numpy as np
import pytest

from semiray.evaluation import ContentResult
from semiray.evaluation.judgements.content import FactorContent, Share
from semiray.priors import JointPrior
from semiray.report.sections.content import MOST_DRAWN, SECTION, plot_content
from semiray.report.theme import DARK, LIGHT


def content(truth: bool = False, **shares: float) -> ContentResult:
    def share(value: float) -> Share:
        return Share(value, value - 0.03, value + 0.03)

    def factor(name: str, value: float) -> FactorContent:
        change = 0.0 if np.isnan(value) else 20.0
        return FactorContent(name, share(value), share(value - 0.4), change, share(0.7) if truth else None)

    images = np.full((len(shares) + 1, 4, 16, 16), 100, np.float32)
    images[:, 2:, :3] = np.nan
    factors = tuple(factor(name, value) for name, value in shares.items())
    return ContentResult(factors, share(0.4), share(0.5), share(0.6) if truth else None, 8, 9, images)


def test_the_verdict_names_the_factor_that_moves_least_content_and_that_its_name_is_assumed(make: Any) -> None:
    result = content(survival=0.6, duration=0.41)
    assert SECTION.verdict(result, make.results(prior=JointPrior.default())) == (
        "Of the visible effect of duration, an assumed name, 0.41 (0.38 to 0.44) is neither exposure nor framing, the "
        "least of all factors (two patients: 0.40)."
    )
    grounded = make.results(prior=JointPrior.default(), grounded={"duration": 9})
    assert SECTION.verdict(content(truth=True, duration=0.41), grounded) == (
        "Of the visible effect of duration 0.41 (0.38 to 0.44) is neither exposure nor framing (two patients: 0.40; "
        "true phantoms: 0.70)."
    )


def test_a_factor_that_changes_nothing_has_no_share(make: Any) -> None:
    results = make.results()
    assert SECTION.verdict(content(a=float("nan")), results) == ""
    assert "effect of b 0.50" in SECTION.verdict(content(a=float("nan"), b=0.5), results)
    assert str(next(iter(SECTION.headlines(content(a=float("nan")), results)))) == "-"
    *_, table = SECTION.body(content(a=float("nan")), results)
    assert table.rows[0][1:] == ["-", "-", "0.0"]


def test_every_factor_is_a_headline_beside_pairs_of_patients(make: Any) -> None:
    found = list(SECTION.headlines(content(a=0.3, b=0.5), make.results()))
    assert [str(one) for one in found] == ["0.30 (0.27 to 0.33)", "0.50 (0.47 to 0.53)"]
    assert {one.beside for one in found} == {"two patients 0.40"}


def test_the_truth_has_a_column_where_there_is_one(make: Any) -> None:
    for truth in (False, True):
        *_, table = SECTION.body(content(truth, a=0.3, b=0.5), make.results())
        assert ("true phantoms" in table.head) == truth
        assert {len(row) for row in table.rows} == {len(table.head)}
        assert [row[0] for row in table.rows] == ["a", "b", "two patients, generated", "two patients, real"]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_any_number_of_factors_fits(theme: Any, make: Any) -> None:
    for count, truth in ((1, True), (4, False), (MOST_DRAWN + 4, True)):
        result = content(truth, **{f"a_factor_{k}": k / 40 for k in range(count)})
        figure = plot_content(result, make.results(), theme)
        figure.canvas.draw()
        assert len(figure.axes) == 4 * (min(count, MOST_DRAWN) + 1) + 1
        boxes = [axes.get_position() for axes in figure.axes]
        assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= 1 and box.y1 <= 1 for box in boxes)
        assert all(axes.yaxis.label.get_window_extent().x0 >= 0 for axes in figure.axes)
        names = [text.get_text() for text in figure.legends[0].get_texts()]
        assert names == ["generated", "real"] + ["true phantoms"] * truth
        assert figure.legends[0].get_window_extent().x1 <= figure.bbox.x1
        assert figure.legends[0].get_window_extent().y0 >= boxes[-1].y1 * figure.bbox.y1
