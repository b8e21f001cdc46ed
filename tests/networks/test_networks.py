"""Both architectures at every resolution: shapes, ranges, and what may depend on what."""

import pytest
import torch

from semiray.errors import SemirayError
from semiray.networks import ARCHITECTURES, NetworkShape, build_networks, describe
from semiray.networks.shape import RESOLUTIONS, stage_resolutions, stage_widths

BOTH = pytest.mark.parametrize("architecture", ARCHITECTURES)


def small(resolution: int = 32, classes: int = 3) -> NetworkShape:
    return NetworkShape(resolution, codes=7, classes=classes, noise=5, width=4, widest=16, embedding=4)


def inputs(shape: NetworkShape, n: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % max(1, shape.classes)
    return torch.randn(n, shape.noise, generator=draws), torch.randn(n, shape.codes, generator=draws), labels


@BOTH
@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("classes", [0, 3])
def test_shapes_and_ranges(architecture: str, resolution: int, classes: int) -> None:
    shape = small(resolution, classes)
    generator, discriminator = build_networks(architecture, shape)
    z, codes, labels = inputs(shape)
    images = generator(z, codes, labels)
    assert images.shape == (4, 1, resolution, resolution)
    assert images.abs().max() <= 1
    judgement = discriminator(images, labels)
    assert judgement.critic.shape == (4,)
    assert judgement.scores.shape == (4, 7)
    assert judgement.classes.shape == (4, classes)


@BOTH
def test_label_changes_critic_but_not_sorter(architecture: str) -> None:
    shape = small()
    generator, discriminator = build_networks(architecture, shape)
    discriminator.eval()
    images = generator(*inputs(shape)).detach()
    zeros, ones = torch.zeros(4, dtype=torch.long), torch.ones(4, dtype=torch.long)
    first, second = discriminator(images, zeros), discriminator(images, ones)
    difference = first.critic - second.critic
    assert difference.abs().min() > 1e-6
    assert difference.std() > 1e-7, "label and features must interact, not add"
    torch.testing.assert_close(first.scores, second.scores)
    torch.testing.assert_close(first.classes, second.classes)


@BOTH
def test_noise_codes_and_label_all_reach_the_image(architecture: str) -> None:
    shape = small()
    generator, _ = build_networks(architecture, shape)
    generator.eval()
    z, codes, labels = inputs(shape)
    image = generator(z, codes, labels)
    for changed in ((z + 1, codes, labels), (z, codes + 1, labels), (z, codes, (labels + 1) % 3)):
        assert (generator(*changed) - image).abs().max() > 1e-4


def test_the_default_critic_judges_each_image_alone() -> None:
    shape = small()
    generator, discriminator = build_networks("residual", shape)
    z, codes, labels = inputs(shape)
    images = generator(z, codes, labels).detach()
    alone = torch.cat([discriminator(images[i : i + 1], labels[i : i + 1]).critic for i in range(4)])
    torch.testing.assert_close(discriminator(images, labels).critic, alone, rtol=1e-4, atol=1e-5)


@BOTH
def test_description_counts_every_parameter_once(architecture: str) -> None:
    for network in build_networks(architecture, small()):
        rows = describe(network)
        named = {id(p) for p in network.parameters()}
        assert sum(row.parameters for row in rows) == sum(p.numel() for p in network.parameters())
        assert len(named) > 5
        assert network.training


def test_stages_lead_from_four_pixels_to_half_the_image() -> None:
    assert stage_resolutions(64) == [4, 8, 16, 32]
    assert stage_widths(NetworkShape(64, 1, width=32, widest=128)) == [128, 128, 64, 32]


def test_errors_name_what_is_offered() -> None:
    with pytest.raises(SemirayError, match=r"48.*32, 64, 128, 256"):
        NetworkShape(48, 20)
    with pytest.raises(SemirayError, match="residual, dcgan"):
        build_networks("unet", small())
