"""Batch normalisation over the whole batch, however many processes share it."""

import torch
from torch import Tensor, distributed, nn

__all__ = ["BatchNorm2d"]


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
