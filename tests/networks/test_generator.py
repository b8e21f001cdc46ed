"""What the generator's image depends on."""

from collections.abc import Callable

import pytest
import torch

from semiray.networks.presets import ARCHITECTURES, NetworkShape, build_networks

Inputs = Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor]]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_noise_codes_and_label_all_reach_the_image(
    architecture: str, small_shape: Callable[..., NetworkShape], make_inputs: Inputs
) -> None:
    shape = small_shape()
    generator, _ = build_networks(architecture, shape)
    generator.eval()
    z, codes, labels = make_inputs(shape)
    image = generator(z, codes, labels)
    for changed in ((z + 1, codes, labels), (z, codes + 1, labels), (z, codes, (labels + 1) % 3)):
        assert (generator(*changed) - image).abs().max() > 1e-4
