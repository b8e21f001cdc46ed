import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from semiray.errors import SemirayError
from semiray.priors import JointPrior
from semiray.radiographs.phantom import render_phantoms
from semiray.radiographs.pixels.asymmetry import lung_asymmetry, mirror_shift

SIDE = 64


def chest(left: float = 0, right: float = 0, *, shift: int = 0) -> np.ndarray:
    """(1, 64, 64): a bright body with two dark lungs, each with an opacity, moved to the right by whole pixels."""
    image = np.full((SIDE, SIDE), 160.0)
    image[:, :6], image[:, -6:] = 10, 10
    image[14:50, 12:28], image[14:50, -28:-12] = 40, 40
    image[30:44, 14:26] += left
    image[30:44, -26:-14] += right
    return np.roll(image, shift, axis=1)[None].round().astype(np.uint8)


def test_a_symmetric_chest_is_at_0_wherever_it_stands() -> None:
    for shift in (-3, 0, 2, 4):
        image = chest(shift=shift)
        assert mirror_shift(image).tolist() == [2 * shift]
        assert lung_asymmetry(image)[0] == pytest.approx(0, abs=1e-9)


def test_it_grows_with_opacity_on_the_right_and_a_mirror_turns_its_sign() -> None:
    found = [lung_asymmetry(chest(right=level))[0] for level in (0, 15, 30, 60)]
    assert np.diff(found).min() > 0.02
    assert lung_asymmetry(chest(left=60))[0] == pytest.approx(-found[-1])
    images = np.concatenate([chest(10, 60), chest(50, 0, shift=2), chest(right=30, shift=-3)])
    assert lung_asymmetry(images[:, :, ::-1]) == pytest.approx(-lung_asymmetry(images))
    assert mirror_shift(images[:, :, ::-1]).tolist() == (-mirror_shift(images)).tolist()


def test_neither_place_nor_brightness_nor_contrast_counts() -> None:
    image = chest(10, 60)
    for changed in (chest(10, 60, shift=3), image // 2, image + 20):
        assert lung_asymmetry(changed)[0] == pytest.approx(lung_asymmetry(image)[0], abs=0.02)


def test_it_stays_within_its_range() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 32, 32)).astype(np.uint8)
    assert (np.abs(lung_asymmetry(noise)) < 0.2).all()
    assert lung_asymmetry(np.zeros((1, 32, 32), np.uint8)).tolist() == [0]
    black = np.zeros((1, 32, 32), np.uint8)
    black[:, 8:24, 18:28] = 255
    black[:, :, :2] = 255  # an edge that keeps the midline in the middle
    black[:, :, -2:] = 255
    assert 0.9 < lung_asymmetry(black)[0] <= 1
    with pytest.raises(SemirayError, match="square"):
        mirror_shift(noise[:, :20])
    with pytest.raises(SemirayError, match=r"at least 16 pixels; these are \(50, 8, 8\)"):
        lung_asymmetry(noise[:, :8, :8])


def test_large_images_are_averaged_down() -> None:
    images = np.concatenate([chest(10, 60), chest(50, 0, shift=2)])
    large = images.repeat(2, axis=1).repeat(2, axis=2)
    large[:, ::2, ::2] += 4  # finer than what is left: one of four pixels is 4 brighter, all of them are 1
    assert lung_asymmetry(large) == pytest.approx(lung_asymmetry(images + 1))


def test_on_phantoms_it_follows_the_side_that_presentation_names() -> None:
    prior = JointPrior.default()
    codes, labels = prior.sample(60, generator=torch.Generator().manual_seed(0)).numpy(), np.arange(60) % 3
    side = prior.names.index("presentation[0]")
    found = lung_asymmetry(render_phantoms(codes, labels, resolution=SIDE, seed=0))
    assert spearmanr(codes[:, side], found).statistic > 0.85
    moved = []
    for lead in (-1, 0, 1):  # the same patients, seen three times
        codes[:, side] = lead
        moved.append(lung_asymmetry(render_phantoms(codes, labels, resolution=SIDE, seed=0)))
    assert (np.diff(moved, axis=0) > 0).mean() > 0.95
    assert (moved[2] - moved[0] > 0.1).all()
