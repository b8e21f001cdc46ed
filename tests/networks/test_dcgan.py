"""The study's networks."""

from collections.abc import Callable

import torch
from torch import nn

from semiray.networks import NetworkShape, build_networks


def test_weights_start_as_in_the_paper(small_shape: Callable[..., NetworkShape]) -> None:
    torch.manual_seed(0)
    for network in build_networks("dcgan", small_shape(64)):
        kernels = [m.weight for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
        assert abs(float(torch.cat([kernel.detach().flatten() for kernel in kernels]).std()) - 0.02) < 1e-3


def test_its_discriminator_couples_the_images_of_a_batch(small_shape: Callable[..., NetworkShape]) -> None:
    _, discriminator = build_networks("dcgan", small_shape())
    assert discriminator.couples_images
    images, labels = torch.rand(4, 1, 32, 32), torch.zeros(4, dtype=torch.long)
    together, half = discriminator(images, labels).critic[:2], discriminator(images[:2], labels[:2]).critic
    assert (together - half).abs().max() > 1e-4
