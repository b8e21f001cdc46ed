"""Both architectures at every resolution."""

from collections.abc import Callable

import pytest
import torch

from semiray.errors import SemirayError
from semiray.networks.presets import ARCHITECTURES, NetworkShape, build_networks, describe
from semiray.networks.shape import RESOLUTIONS

BOTH = pytest.mark.parametrize("architecture", ARCHITECTURES)
Shape = Callable[..., NetworkShape]
Inputs = Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor]]


@BOTH
@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("classes", [0, 3])
def test_shapes_and_ranges(
    architecture: str, resolution: int, classes: int, small_shape: Shape, make_inputs: Inputs
) -> None:
    shape = small_shape(resolution, classes)
    generator, discriminator = build_networks(architecture, shape)
    z, codes, labels = make_inputs(shape)
    images = generator(z, codes, labels)
    assert images.shape == (4, 1, resolution, resolution)
    assert images.abs().max() <= 1
    output = discriminator(images, labels)
    assert output.critic.shape == (4,)
    assert output.scores.shape == (4, 7)
    assert output.classes.shape == (4, classes)


@BOTH
def test_description_counts_every_parameter_once(architecture: str, small_shape: Shape) -> None:
    for network in build_networks(architecture, small_shape()):
        rows = describe(network)
        named = {id(p) for p in network.parameters()}
        assert sum(row.parameters for row in rows) == sum(p.numel() for p in network.parameters())
        assert len(named) > 5
        assert network.training


def test_errors_name_what_is_offered(small_shape: Shape) -> None:
    with pytest.raises(SemirayError, match="residual, dcgan"):
        build_networks("unet", small_shape())
