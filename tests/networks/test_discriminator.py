"""What critic and sorter depend on, and what they must not."""

from collections.abc import Callable

import pytest
import torch

from semiray.networks.presets import ARCHITECTURES, NetworkShape, build_networks

Shape = Callable[..., NetworkShape]
Inputs = Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor]]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_label_changes_critic_but_not_sorter(architecture: str, small_shape: Shape, make_inputs: Inputs) -> None:
    shape = small_shape()
    generator, discriminator = build_networks(architecture, shape)
    discriminator.eval()
    images = generator(*make_inputs(shape)).detach()
    zeros, ones = torch.zeros(4, dtype=torch.long), torch.ones(4, dtype=torch.long)
    first, second = discriminator(images, zeros), discriminator(images, ones)
    difference = first.critic - second.critic
    assert difference.abs().min() > 1e-6
    assert difference.std() > 1e-7, "label and features must interact, not add"
    torch.testing.assert_close(first.scores, second.scores)
    torch.testing.assert_close(first.classes, second.classes)


def test_the_default_critic_judges_each_image_alone(small_shape: Shape, make_inputs: Inputs) -> None:
    shape = small_shape()
    generator, discriminator = build_networks("residual", shape)
    z, codes, labels = make_inputs(shape)
    images = generator(z, codes, labels).detach()
    alone = torch.cat([discriminator(images[i : i + 1], labels[i : i + 1]).critic for i in range(4)])
    torch.testing.assert_close(discriminator(images, labels).critic, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_judges_its_view_of_images(architecture: str, small_shape: Shape, make_inputs: Inputs) -> None:
    shape = small_shape()
    generator, discriminator = build_networks(architecture, shape)
    discriminator.eval()
    images, labels = generator(*make_inputs(shape)).detach(), torch.zeros(4, dtype=torch.long)
    view = discriminator.view(images)
    assert torch.equal(discriminator(images, labels).critic, discriminator.judge(view, labels).critic)
    assert torch.equal(view, images) is (architecture == "dcgan")
