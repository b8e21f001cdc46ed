"""The discriminator: one trunk, two heads. The critic tells real from generated, the sorter estimates the codes."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from semiray.networks.blocks import halve, sharpen
from semiray.networks.shape import NetworkShape, keep_variance, stage_widths

__all__ = ["Discriminator", "DiscriminatorOutput", "LeadEstimates", "ResidualDiscriminator"]

LeadEstimates = Callable[[Tensor], Tensor]
"""A function from the sorter's scores (B, M) to the L grounded leads that the critic gets (B, L)."""


class DiscriminatorOutput(NamedTuple):
    """The discriminator's output for a batch of images.

    Attributes:
        critic: (B,) logits, higher is more real.
        scores: (B, M) the sorter's estimate of the codes, in score (Gaussian copula) coordinates.
        classes: (B, K) the sorter's class logits; K = 0 when unlabelled.
        features: (B, F) the trunk's features, float32, that all of them are computed from.
    """

    critic: Tensor
    scores: Tensor
    classes: Tensor
    features: Tensor


class Heads(nn.Module):
    """Critic and sorter on the trunk's features.

    The critic's label enters by projection (Miyato & Koyama 2018, arXiv 1802.05637): concatenated to the features of a
    linear critic it would have no effect. Grounded leads enter in the same way. The sorter gets neither.
    """

    def __init__(self, features: int, shape: NetworkShape) -> None:
        super().__init__()
        self.critic = nn.Linear(features, 1)
        self.projection = nn.Embedding(shape.classes, features) if shape.classes else None
        if self.projection is not None:
            nn.init.normal_(self.projection.weight, std=features**-0.5)
        self.sorter = nn.Sequential(
            nn.Linear(features, features), nn.LeakyReLU(0.2), nn.Linear(features, shape.codes + shape.classes)
        )
        self.codes, self.classes = shape.codes, shape.classes
        self.leads = nn.Linear(shape.grounded, features, bias=False) if shape.grounded else None
        if self.leads is not None:
            nn.init.normal_(self.leads.weight, std=features**-0.5)

    def forward(self, features: Tensor, labels: Tensor, leads: LeadEstimates | None = None) -> DiscriminatorOutput:
        with torch.autocast(features.device.type, enabled=False):  # logits are compared: bfloat16 is too coarse here
            h = features.float()
            critic = self.critic(h).squeeze(1)
            if self.projection is not None:
                critic = critic + (self.projection(labels) * h).sum(dim=1)
            scores, classes = self.sorter(h).split([self.codes, self.classes], dim=1)
            if self.leads is not None and leads is not None:
                critic = critic + (self.leads(leads(scores)) * h).sum(dim=1)
        return DiscriminatorOutput(critic, scores, classes, h)


class Discriminator(nn.Module):
    """The interface of every discriminator: (image, y) -> DiscriminatorOutput.

    Args of `forward`:
        images: (B, 1, H, W) in [-1, 1].
        labels: class indices (B,) int64; ignored by an unlabelled discriminator.
        leads: gives the critic its grounded leads; None gives it none.
    """

    heads: Heads
    last = "top", "heads"  # the modules nearest to its output
    couples_images = False  # whether its output for an image depends on the rest of the batch while training

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape

    def view(self, images: Tensor) -> Tensor:
        """What it looks at, (B, 1, H, W): the images, or a linear change of them."""
        return images

    def trunk(self, view: Tensor) -> Tensor:
        """The view of images to features (B, F)."""
        raise NotImplementedError

    def features(self, images: Tensor) -> Tensor:
        """Images to the trunk's features (B, F)."""
        return self.trunk(self.view(images))

    def judge(self, view: Tensor, labels: Tensor, leads: LeadEstimates | None = None) -> DiscriminatorOutput:
        """The output for the view of images."""
        output: DiscriminatorOutput = self.heads(self.trunk(view), labels, leads)
        return output

    def forward(self, images: Tensor, labels: Tensor, leads: LeadEstimates | None = None) -> DiscriminatorOutput:
        """The output for images: critic, scores, classes."""
        return self.judge(self.view(images), labels, leads)


class DownStage(nn.Module):
    """Two convolutions with a skip, then half the size. No normalisation: it would couple the images of a batch."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_in, 3, padding=1)
        self.second = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.skip = nn.Conv2d(channels_in, channels_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.leaky_relu(self.first(functional.leaky_relu(x, 0.2)), 0.2)
        y = halve(y)  # before the wider convolution: four times fewer operations
        y = self.second(y)
        out: Tensor = (y + self.skip(halve(x))) * 0.5**0.5
        return out


class ResidualDiscriminator(Discriminator):
    """The default discriminator: a residual stage for each halving down to 4 x 4 pixels.

    It looks at sharpened images. Finest detail is the faintest part of a radiograph, a few grey levels, and a gradient
    penalty on pixels counts it like the rest: a critic that is kept smooth learns it last.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__(shape)
        widths = stage_widths(shape)[::-1]
        self.from_pixels = nn.Conv2d(4, widths[0], 3, padding=1)
        self.stages = nn.Sequential(*(DownStage(a, b) for a, b in itertools.pairwise(widths)))
        self.top = nn.Linear(widths[-1] * 16, widths[-1])
        for part in (self.from_pixels, self.stages, self.top):
            keep_variance(part)
        self.heads = Heads(widths[-1], shape)

    def view(self, images: Tensor) -> Tensor:
        """The images with sharper detail."""
        return sharpen(images)

    def trunk(self, view: Tensor) -> Tensor:
        """The view of images to features (B, F)."""
        x = self.from_pixels(functional.pixel_unshuffle(view, 2))
        x = functional.leaky_relu(self.stages(x).flatten(1), 0.2)
        top: Tensor = functional.leaky_relu(self.top(x), 0.2)
        return top
