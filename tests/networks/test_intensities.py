"""Grey levels as network input."""

import numpy as np
import torch

from semiray.networks.intensities import to_grey, to_input


def test_every_grey_level_has_its_place() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    found = to_input(grey)
    assert found.shape == (4, 1, 8, 8)
    assert found.dtype == torch.float32
    expected = torch.from_numpy(grey.astype(np.float32)) / 127.5 - 1
    assert torch.equal(found[:, 0], expected)
    assert torch.equal(to_input(torch.from_numpy(grey)), found)


def test_the_images_stay_as_they_were() -> None:
    grey = np.full((1, 4, 4), 7, np.uint8)
    to_input(grey)
    assert (grey == 7).all()


def test_output_becomes_the_grey_levels_that_it_came_from() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    assert (to_grey(to_input(grey)).numpy() == grey).all()
    assert to_grey(torch.tensor([-1.2, 1.2]).view(1, 1, 1, 2)).flatten().tolist() == [0, 255]
