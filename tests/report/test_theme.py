import io

from matplotlib.colors import to_rgba
from PIL import Image

from semiray.evaluation.judgements.commitment import DimensionCommitment
from semiray.report.theme import DARK, LIGHT, blank, foot, legend, plot_dimensions, png, style


def test_a_figure_has_the_colours_of_its_page() -> None:
    for theme in (LIGHT, DARK):
        figure = blank(3, 2, theme)
        axes = figure.add_subplot()
        style(axes, theme, "title")
        legend(figure, theme, (("#ff0000", "red"),))
        taken = foot(figure, theme, "a note " * 20)
        assert figure.get_facecolor() == axes.get_facecolor() == to_rgba(theme.paper)
        assert 0 < taken < 0.5
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["red"]


def test_the_same_figure_gives_the_same_marked_bytes() -> None:
    first, second = (png(blank(3, 2, DARK)) for _ in range(2))
    assert first == second
    image = Image.open(io.BytesIO(first))
    assert image.size == (432, 288)
    assert image.mode == "RGB"
    assert image.getpixel((0, 0)) == (0x18, 0x1B, 0x20)
    assert image.text["Software"] == "semiray"  # type: ignore[attr-defined]


def test_a_line_per_dimension_with_its_floor_and_lines_between_factors() -> None:
    names, values = ["a[0]", "a[1]", "b[0]"], [(0.5, 0.4, 0.6), (0.2, 0.1, 0.3), (0.9, 0.8, 1.0)]
    floors = [0.0, 0.1, 0.2]
    rows = [DimensionCommitment(name, "r2", *v, floor) for name, v, floor in zip(names, values, floors, strict=True)]
    figure = plot_dimensions("title", rows, (-0.5, 1.0), "#ff0000", LIGHT)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == names
    assert [round(bar.get_x() + bar.get_width(), 6) for bar in axes.patches] == floors
    between, dots = axes.lines[-1], axes.lines[0]
    assert list(between.get_ydata()) == [1.5, 1.5]
    assert list(dots.get_xdata()) == [0.5, 0.2, 0.9]
