"""Promises of figures about words: formulas, control characters and lone dollars break nothing and show as written."""

import io
from io import BytesIO
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from semiray.demo import make_phantoms
from semiray.errors import SemirayError
from semiray.figures import SemirayFigure, check_replaceable


@pytest.mark.parametrize("word", [r"$\frac{$", "$", "$a$", r"\$", "\x1b[31m", "$\\nope$ {}", "%s", "a\nb"])
def test_any_word_can_stand_anywhere(word: str) -> None:
    figure = SemirayFigure(figsize=(3, 3))
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


def test_a_figure_too_large_to_draw_is_a_sentence() -> None:
    with pytest.raises(SemirayError, match="too large to draw"):
        SemirayFigure(figsize=(1, 1e5))


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_only_figures_of_semirays_are_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"figure.{kind}"
    check_replaceable(path)
    SemirayFigure(figsize=(2, 2)).savefig(path)
    check_replaceable(path)
    path.write_bytes(b"somebody's own")
    with pytest.raises(SemirayError, match="isn't a figure of semiray's"):
        check_replaceable(path)
    with pytest.raises(SemirayError, match="is a folder"):
        check_replaceable(tmp_path)


def test_no_radiograph_and_no_phantom_is_replaced(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "radiograph.png")
    make_phantoms(tmp_path / "set", 3, resolution=16)
    for path in (tmp_path / "radiograph.png", next((tmp_path / "set").rglob("*.png"))):
        with pytest.raises(SemirayError, match="isn't a figure"):
            check_replaceable(path)


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_files_name_semiray(tmp_path: Path, kind: str) -> None:
    SemirayFigure(figsize=(1, 1)).savefig(tmp_path / f"figure.{kind}")
    Figure(figsize=(1, 1)).savefig(tmp_path / f"plain.{kind}")
    assert b"semiray" in (tmp_path / f"figure.{kind}").read_bytes()
    assert b"semiray" not in (tmp_path / f"plain.{kind}").read_bytes()


def test_streams_and_own_words_too() -> None:
    stream = io.BytesIO()
    SemirayFigure(figsize=(1, 1)).savefig(stream, metadata={"Title": "mine"})
    with Image.open(stream) as image:
        assert image.info["Software"] == "semiray"
        assert image.info["Title"] == "mine"


def test_formats_without_metadata_are_written(tmp_path: Path) -> None:
    SemirayFigure(figsize=(1, 1)).savefig(tmp_path / "figure.jpg")
    assert (tmp_path / "figure.jpg").read_bytes()[:2] == b"\xff\xd8"
