"""What augmentation changes, what it leaves, and that gradients pass."""

import torch

from semiray.settings import AugmentationSettings
from semiray.training.augmentation import augment

NOTHING = dict.fromkeys(AugmentationSettings.model_fields, 0.0)


def only(**options: float) -> AugmentationSettings:
    return AugmentationSettings(**(NOTHING | options))


def images() -> torch.Tensor:
    return torch.rand(6, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_all_zero_changes_nothing_and_draws_nothing() -> None:
    state = torch.get_rng_state()
    assert torch.equal(augment(images(), only()), images())
    assert torch.equal(torch.get_rng_state(), state)


def test_every_option_changes_images_and_passes_gradients() -> None:
    for name in NOTHING:
        torch.manual_seed(1)
        x = images().requires_grad_()
        y = augment(x, only(**{name: 0.5}))
        assert y.shape == x.shape
        assert not torch.equal(y, x), name
        y.sum().backward()
        assert x.grad is not None
        assert x.grad.abs().sum() > 0, name


def test_brightness_moves_the_mean_and_contrast_keeps_it() -> None:
    torch.manual_seed(0)
    x = images()
    moved = (augment(x, only(brightness=0.4)) - x).flatten(1)
    torch.testing.assert_close(moved.std(dim=1), torch.zeros(6), atol=1e-6, rtol=0)
    assert 0 < moved.abs().max() <= 0.4
    torch.testing.assert_close(augment(x, only(contrast=0.5)).mean(dim=(1, 2, 3)), x.mean(dim=(1, 2, 3)))


def test_blur_removes_the_finest_grid() -> None:
    grid = torch.ones(4, 1, 16, 16)
    grid[:, :, ::2, ::2] = grid[:, :, 1::2, 1::2] = -1
    assert augment(grid, only(blur=1.0)).abs().max() < 1e-6


def test_shift_is_bounded_by_its_fraction_of_the_side() -> None:
    torch.manual_seed(0)
    dot = torch.zeros(64, 1, 32, 32)
    dot[:, :, 16, 16] = 1.0
    seen = augment(dot, only(shift=0.125)).flatten(1).argmax(dim=1)
    rows, columns = seen // 32 - 16, seen % 32 - 16
    assert max(rows.abs().max(), columns.abs().max()) in (4, 5)


def test_shifts_keep_the_finest_detail_and_zooms_blur_few() -> None:
    torch.manual_seed(0)
    dots = torch.zeros(200, 1, 32, 32)
    dots[:, :, 8:24:2, 8:24:2] = 1.0
    torch.testing.assert_close(augment(dots, only(shift=0.125)).amax(dim=(1, 2, 3)), torch.ones(200))
    kept = (augment(dots, only(zoom=0.1)) == dots).flatten(1).all(dim=1)
    assert 0.65 < kept.float().mean() < 0.85
