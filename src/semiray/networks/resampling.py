"""Halve and double the size of images and feature maps."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["double", "halve"]


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
