from typing import Any

import numpy as np
import pytest

from semiray.evaluation import EffectResult
from semiray.evaluation.judgements.effect import DimensionEffect
from semiray.report.sections.effect import MOST_ACROSS, SECTION, plot_effect
from semiray.report.theme import DARK, LIGHT


def effects(**dimensions: int) -> EffectResult:
    names = [f"{factor}[{i}]" for factor, count in dimensions.items() for i in range(count)]
    rows = tuple(DimensionEffect(name, float(k), 0.0, 9.0) for k, name in enumerate(names))
    maps = np.arange(len(names), dtype=np.float32)[:, None, None] * np.ones((1, 16, 16), np.float32)
    return EffectResult(rows, maps, np.full((16, 16), 100, np.float32), 20.0, 8)


def test_one_line_per_factor_one_map_per_dimension_with_its_figure(make: Any) -> None:
    figure = plot_effect(effects(survival=2, duration=3), make.results(), LIGHT)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["[0]  0.0", "[1]  1.0", "[0]  2.0", "[1]  3.0", "[2]  4.0", "mean image", "grey levels"]
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["survival", "duration"]
    assert len({axes.images[0].get_clim() for axes in figure.axes[:5]}) == 1


@pytest.mark.parametrize(
    "dimensions", [{"texture": 1}, {"texture": MOST_ACROSS + 3}, {"a": 1, "b": 5}, {"a_factor_of_a_long_name": 2}]
)
def test_any_prior_fits(dimensions: dict[str, int], make: Any) -> None:
    for theme in (LIGHT, DARK):
        figure = plot_effect(effects(**dimensions), make.results(), theme)
        figure.canvas.draw()
        for axes in figure.axes:
            box = axes.get_position()
            assert box.x0 >= 0
            assert box.y0 >= 0
            assert box.x1 <= 1
            assert box.y1 <= 1
            assert axes.yaxis.label.get_window_extent().x0 >= 0


def test_the_least_visible_dimension_is_the_headline(make: Any) -> None:
    (headline,) = SECTION.headlines(effects(a=1, b=2), make.results())
    assert str(headline) == "0.0 (0.0 to 9.0) grey levels, a[0]"
    assert headline.beside == "two patients 20.0"


def test_no_effect_at_all_is_drawn_too(make: Any) -> None:
    figure = plot_effect(effects(texture=1), make.results(), LIGHT)
    figure.canvas.draw()
    assert figure.axes[0].images[0].get_clim() == (0, 1)
