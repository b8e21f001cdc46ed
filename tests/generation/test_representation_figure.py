from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from semiray.generation import inversion
from semiray.generation.representation import Representation, represent
from semiray.generation.representation_figure import plot_representation
from semiray.training import Run


@pytest.fixture(scope="module")
def found(run: Run, data_folder: Path) -> Representation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inversion, "STEPS", (2, 2))
        return represent(run, data_folder / "normal" / "03.png", move="duration", steps=3)


def texts(figure: Figure) -> str:
    parts = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        parts += [axes.get_title(), axes.get_title(loc="left"), axes.get_xlabel()]
    return " ".join(" ".join(parts).split())


def test_figure_says_what_is_given_what_is_made_and_what_is_assumed(run: Run, found: Representation) -> None:
    written = texts(plot_representation(run, found))
    for word in (
        "Original",
        "Reconstruction (synthetic)",
        "Difference, grey levels of 255",
        "duration moves (synthetic)",
        "0.513 days",
        "30 days",
        f"read: {found.codes[run.prior.index('duration')]:.3g} days",
        f"SSIM {found.ssim:.3f}",
        f"mean error {found.error:.1f} grey levels",
        "guessed by the sorter",
        "Assumed, grounded on no image: duration.",
        "no forecast",
    ):
        assert word in written, word
    known = texts(plot_representation(replace(run, grounded={"duration": 40}), replace(found, label_guessed=False)))
    assert "duration (grounded on 40 images)" in known
    assert "Assumed" not in known
    assert f"class: {found.label}, given" in known


def test_difference_map_has_its_scale(run: Run, found: Representation) -> None:
    figure = plot_representation(run, found)
    axes = next(axes for axes in figure.axes if "Difference" in axes.get_title())
    shown = np.asarray(axes.images[0].get_array())
    assert (shown == found.original.astype(float) - found.reconstruction).all()
    low, high = axes.images[0].get_clim()
    assert low == -high
    assert np.abs(shown).max() <= high < np.abs(shown).max() + 10


@pytest.mark.parametrize("steps", [2, 8, 19])
def test_pictures_lie_on_the_page_and_apart(run: Run, found: Representation, steps: int) -> None:
    many = replace(found, images=np.tile(found.images[:1], (steps, 1, 1)), moved=np.tile(found.moved[:1], (steps, 1)))
    figure = plot_representation(run, many)
    assert max(figure.get_size_inches() * figure.dpi) < 4000
    pictures = [axes.get_position() for axes in figure.axes if axes.images]
    assert len(pictures) == 3 + steps
    for box in pictures:
        assert 0 <= box.x0 < box.x1 <= 1
        assert 0 <= box.y0 < box.y1 <= 1
        assert not any(box.overlaps(other) for other in pictures if other is not box)


def test_file_says_that_it_is_synthetic_and_holds_a_given_image(
    run: Run, found: Representation, tmp_path: Path
) -> None:
    plot_representation(run, found).savefig(tmp_path / "f.png")
    with Image.open(tmp_path / "f.png") as image:
        assert image.info["Synthetic"] == "true"
        assert "one image that was given" in image.info["Description"]
        assert "no patient's" not in image.info["Description"]
