import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from semiray.errors import SemirayError
from semiray.generation.figures import enlarge, mosaic, plot_networks, plot_samples, row_labels, text_width
from semiray.generation.traversal import traverse
from semiray.training import Run


def test_mosaic_tiles_on_white() -> None:
    images = np.arange(12, dtype=np.uint8).reshape(4, 3, 1, 1) * np.ones((4, 3, 5, 6), np.uint8)
    sheet = mosaic(images, gap=2)
    assert sheet.shape == (4 * 5 + 3 * 2, 3 * 6 + 2 * 2)
    assert (sheet[7:12, 8:14] == 4).all()
    assert (sheet[5:7] == 255).all()
    assert (sheet[:, 6:8] == 255).all()
    grouped = mosaic(images, gap=2, group=2)
    assert len(grouped) == len(sheet) + 4
    assert (grouped[-5:, :6] == 9).all()
    assert (grouped[12:18] == 255).all()


def test_enlarged_images_keep_to_themselves() -> None:
    images = np.stack([np.zeros((32, 32)), np.full((32, 32), 255)]).astype(np.uint8)[None]
    large = enlarge(images)
    assert large.shape == (1, 2, 108, 108)
    assert [int(large[0, i].min()) for i in range(2)] == [int(large[0, i].max()) for i in range(2)] == [0, 255]
    photograph = np.zeros((1, 1, 256, 256), np.uint8)
    assert enlarge(photograph) is photograph


def test_sample_sheet_has_a_panel_a_class(run: Run, unlabelled_run: Run) -> None:
    figure = plot_samples(run, columns=4, rows=2, where="survival == 1")
    assert [axes.get_yticklabels()[0].get_text() for axes in figure.axes] == list(run.classes)
    assert "survival == 1" in figure.texts[0].get_text()
    sheets = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    assert sheets[0].shape == (2 * 108 + 4, 4 * 108 + 3 * 4)
    assert (sheets[0] != sheets[1]).any()
    assert len(plot_samples(unlabelled_run, columns=3, rows=1).axes) == 1
    with pytest.raises(SemirayError, match="1 to 100 of each"):
        plot_samples(run, columns=0)


def test_networks_figure_counts_every_parameter(run: Run, make_run: Callable[..., Run]) -> None:
    for some in (run, make_run((), architecture="dcgan")):
        written = [text.get_text() for axes in plot_networks(some).axes for text in axes.texts]
        for network in (some.generator, some.discriminator):
            total = sum(parameter.numel() for parameter in network.parameters())
            assert f"{total:,} parameters" in written
        assert any(f"codes ({some.prior.dimensions},)" in text for text in written)
        assert any("image (1, 32, 32) in [-1, 1]" in text for text in written)
        assert "Conv2d" in written


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_files_of_figures_say_that_they_are_synthetic(run: Run, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"samples.{kind}"
    plot_samples(run, columns=2, rows=1).savefig(path)
    if kind == "png":
        with Image.open(path) as image:
            assert image.info["Synthetic"] == "true"
    else:
        assert b"synthetic" in path.read_bytes()


@pytest.mark.parametrize("classes", [("Viral Pneumonia", "Lung_Opacity", "COVID"), ("a" * 30, "b")])
def test_class_names_are_whole_and_do_not_overlap(make_run: Callable[..., Run], classes: tuple[str, ...]) -> None:
    run = make_run(classes)
    for figure in (plot_samples(run, columns=2, rows=1), traverse(run, patients=1, steps=2)):
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        for axes in figure.axes:
            boxes = [label.get_window_extent(renderer) for label in axes.get_yticklabels()]
            assert all(box.x0 >= 0 for box in boxes)
            boxes.sort(key=lambda box: float(box.y0))
            assert all(low.y1 < high.y0 for low, high in itertools.pairwise(boxes))


def test_row_labels_break_where_words_end() -> None:
    labels, width = row_labels(["Viral Pneumonia", "Lung_Opacity", "COVID"])
    assert labels == ["Viral\nPneumonia", "Lung_\nOpacity", "COVID"]
    assert 0.5 < width < 1
    assert row_labels([]) == ([], 0.0)


def test_text_is_measured_in_inches() -> None:
    assert text_width(" ", 9) == 0
    assert 0 < text_width("i", 9) < text_width("Viral Pneumonia", 9) < 1.5
    assert text_width("ab", 18) == pytest.approx(2 * text_width("ab", 9))
