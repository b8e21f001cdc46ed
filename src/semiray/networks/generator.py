"""The generator: noise, standardised codes and a label to a radiograph."""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from semiray.networks.blocks import BatchNorm2d, double
from semiray.networks.shape import NetworkShape, keep_variance, stage_widths

__all__ = ["Generator", "ResidualGenerator"]


class Generator(nn.Module):
    """The interface of every generator: (z, c, y) -> image.

    Args of `forward`:
        z: noise (B, Z), standard normal.
        codes: standardised codes (B, M), mean 0 and variance 1 under the prior.
        labels: class indices (B,) int64; ignored by an unlabelled generator.

    Returns images (B, 1, H, W) in [-1, 1].
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.classes, shape.embedding) if shape.classes else None

    @property
    def inputs(self) -> int:
        """Length of the vector that `condition` makes."""
        return self.shape.noise + self.shape.codes + (self.shape.embedding if self.embedding is not None else 0)

    @property
    def maps(self) -> list[nn.Module]:
        """The modules whose outputs are its feature maps, each twice as large as the one before, from 8 x 8 up."""
        raise NotImplementedError

    def condition(self, z: Tensor, codes: Tensor, labels: Tensor) -> Tensor:
        """Noise, codes and the label's embedding side by side, (B, inputs)."""
        parts = [z, codes]
        if self.embedding is not None:
            parts.append(self.embedding(labels))
        return torch.cat(parts, dim=1)


class ModulatedStage(nn.Module):
    """Double the size, then two convolutions whose channels the condition scales and shifts, with a skip.

    Conditional batch normalisation: de Vries et al. 2017, arXiv 1707.00683; in GANs Miyato & Koyama 2018,
    arXiv 1802.05637, and Brock et al. 2019, arXiv 1809.11096.
    """

    def __init__(self, channels_in: int, channels_out: int, condition: int) -> None:
        super().__init__()
        inputs = (channels_in, channels_out)
        self.convolutions = nn.ModuleList([nn.Conv2d(n, channels_out, 3, padding=1, bias=False) for n in inputs])
        self.norms = nn.ModuleList([BatchNorm2d(channels_out, affine=False) for _ in range(2)])
        self.modulations = nn.ModuleList([nn.Linear(condition, 2 * channels_out) for _ in range(2)])
        for modulation in self.modulations:
            assert isinstance(modulation, nn.Linear)
            nn.init.normal_(modulation.weight, std=0.5 / math.sqrt(condition))
            nn.init.zeros_(modulation.bias)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        x = double(x)
        skip: Tensor | None = None
        for convolution, norm, modulation in zip(self.convolutions, self.norms, self.modulations, strict=True):
            scale, shift = modulation(w)[:, :, None, None].chunk(2, dim=1)
            x = norm(convolution(x)) * (1 + scale) + shift
            x = functional.leaky_relu(x if skip is None else x + skip, 0.2)
            skip = x
        return x


class ResidualGenerator(Generator):
    """The default generator: a modulated residual stage for each doubling from 4 x 4 pixels.

    The last doubling is no stage: the largest maps would take most of a CPU's time. A convolution makes all four pixels
    of the doubled map from one (Shi et al. 2016, arXiv 1609.05158), so that finest detail needs no resampling first.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__(shape)
        widths = stage_widths(shape)
        condition = shape.embedding * 4
        self.mapping = nn.Sequential(nn.Linear(self.inputs, condition), nn.LeakyReLU(0.2))
        keep_variance(self.mapping)
        self.base = nn.Linear(self.inputs, widths[0] * 16)
        self.stages = nn.ModuleList(ModulatedStage(a, b, condition) for a, b in itertools.pairwise(widths))
        narrow = max(8, widths[-1] // 2)
        self.last = nn.Conv2d(widths[-1], 4 * narrow, 3, padding=1, bias=False)
        with torch.no_grad():  # at first the four are equal: no grid to remove (Aitken et al. 2017, arXiv 1707.02937)
            self.last.weight.copy_(self.last.weight[::4].repeat_interleave(4, dim=0))
        self.norm = BatchNorm2d(narrow)
        self.to_pixels = nn.Conv2d(narrow, 1, 3, padding=1)

    @property
    def maps(self) -> list[nn.Module]:
        return list(self.stages)

    def forward(self, z: Tensor, codes: Tensor, labels: Tensor) -> Tensor:
        """Images (B, 1, H, W) in [-1, 1]."""
        condition = self.condition(z, codes, labels)
        w = self.mapping(condition)
        x = self.base(condition).unflatten(1, (-1, 4, 4))
        for stage in self.stages:
            x = stage(x, w)
        x = functional.leaky_relu(self.norm(functional.pixel_shuffle(self.last(x), 2)), 0.2)
        return torch.tanh(self.to_pixels(x).float())
