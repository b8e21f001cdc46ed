"""The order of images is a function of seed and count."""

import torch

from semiray.training.batches import ImageOrder


def test_every_epoch_shows_every_image_once_whatever_the_batch() -> None:
    order = ImageOrder(10, seed=1)
    shown = torch.cat([order.take(start, 4) for start in range(0, 40, 4)])
    for epoch in shown.split(10):
        assert sorted(epoch.tolist()) == list(range(10))
    assert not torch.equal(shown[:10], shown[10:20])


def test_the_order_depends_on_seed_and_place_alone() -> None:
    whole = ImageOrder(7, seed=3).take(0, 30)
    assert torch.equal(ImageOrder(7, seed=3).take(11, 9), whole[11:20])
    assert not torch.equal(ImageOrder(7, seed=4).take(0, 30), whole)
