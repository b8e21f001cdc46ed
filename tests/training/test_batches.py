"""The order of images is a function of seed and count."""

from contextlib import closing

import numpy as np
import torch

from semiray.training.batches import ImageFeed, ImageOrder


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


def test_a_feed_gives_this_process_its_rows_of_every_batch_in_order() -> None:
    images = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    chosen = np.array([9, 8, 7, 6, 5])
    order = ImageOrder(5, seed=3)
    for rows in (slice(0, 2), slice(2, 4)):
        with closing(ImageFeed(images, chosen, order, 4, rows)) as feed:
            for start in (0, 4, 8, 4):  # in order, then back, as a resumed run goes
                index, pixels = feed.take(start)
                assert torch.equal(index, order.take(start, 4)[rows])
                assert pixels[:, 0, 0].tolist() == chosen[index.numpy()].tolist()
