import numpy as np
import pytest
import torch

from semiray.evaluation.judges.alterations import (
    DEGRADATIONS,
    NOISE,
    add_noise,
    classical_augmentation,
    compress,
    halve,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", DEGRADATIONS)
@pytest.mark.parametrize("shape", [(3, 32, 32), (2, 33, 33), (0, 16, 16)])
def test_shape_type_and_argument_stay(name: str, shape: tuple[int, int, int]) -> None:
    images = RNG.integers(0, 256, shape, dtype=np.uint8)
    before = images.copy()
    result = DEGRADATIONS[name](images, np.random.default_rng(1))
    assert result.shape == shape
    assert result.dtype == np.uint8
    assert np.array_equal(images, before)
    assert np.array_equal(result, images) == (name == "clean" or not len(images))


@pytest.mark.parametrize("name", DEGRADATIONS)
@pytest.mark.parametrize("grey", [0, 100, 255])
def test_a_flat_image_keeps_its_grey_but_for_noise(name: str, grey: int) -> None:
    result = DEGRADATIONS[name](np.full((2, 64, 64), grey, np.uint8), np.random.default_rng(1)).astype(float)
    assert result.mean() == pytest.approx(grey, abs=0.5 if 0 < grey < 255 or name != "noise" else 6)


def test_noise_is_five_per_cent_of_the_range() -> None:
    flat = np.full((4, 128, 128), 128, np.uint8)
    noisy = add_noise(flat, np.random.default_rng(0)).astype(float)
    assert noisy.std() == pytest.approx(0.05 * 255, rel=0.02)
    assert NOISE == 12.75
    assert not np.array_equal(noisy[0], noisy[1])


def test_half_the_size_removes_a_grid_and_keeps_a_ramp() -> None:
    y, x = np.mgrid[:64, :64]
    grid = np.where((x + y) % 2, 180, 80).astype(np.uint8)
    ramp = (2 * x + 60).astype(np.uint8)
    result = halve(np.stack([grid, ramp])).astype(float)
    assert result[0].std() == 0
    assert np.abs(result[1] - ramp)[:, 2:-2].max() <= 1


def test_jpeg_loses_something_and_not_much() -> None:
    y, x = np.mgrid[:64, :64]
    smooth = (127 + 90 * np.sin(x / 9) * np.cos(y / 11)).astype(np.uint8)
    error = np.abs(compress(smooth[None]).astype(float) - smooth)
    assert 0 < error.mean() < 3


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def half(count: int = 64) -> torch.Tensor:
    """Dark on the left, bright on the right."""
    images = torch.full((count, 1, 32, 32), -0.5)
    images[..., 16:] = 0.5
    return images


def test_shape_range_and_seed() -> None:
    images = torch.rand(16, 1, 32, 32, generator=generator()) * 2 - 1
    changed = classical_augmentation(images, generator(1))
    assert changed.shape == images.shape
    assert changed.min() >= -1
    assert changed.max() <= 1
    assert torch.equal(changed, classical_augmentation(images, generator(1)))
    assert not torch.equal(changed, classical_augmentation(images, generator(2)))


def test_a_chest_is_not_mirrored_unless_asked() -> None:
    def right_is_bright(changed: torch.Tensor) -> float:
        return float((changed[..., 24:].mean((1, 2, 3)) > changed[..., :8].mean((1, 2, 3))).float().mean())

    assert right_is_bright(classical_augmentation(half(), generator())) == 1.0
    assert 0.2 < right_is_bright(classical_augmentation(half(), generator(), mirror=True)) < 0.8


def test_nothing_moves_far() -> None:
    images = torch.full((200, 1, 64, 64), -1.0)
    images[..., 31:33, 31:33] = 1.0
    changed = classical_augmentation(images, generator())
    brightest = changed.flatten(1).argmax(1)
    rows, columns = brightest // 64, brightest % 64
    for place in (rows, columns):
        assert (place - 31.5).abs().max() <= 64 / 16 + 1.5  # a sixteenth of the side; turning keeps the centre
        assert place.float().std() > 1  # and it does move
