"""Promises of figures about words: formulas, control characters and lone dollars break nothing and show as written."""

from io import BytesIO

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from semiray.plain_figure import PlainFigure


@pytest.mark.parametrize("word", [r"$\frac{$", "$", "$a$", r"\$", "\x1b[31m", "$\\nope$ {}", "%s", "a\nb"])
def test_any_word_can_stand_anywhere(word: str) -> None:
    figure = PlainFigure(figsize=(3, 3))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(word)
    axes.set_xlabel(word)
    axes.set_yticks([0, 1], [word, word])
    axes.legend([axes.plot([0, 1])[0]], [word])
    figure.text(0.1, 0.1, word)
    figure.suptitle(word)
    figure.tight_layout()
    for kind in ("png", "pdf", "svg"):
        figure.savefig(BytesIO(), format=kind)
    assert not any(text.get_parse_math() for text in figure.findobj(Text))
    assert "\x1b" not in axes.get_title()
