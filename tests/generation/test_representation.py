from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from semiray.errors import SemirayError
from semiray.generation.encoding import encode
from semiray.generation.representation import Representation, image_error, moved_codes, plot_representation, represent
from semiray.generation.sampling import generate
from semiray.generation.traversal import factor_path
from semiray.priors import JointPrior
from semiray.settings import make_settings
from semiray.training import Run

few_steps = partial(represent, search_steps=(4, 4))


@pytest.fixture
def found(run: Run, data_folder: Path) -> Representation:
    return few_steps(run, data_folder / "normal" / "03.png", move="presentation", steps=5)


def test_only_the_factor_moves(run: Run, found: Representation) -> None:
    part = run.prior.slices["presentation"]
    assert found.images.shape == (5, 32, 32)
    assert (found.moved[:, part] == factor_path(run.prior, "presentation", 5).numpy()).all()
    assert (np.delete(found.moved, np.r_[part], axis=1) == np.delete(found.codes, np.r_[part])).all()
    assert (found.images[0] != found.images[-1]).any()


def test_codes_are_the_sorter_s_and_stay(run: Run, found: Representation) -> None:
    assert (found.codes == encode(run, found.original[None])[0]).all()
    assert found.names == run.prior.names


def test_error_is_that_of_the_images_shown(found: Representation) -> None:
    assert (found.error, found.ssim) == image_error(found.original, found.reconstruction)
    assert found.error == np.abs(found.original.astype(float) - found.reconstruction).mean()
    assert image_error(found.original, found.original) == (0, pytest.approx(1))
    assert -1 <= found.noise_ssim <= 1


def test_a_value_that_is_already_there_gives_the_reconstruction_again(run: Run, data_folder: Path) -> None:
    """A binary dimension passes its own reading on its way."""
    found = few_steps(run, data_folder / "virus" / "00.png", move="survival[0]", label="virus")
    own = int(found.codes[0])
    assert found.moved[:, 0].tolist() == [0, 1]
    assert np.abs(found.images[own].astype(int) - found.reconstruction).max() <= 1  # another place in the batch
    assert (found.images[1 - own] != found.reconstruction).any()


def test_one_dimension_moves_alone() -> None:
    prior = JointPrior.default()
    codes = prior.sample(1).numpy()[0]
    moved = moved_codes(prior, codes, "duration[3]", 4)
    column = prior.index("duration[3]")
    assert (moved[:, column] == factor_path(prior, "duration", 4)[:, 3].numpy()).all()
    assert (np.delete(moved, column, axis=1) == np.delete(codes, column)).all()
    lead = moved_codes(prior, codes, "duration[0]", 4)
    assert ((lead != codes).any(axis=0) == (np.arange(20) == prior.index("duration"))).all()


def test_a_class_is_given_or_guessed(run: Run, unlabelled_run: Run, data_folder: Path) -> None:
    path = data_folder / "virus" / "00.png"
    given = few_steps(run, path, move="texture", steps=2, label="normal")
    assert (given.label, given.label_guessed) == ("normal", False)
    guessed = few_steps(run, path, move="texture", steps=2)
    assert guessed.label in run.classes
    assert guessed.label_guessed
    bare = few_steps(unlabelled_run, path, move="texture", steps=2)
    assert (bare.label, bare.label_guessed) == (None, False)


def test_a_sorter_without_classes_can_t_guess(run: Run) -> None:
    settings = make_settings({"resolution": 32, "objectives": {"classify": 0}})
    image = generate(run, 1).images[0]
    with pytest.raises(SemirayError, match="one of bacteria, normal, virus"):
        few_steps(replace(run, settings=settings), image, move="texture")
    assert few_steps(replace(run, settings=settings), image, move="texture", label="virus").label == "virus"


def test_a_file_is_read_and_framed_as_the_run_s_data(run: Run, tmp_path: Path) -> None:
    wide = np.tile(np.arange(64, dtype=np.uint16) * 1000, (32, 1))
    wide[:, :16] = wide[:, -16:] = 0
    Image.fromarray(wide).save(tmp_path / "deep.png")
    cropped = few_steps(run, tmp_path / "deep.png", move="texture", steps=2).original
    assert cropped.shape == (32, 32)
    assert cropped[:, 0].min() > 0
    settings = run.settings.model_copy(update={"data": run.settings.data.model_copy(update={"framing": "pad"})})
    padded = few_steps(replace(run, settings=settings), str(tmp_path / "deep.png"), move="texture", steps=2).original
    assert (padded[:8] == 0).all()
    assert padded[16].max() > 0


def test_same_call_same_numbers(run: Run, data_folder: Path, found: Representation) -> None:
    again = few_steps(run, data_folder / "normal" / "03.png", move="presentation", steps=5)
    assert (again.images == found.images).all()
    assert (again.z == found.z).all()
    assert again.ssim == found.ssim


def test_errors_say_what_to_do(run: Run, data_folder: Path, tmp_path: Path, make_run: Callable[..., Run]) -> None:
    image = generate(run, 1).images[0]
    (tmp_path / "text.png").write_text("no image")
    for bad, told in {
        data_folder: "is a folder",
        tmp_path / "nowhere.png": "there is no such file",
        tmp_path / "text.png": "text.png: not an image",
    }.items():
        with pytest.raises(SemirayError, match=told):
            few_steps(run, bad, move="texture")
    with pytest.raises(SemirayError, match="presentation"):
        few_steps(run, image, move="presntation")
    with pytest.raises(SemirayError, match=r"duration\[0\] to duration\[4\]"):
        few_steps(run, image, move="duration[9]")
    with pytest.raises(SemirayError, match="steps = 1"):
        few_steps(run, image, move="texture", steps=1)
    with pytest.raises(SemirayError, match="Did you mean 'virus'"):
        few_steps(run, image, move="texture", label="viral")
    with pytest.raises(SemirayError, match="32 x 32"):
        few_steps(run, np.zeros((64, 64), np.uint8), move="texture")
    with pytest.raises(SemirayError, match="one image"):
        few_steps(run, image[None], move="texture")


@pytest.fixture(scope="module")
def drawn(run: Run, data_folder: Path) -> Representation:
    return few_steps(run, data_folder / "normal" / "03.png", move="duration", steps=3)


def texts(figure: Figure) -> str:
    parts = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        parts += [axes.get_title(), axes.get_title(loc="left"), axes.get_xlabel()]
    return " ".join(" ".join(parts).split())


def test_figure_says_what_is_given_what_is_made_and_what_is_assumed(run: Run, drawn: Representation) -> None:
    written = texts(plot_representation(run, drawn))
    for word in (
        "Original",
        "Reconstruction (synthetic)",
        "Difference, grey levels of 255",
        "duration moves (synthetic)",
        "0.513 days",
        "30 days",
        f"read: {drawn.codes[run.prior.index('duration')]:.3g} days",
        f"SSIM {drawn.ssim:.3f}",
        f"mean error {drawn.error:.1f} grey levels",
        "estimated by the sorter",
        "Assumed, grounded on no image: duration.",
        "no forecast",
    ):
        assert word in written, word
    known = texts(plot_representation(replace(run, grounded={"duration": 40}), replace(drawn, label_guessed=False)))
    assert "duration (grounded on 40 images)" in known
    assert "Assumed" not in known
    assert f"class: {drawn.label}, given" in known


def test_difference_map_has_its_scale(run: Run, drawn: Representation) -> None:
    figure = plot_representation(run, drawn)
    axes = next(axes for axes in figure.axes if "Difference" in axes.get_title())
    shown = np.asarray(axes.images[0].get_array())
    assert (shown == drawn.original.astype(float) - drawn.reconstruction).all()
    low, high = axes.images[0].get_clim()
    assert low == -high
    assert np.abs(shown).max() <= high < np.abs(shown).max() + 10


@pytest.mark.parametrize("steps", [2, 8, 19])
def test_pictures_lie_on_the_page_and_apart(run: Run, drawn: Representation, steps: int) -> None:
    many = replace(drawn, images=np.tile(drawn.images[:1], (steps, 1, 1)), moved=np.tile(drawn.moved[:1], (steps, 1)))
    figure = plot_representation(run, many)
    assert max(figure.get_size_inches() * figure.dpi) < 4000
    pictures = [axes.get_position() for axes in figure.axes if axes.images]
    assert len(pictures) == 3 + steps
    for box in pictures:
        assert 0 <= box.x0 < box.x1 <= 1
        assert 0 <= box.y0 < box.y1 <= 1
        assert not any(box.overlaps(other) for other in pictures if other is not box)


def test_file_says_that_it_is_synthetic_and_holds_a_given_image(
    run: Run, drawn: Representation, tmp_path: Path
) -> None:
    plot_representation(run, drawn).savefig(tmp_path / "f.png")
    with Image.open(tmp_path / "f.png") as image:
        assert image.info["Synthetic"] == "true"
        assert "one image that was given" in image.info["Description"]
        assert "no patient's" not in image.info["Description"]
