"""Differentiable augmentation of real and generated images before the discriminator sees them.

It has two purposes. With little data it keeps the critic from memorising (Zhao et al. 2020, arXiv 2006.10738). And a
code painted as a faint grid or an even tint doesn't survive it, so that the generator has to show codes in anatomy.

Most images keep their finest detail: they are shifted by whole pixels, and only `ZOOMED` of them are resampled. If all
were, the critic would see no sharp image, and the generator would have no reason to make one (docs/findings.md).
"""

import torch
from torch import Tensor
from torch.nn import functional

from semiray.settings import AugmentationSettings
from semiray.training.process_group import ProcessGroup

__all__ = ["augment"]

ZOOMED, NOISY = 0.25, 0.5  # probabilities


def augment(images: Tensor, by: AugmentationSettings, group: ProcessGroup | None = None) -> Tensor:
    """Change geometry, sharpness, grey levels and noise at random, independently for every image.

    Args:
        images: (B, 1, H, W) in [-1, 1].
        by: strength of each change; zero switches it off, at no cost and without a random draw.
        group: the processes that share the batch; random numbers are drawn for the whole batch.

    Returns:
        (B, 1, H, W) float32; values may leave [-1, 1].
    """
    x = images.float()
    group = group or ProcessGroup()
    batch = len(x) * group.size
    rows = group.rows(batch)

    def random(*shape: int) -> Tensor:
        return torch.rand(batch, *shape, device=x.device)[rows]

    def uniform(limit: float, probability: float = 1.0) -> Tensor:
        value = (random(1, 1, 1) * 2 - 1) * limit
        return value if probability == 1 else value * (random(1, 1, 1) < probability)

    if by.shift or by.zoom:
        theta = torch.zeros(len(x), 2, 3, device=x.device)
        theta[:, 0, 0] = theta[:, 1, 1] = 1 + uniform(by.zoom, ZOOMED)[:, 0, 0, 0]
        side = x.shape[-1]
        theta[:, :, 2] = ((random(2) * 2 - 1) * by.shift * side).round() * (2 / side)  # the grid is 2 wide
        grid = functional.affine_grid(theta, list(x.shape), align_corners=False)
        x = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
    if by.blur:
        half = functional.avg_pool2d(x, 2)
        half = functional.interpolate(half, scale_factor=2.0, mode="bilinear", align_corners=False)
        x = torch.where(random(1, 1, 1) < by.blur, half, x)
    if by.contrast:
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        x = (x - mean) * (1 + uniform(by.contrast)) + mean
    if by.brightness:
        x = x + uniform(by.brightness)
    if by.noise:
        x = x + torch.randn(batch, *x.shape[1:], device=x.device)[rows] * uniform(by.noise, NOISY).abs()
    return x
