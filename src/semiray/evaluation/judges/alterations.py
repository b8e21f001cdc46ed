"""Changes of images: classical augmentation of what is trained on, and what happens to images before somebody looks.

Classical augmentation is the usual alternative to a generator, which synthetic images must beat to be useful.
Degradations are noise, half the size, and JPEG: what survives them can be used.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

__all__ = ["DEGRADATIONS", "add_noise", "classical_augmentation", "compress", "halve"]

Images = NDArray[np.uint8]
ROTATION = 10.0  # degrees, in both directions
SHIFT = 1 / 16  # of the side
SCALE = 0.1
CONTRAST = 0.2
BRIGHTNESS = 0.2  # in [-1, 1] units
NOISE = 0.05 * 255  # standard deviation in grey levels: 5 % of the full range
QUALITY = 50  # of JPEG, on its scale to 100


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


def add_noise(images: Images, rng: np.random.Generator) -> Images:
    """White normal noise of 12.75 grey levels, clipped to 0..255."""
    noisy = images + np.float32(NOISE) * rng.standard_normal(images.shape, dtype=np.float32)
    return np.asarray(noisy.round().clip(0, 255), np.uint8)


def halve(images: Images) -> Images:
    """Half the size by area averages, back by bilinear interpolation: a pattern of two pixels' period disappears."""
    if not len(images):
        return images.copy()
    whole = torch.from_numpy(np.array(images))[:, None].float()
    height, width = images.shape[1:]
    small = F.interpolate(whole, size=((height + 1) // 2, (width + 1) // 2), mode="area").round()
    back = F.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)
    return np.asarray(back[:, 0].round().clamp(0, 255).to(torch.uint8).numpy())


def compress(images: Images) -> Images:
    """JPEG compression of quality 50, each image by itself."""
    result = np.empty_like(images)
    for i, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=QUALITY)
        result[i] = np.asarray(Image.open(file))
    return result


DEGRADATIONS: Mapping[str, Callable[[Images, np.random.Generator], Images]] = {
    "clean": lambda images, _: images,
    "noise": add_noise,
    "half": lambda images, _: halve(images),
    "jpeg": lambda images, _: compress(images),
}
"""The conditions under which codes are estimated, by name; (N, H, W) uint8 -> the same, the argument unchanged."""
