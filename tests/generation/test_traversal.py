from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from semiray.errors import SemirayError
from semiray.generation.sampling import draw_block, generate, render
from semiray.generation.traversal import factor_path, traversal_images, traverse
from semiray.priors import Factor, JointPrior
from semiray.settings import make_settings
from semiray.training import Run


def texts(figure: Figure) -> str:
    axes = figure.axes
    labels = [label.get_text() for ax in axes for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]]
    return "\n".join(
        [
            *(ax.get_title(loc="left") + " " + ax.get_xlabel() for ax in axes),
            *labels,
            *(t.get_text() for t in figure.texts),
        ]
    )


def test_a_continuous_factor_goes_through_its_quantiles() -> None:
    path = factor_path(JointPrior.default(), "duration", 7)
    expected = -10 * np.log1p(-np.linspace(0.05, 0.95, 7))
    assert path.shape == (7, 5)
    assert path.numpy() == pytest.approx(np.tile(expected[:, None], 5), rel=1e-5)


def test_a_discrete_factor_goes_through_its_values() -> None:
    assert factor_path(JointPrior.default(), "survival", 7).tolist() == [[0.0] * 5, [1.0] * 5]
    rare = JointPrior([Factor("death", "bernoulli", dimensions=2, parameters={"probability": [0.5, 0.01]})])
    assert factor_path(rare, "death", 3).tolist() == [[0, 0], [1, 1]]
    stage = {"probabilities": [0.1, 0.2, 0.3, 0.2, 0.2]}
    ordinal = JointPrior([Factor("stage", "categorical", dimensions=2, parameters=stage)])
    values = factor_path(ordinal, "stage", 9)[:, 0].tolist()
    assert len(values) == 5
    assert values == sorted(set(values))
    few = factor_path(ordinal, "stage", 3)[:, 0].tolist()
    assert few == [values[0], values[2], values[4]]


def test_only_the_factor_moves(run: Run) -> None:
    base = generate(run, 6, seed=3).codes
    for factor in run.prior.factors:
        part = run.prior.slices[factor.name]
        images, codes = traversal_images(run, factor.name, patients=2, steps=4, seed=3)
        assert images.shape == (6, codes.shape[1], 32, 32)
        others = np.delete(codes, np.r_[part], axis=2)
        assert (others == np.delete(base, np.r_[part], axis=1)[:, None]).all()
        assert (codes[:, :, part] == factor_path(run.prior, factor.name, 4).numpy()).all()
        assert (images[:, 0] != images[:, -1]).any(axis=(1, 2)).all()


def test_patients_are_those_that_generate_draws(run: Run) -> None:
    images, codes = traversal_images(run, "duration", patients=2, steps=3, seed=8)
    z, _ = draw_block(run, run.prior, 8, 0)
    for patient in range(6):
        label = np.full(3, patient // 2)
        expected = render(run, z[patient].expand(3, -1), torch.from_numpy(codes[patient]), label)
        assert np.abs(images[patient].astype(int) - expected).max() <= 1  # another place in the batch


def test_many_patients_take_several_blocks(make_run: Callable[..., Run]) -> None:
    images, _ = traversal_images(make_run(("a", "b")), "survival", patients=40, steps=2)
    assert images.shape == (80, 2, 32, 32)
    assert len(np.unique(images[:, 0].reshape(80, -1), axis=0)) == 80


def test_figure_has_a_panel_a_factor_with_values_and_units(run: Run) -> None:
    figure = traverse(run, patients=1, steps=3)
    assert len(figure.axes) == 4
    written = texts(figure)
    for word in (
        "survival",
        "duration days",
        "0.513",
        "30",
        "normal",
        "bacteria",
        "Assumed, grounded on no image",
        "Generated",
    ):
        assert word in written, word
    size = figure.get_size_inches() * figure.dpi
    assert max(size) < 4000
    for axes in figure.axes:  # panels lie on the page and don't overlap
        box = axes.get_position()
        assert 0 <= box.x0 < box.x1 <= 1
        assert 0 <= box.y0 < box.y1 <= 1
        assert not any(box.overlaps(other.get_position()) for other in figure.axes if other is not axes)


def test_long_class_names_are_neither_cut_off_nor_overlap(make_run: Callable[..., Run]) -> None:
    figure = traverse(make_run(("Viral Pneumonia", "Lung_Opacity", "A_class_with_a_long_name")), patients=1, steps=2)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert len(boxes) == 3
    assert all(box.x0 >= 0 and box.x1 <= figure.axes[0].get_window_extent().x0 for box in boxes)
    assert not any(above.overlaps(below) for above, below in pairwise(boxes))


def test_figure_says_what_is_grounded(make_run: Callable[..., Run]) -> None:
    run = replace(make_run(), grounded={"duration": 812, "texture": 0})
    written = texts(traverse(run, patients=1, steps=2)).replace("\n", " ")
    assert "duration (grounded on 812 images)" in written
    assert "Assumed, grounded on no image: survival, presentation, texture." in written
    run = replace(run, settings=make_settings({"resolution": run.resolution, "ground": "lateral"}))
    run = replace(run, grounded={"presentation": 812})
    written = texts(traverse(run, patients=1, steps=2)).replace("\n", " ")
    assert "Grounded in metadata" not in written
    assert "Grounded in pixels, not in metadata: presentation (asymmetry of 812 images)." in written


def test_figure_of_chosen_factors_and_of_a_run_without_classes(unlabelled_run: Run, tmp_path: Path) -> None:
    figure = traverse(unlabelled_run, patients=3, steps=2, factors=["texture", "duration"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["texture", "duration"]
    figure.savefig(tmp_path / "figure.png")
    figure.savefig(tmp_path / "figure.pdf")
    assert (tmp_path / "figure.png").read_bytes()[:4] == b"\x89PNG"


def test_same_call_same_figure(run: Run) -> None:
    pixels = []
    for _ in range(2):
        figure = traverse(run, patients=1, steps=2)
        figure.canvas.draw()
        pixels.append(np.asarray(figure.canvas.buffer_rgba()).copy())  # type: ignore[attr-defined]
    assert (pixels[0] == pixels[1]).all()
    assert pixels[0].std() > 1


def test_errors_say_what_to_do(run: Run) -> None:
    with pytest.raises(SemirayError, match="survival, duration, presentation, texture"):
        traverse(run, factors=["age"])
    with pytest.raises(SemirayError, match="patients = 0"):
        traverse(run, patients=0)
    with pytest.raises(SemirayError, match="steps = 1"):
        traverse(run, steps=1)
    with pytest.raises(SemirayError, match="no factor"):
        traverse(run, factors=[])
