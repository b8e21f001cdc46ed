import torch

from semiray.evaluation.judges.classical import classical_augmentation


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
