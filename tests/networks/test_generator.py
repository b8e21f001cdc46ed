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


def test_at_first_the_last_doubling_makes_four_equal_pixels(
    small_shape: Callable[..., NetworkShape], make_inputs: Inputs
) -> None:
    """Otherwise every image would begin with a grid."""
    generator, _ = build_networks("residual", small_shape())
    seen: list[torch.Tensor] = []
    generator.norm.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    generator(*make_inputs(small_shape()))
    four = torch.nn.functional.pixel_unshuffle(seen[0], 2).unflatten(1, (-1, 4))
    torch.testing.assert_close(four, four[:, :, :1].expand_as(four))
