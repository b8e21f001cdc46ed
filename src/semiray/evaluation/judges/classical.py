"""Classical augmentation: the usual alternative to a generator, which synthetic images must beat to be useful."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["classical_augmentation"]

ROTATION = 10.0  # degrees, in both directions
SHIFT = 1 / 16  # of the side
SCALE = 0.1
CONTRAST = 0.2
BRIGHTNESS = 0.2  # in [-1, 1] units


def classical_augmentation(images: Tensor, generator: torch.Generator, *, mirror: bool = False) -> Tensor:
    """Rotate, shift, scale, and change contrast and brightness, with a fresh draw for every image.

    All are drawn uniformly: rotation up to 10 degrees, shifts up to 1/16 of the side, scale 0.9 to 1.1, contrast and
    brightness by up to 20 % (after Shorten and Khoshgoftaar 2019, doi 10.1186/s40537-019-0197-0). Outside the image,
    its edge is repeated.

    Args:
        images: (B, 1, H, W) float32 in [-1, 1].
        generator: Of the draws.
        mirror: Whether half of the images are mirrored. Not for chests: a heart on the right is a finding.

    Returns:
        (B, 1, H, W) float32 in [-1, 1], channels last.
    """
    count = len(images)

    def even(reach: float) -> Tensor:
        return reach * (2.0 * torch.rand(count, generator=generator) - 1.0)

    angle, scale = even(math.radians(ROTATION)), 1.0 + even(SCALE)
    shift_x, shift_y = even(2 * SHIFT), even(2 * SHIFT)  # a side is 2 long in the grid's coordinates
    side = 1.0 - 2.0 * (torch.rand(count, generator=generator) < 0.5).float() if mirror else torch.ones(count)
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    matrices = torch.stack(
        [torch.stack([side * cosine, -sine, shift_x], 1), torch.stack([side * sine, cosine, shift_y], 1)], 1
    )
    grid = F.affine_grid(matrices.to(images.device), list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    contrast, brightness = 1.0 + even(CONTRAST), even(BRIGHTNESS)
    contrast, brightness = (x.to(images.device)[:, None, None, None] for x in (contrast, brightness))
    changed = (moved * contrast + brightness).clamp_(-1.0, 1.0)
    return changed.contiguous(memory_format=torch.channels_last)
