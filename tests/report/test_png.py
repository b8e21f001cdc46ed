import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from semiray.report.png import encode_png
from semiray.report.theme import LIGHT, blank


def plain(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def drawing() -> Figure:
    figure = blank(5, 3, LIGHT)
    axes = figure.add_subplot()
    axes.plot([0, 1, 2], [3, 1, 2], color=LIGHT.synthetic)
    axes.set_title("A title of several letters", color=LIGHT.ink)
    return figure


def photograph() -> Figure:
    figure = blank(3, 3, LIGHT)
    noise = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    figure.add_axes((0, 0, 1, 1)).imshow(noise, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
    return figure


def test_a_drawing_takes_half_the_bytes_and_looks_the_same() -> None:
    figure = drawing()
    small, large = encode_png(figure), plain(figure)
    assert len(small) < len(large) / 2
    difference = np.abs(pixels(small) - pixels(large))
    assert difference.mean() < 0.2
    assert difference.max() < 40
    assert difference[0, 0].max() == 0  # the page's own colour: an edge would show


def test_a_radiograph_keeps_every_pixel() -> None:
    figure = photograph()
    assert np.array_equal(pixels(encode_png(figure)), pixels(plain(figure)))


def test_the_same_figure_is_the_same_bytes_and_says_who_wrote_it() -> None:
    assert encode_png(drawing()) == encode_png(drawing())
    assert Image.open(io.BytesIO(encode_png(drawing()))).info["Software"] == "semiray"
