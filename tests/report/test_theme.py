import io

from matplotlib.colors import to_rgba
from PIL import Image

from semiray.report.theme import DARK, LIGHT, blank, foot, legend, png, style


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
