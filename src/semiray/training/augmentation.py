"""What the discriminator sees in place of a bare image: differentiable, batched augmentation of real and generated alike.

It serves twice. Little data no longer lets the critic memorise (Zhao et al. 2020, arXiv 2006.10738). And a code that
is painted as a faint grid or a grey veil doesn't survive it, so that the generator has to show its codes in anatomy.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Augmentation"]


@dataclass(frozen=True)
class Augmentation:
    """Random changes, drawn anew for every image of the batch.

    Args:
        shift: largest shift, as a fraction of the side.
        zoom: largest relative change of size.
        brightness: largest change of brightness, in units of the range [-1, 1].
        contrast: largest relative change of contrast.
        blur: probability that an image goes through half its size.
        noise: largest standard deviation of white noise, in units of the range [-1, 1].
    """

    shift: float = 0.0
    zoom: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    blur: float = 0.0
    noise: float = 0.0

    def __call__(self, images: Tensor) -> Tensor:
        """Images (B, 1, H, W) in [-1, 1] to the same shape; values may leave the range."""
        x = images.float()
        batch = len(x)

        def uniform(limit: float) -> Tensor:
            return (torch.rand(batch, 1, 1, 1, device=x.device) * 2 - 1) * limit

        if self.shift or self.zoom:
            theta = torch.zeros(batch, 2, 3, device=x.device)
            scale = 1 + uniform(self.zoom)[:, 0, 0, 0]
            theta[:, 0, 0] = theta[:, 1, 1] = scale
            theta[:, :, 2] = (torch.rand(batch, 2, device=x.device) * 2 - 1) * 2 * self.shift
            grid = functional.affine_grid(theta, list(x.shape), align_corners=False)
            x = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
        if self.blur:
            half = functional.interpolate(
                functional.avg_pool2d(x, 2), scale_factor=2.0, mode="bilinear", align_corners=False
            )
            x = torch.where(torch.rand(batch, 1, 1, 1, device=x.device) < self.blur, half, x)
        if self.contrast:
            mean = x.mean(dim=(1, 2, 3), keepdim=True)
            x = (x - mean) * (1 + uniform(self.contrast)) + mean
        if self.brightness:
            x = x + uniform(self.brightness)
        if self.noise:
            x = x + torch.randn_like(x) * uniform(self.noise).abs()
        return x
