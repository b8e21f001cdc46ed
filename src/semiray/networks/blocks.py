"""Blocks of both networks that can be differentiated twice: halving, doubling, normalisation over all processes."""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

__all__ = ["BatchNorm2d", "double", "halve", "sharpen"]


SHARPER = 3.0


class Halve(torch.autograd.Function):
    """Means of 2 x 2 pixels, twice differentiable, with a gradient three times as fast as `avg_pool2d`'s."""

    @staticmethod
    def forward(_context: Any, x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, 2)

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        return functional.interpolate(gradient * 0.25, scale_factor=2.0, mode="nearest")


def halve(x: Tensor) -> Tensor:
    """Half the size, each pixel the mean of four: (B, C, H, W) to (B, C, H/2, W/2), H and W even."""
    half: Tensor = Halve.apply(x)  # type: ignore[no-untyped-call]
    return half


def double(x: Tensor) -> Tensor:
    """Twice the size, bilinear: nearest neighbours would leave a grid that convolutions have to remove."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def sharpen(x: Tensor) -> Tensor:
    """Images (B, C, H, W) whose finest detail, what halving their size takes away, is `SHARPER` times as strong."""
    return x + (SHARPER - 1) * (x - double(halve(x)))


class SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes; its gradient is the sum of theirs: it can be differentiated twice."""

    @staticmethod
    def forward(_context: object, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: object, gradient: Tensor) -> Tensor:
        total: Tensor = SumOverProcesses.apply(gradient.contiguous())  # type: ignore[no-untyped-call]
        return total


class BatchNorm2d(nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` with batch statistics over the images of all processes, each of which has equally many.

    In a single process it is PyTorch's. PyTorch's `SyncBatchNorm` needs GPUs and can't be differentiated twice.

    Source: Ioffe & Szegedy 2015, arXiv 1502.03167, algorithm 1.
    """

    def forward(self, x: Tensor) -> Tensor:
        shared = self.training and distributed.is_initialized() and distributed.get_world_size() > 1
        if not shared:
            return super().forward(x)
        count = x.numel() // x.shape[1] * distributed.get_world_size()
        wide = x.float()
        mean = self._over_all(wide) / count
        centred = wide - mean[:, None, None]
        variance = self._over_all(centred.square()) / count
        if self.track_running_stats and self.running_mean is not None and self.running_var is not None:
            assert self.num_batches_tracked is not None
            assert self.momentum is not None
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(variance.detach() * (count / (count - 1)), self.momentum)
        scale = torch.rsqrt(variance + self.eps)
        if self.affine:
            scale = scale * self.weight
        y = centred * scale[:, None, None]
        if self.affine:
            y = y + self.bias[:, None, None]
        return y.to(x.dtype)

    @staticmethod
    def _over_all(x: Tensor) -> Tensor:
        total: Tensor = SumOverProcesses.apply(x.sum(dim=(0, 2, 3)))  # type: ignore[no-untyped-call]
        return total
