from semiray.report.plots.dimensions import plot_dimensions
from semiray.report.theme import LIGHT


def test_a_line_per_dimension_with_its_floor_and_lines_between_factors() -> None:
    names, values = ["a[0]", "a[1]", "b[0]"], [(0.5, 0.4, 0.6), (0.2, 0.1, 0.3), (0.9, 0.8, 1.0)]
    figure = plot_dimensions(names, values, [0.0, 0.1, 0.2], (-0.5, 1.0), "title", "#ff0000", LIGHT)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == names
    assert [round(bar.get_x() + bar.get_width(), 6) for bar in axes.patches] == [0.0, 0.1, 0.2]
    between, dots = axes.lines[-1], axes.lines[0]
    assert list(between.get_ydata()) == [1.5, 1.5]
    assert list(dots.get_xdata()) == [0.5, 0.2, 0.9]
