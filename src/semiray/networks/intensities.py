"""The one place where grey levels become network input, and network output becomes grey levels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["to_grey", "to_input"]


def to_input(images: NDArray[np.uint8] | Tensor, device: torch.device | str | None = None) -> Tensor:
    """Turn grey levels into network input.

    Args:
        images: (N, H, W) uint8, 0 to 255.
        device: Where the result lives; where a tensor is already, if None.

    Returns:
        (N, 1, H, W) float32 in [-1, 1].

    Examples:
        >>> to_input(np.array([[[0, 255]]], np.uint8))
        tensor([[[[-1.,  1.]]]])
    """
    grey = images if isinstance(images, Tensor) else torch.from_numpy(np.require(images, np.uint8, ["C", "W"]))
    return grey.to(device, non_blocking=True).float().div_(127.5).sub_(1)[:, None]


def to_grey(images: Tensor) -> Tensor:
    """Turn network output (N, 1, H, W) in [-1, 1] into grey levels (N, H, W) uint8, on the same device."""
    return ((images[:, 0] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
