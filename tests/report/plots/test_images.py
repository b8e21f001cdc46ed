from itertools import pairwise
from typing import Any

import pytest

from semiray.evaluation import ImageSamples
from semiray.report.plots.images import plot_images
from semiray.report.theme import DARK, LIGHT

NAMES = ("Viral Pneumonia", "Lung_Opacity", "A_class_with_a_very_long_name")


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_class_names_are_neither_cut_off_nor_overlap(theme: Any, real: Any) -> None:
    samples = ImageSamples(NAMES, (real.images[:3],) * 3, (real.images[:4],) * 3)
    figure = plot_images(samples, theme)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.texts]
    assert len(boxes) == 6
    assert len(figure.axes) == 21
    images = min(axes.get_window_extent().x0 for axes in figure.axes)
    assert all(box.x0 >= 0 and box.x1 < images for box in boxes)
    assert not any(above.overlaps(below) for above, below in pairwise(boxes))


def test_without_real_images_and_without_classes(real: Any) -> None:
    alone = plot_images(ImageSamples(("",), (real.images[:0],), (real.images[:4],)), LIGHT, real_images=False)
    assert [text.get_text() for text in alone.texts] == ["generated"]
    assert len(alone.axes) == 4
