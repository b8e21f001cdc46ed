"""The study's networks: a DCGAN (Radford et al. 2016, arXiv 1511.06434) with labels and codes at its input."""

import itertools

import torch
from torch import Tensor, nn

from semiray.networks.blocks import BatchNorm2d
from semiray.networks.discriminator import Discriminator, Heads
from semiray.networks.generator import Generator
from semiray.networks.shape import NetworkShape, stage_widths

__all__ = ["DCGANDiscriminator", "DCGANGenerator"]


def initialise(module: nn.Module) -> None:
    """Radford et al. 2016, section 4: weights from N(0, 0.02²)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


class DCGANGenerator(Generator):
    """Transposed 4 x 4 convolutions with batch normalisation, from 4 x 4 pixels up."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__(shape)
        widths = stage_widths(shape)
        self.base = nn.Linear(self.inputs, widths[0] * 16, bias=False)
        layers: list[nn.Module] = [BatchNorm2d(widths[0]), nn.ReLU()]
        for a, b in itertools.pairwise(widths):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), BatchNorm2d(b), nn.ReLU()]
        layers.append(nn.ConvTranspose2d(widths[-1], 1, 4, 2, 1))
        self.layers = nn.Sequential(*layers)
        self.apply(initialise)

    @property
    def maps(self) -> list[nn.Module]:
        found: list[nn.Module] = [layer for layer in self.layers if isinstance(layer, nn.ReLU)]
        return found[1:]  # the first follows the base

    def forward(self, z: Tensor, codes: Tensor, labels: Tensor) -> Tensor:
        """Images (B, 1, H, W) in [-1, 1]."""
        x = self.base(self.condition(z, codes, labels)).unflatten(1, (-1, 4, 4))
        return torch.tanh(self.layers(x).float())


class DCGANDiscriminator(Discriminator):
    """Strided 4 x 4 convolutions, batch normalisation except after the first, down to 4 x 4 pixels."""

    couples_images = True

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__(shape)
        widths = stage_widths(shape)[::-1]
        layers: list[nn.Module] = [nn.Conv2d(1, widths[0], 4, 2, 1), nn.LeakyReLU(0.2)]
        for a, b in itertools.pairwise(widths):
            layers += [nn.Conv2d(a, b, 4, 2, 1, bias=False), BatchNorm2d(b), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.top = nn.Sequential(nn.Flatten(), nn.Linear(widths[-1] * 16, widths[-1]), nn.LeakyReLU(0.2))
        self.heads = Heads(widths[-1], shape)
        self.apply(initialise)

    def trunk(self, view: Tensor) -> Tensor:
        """The view of images to features (B, F)."""
        features: Tensor = self.top(self.layers(view))
        return features
