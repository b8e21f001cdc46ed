"""What the discriminator sees in place of a bare image: differentiable, batched changes of real and generated alike.

They serve twice. Little data no longer lets the critic memorise (Zhao et al. 2020, arXiv 2006.10738). And a code
painted as a faint grid or a grey veil doesn't survive them, so that the generator has to show its codes in anatomy.
"""

import torch
from torch import Tensor
from torch.nn import functional

from semiray.settings import AugmentationSettings
from semiray.training.process_group import ProcessGroup

__all__ = ["augment"]


def augment(images: Tensor, by: AugmentationSettings, group: ProcessGroup | None = None) -> Tensor:
    """Random changes of geometry, sharpness, grey levels and noise, drawn anew for every image.

    Args:
        images: (B, 1, H, W) in [-1, 1].
        by: how far each change goes; zero switches it off, and costs and draws nothing.
        group: whose batch the images are this process's rows of: what is drawn is drawn for all.

    Returns:
        (B, 1, H, W) float32; values may leave [-1, 1].
    """
    x = images.float()
    group = group or ProcessGroup()
    batch = len(x) * group.size
    rows = group.rows(batch)

    def random(*shape: int) -> Tensor:
        return torch.rand(batch, *shape, device=x.device)[rows]

    def uniform(limit: float) -> Tensor:
        return (random(1, 1, 1) * 2 - 1) * limit

    if by.shift or by.zoom:
        theta = torch.zeros(len(x), 2, 3, device=x.device)
        theta[:, 0, 0] = theta[:, 1, 1] = 1 + uniform(by.zoom)[:, 0, 0, 0]
        theta[:, :, 2] = (random(2) * 2 - 1) * 2 * by.shift  # the grid is 2 wide
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
        x = x + torch.randn(batch, *x.shape[1:], device=x.device)[rows] * uniform(by.noise).abs()
    return x
