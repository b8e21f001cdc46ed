"""Structural similarity: how alike are two images to an eye that looks for structure?"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from semiray.errors import SemirayError

__all__ = ["WINDOW", "ms_ssim", "ssim"]

WINDOW = 11
"""Side of the Gaussian window in pixels. It is the same at every resolution: at 32 px a third of the image's side."""

_SIGMA, _K1, _K2 = 1.5, 0.01, 0.03
_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ssim(x: Tensor, y: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Mean structural similarity of image pairs: 1 for equal images, about 0 for unrelated ones.

    Wang, Bovik, Sheikh, Simoncelli 2004, doi:10.1109/TIP.2003.819861, equations 13 to 17, with a Gaussian window (11 x
    11 pixels, standard deviation 1.5) wherever it fits into the image. Images are not made smaller first, as some
    implementations do. Differentiable; computes in the images' own precision.

    Args:
        x: (B, 1, H, W), sides of at least 11 pixels.
        y: the same shape, or (1, 1, H, W).
        data_range: what lies between black and white, 255 for grey levels.

    Returns:
        (B,), at most 1.

    Raises:
        SemirayError: sides shorter than the window.
    """
    mean, _ = _similarity(x, y, data_range)
    return mean


def ms_ssim(x: Tensor, y: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Multi-scale structural similarity of image pairs: contrast and structure at each scale, brightness at the last.

    The product over scales j = 1 ... M of (mean contrast and structure)^w_j, and at the last scale of the whole SSIM;
    each scale is the one before halved by 2 x 2 means, as far as the window fits, at most five. Weights are the first M
    of the paper's, made to sum to 1. Negative means count as 0. (Wang, Simoncelli, Bovik 2003,
    doi:10.1109/ACSSC.2003.1292216, equation 7.)

    Args, shape and errors as `ssim`.
    """
    count = 1
    while count < len(_SCALES) and min(x.shape[-2:]) >> count >= WINDOW:
        count += 1
    weights = torch.tensor(_SCALES[:count], dtype=x.dtype, device=x.device)
    found = []
    for scale in range(count):
        mean, structure = _similarity(x, y, data_range)
        found.append(mean if scale == count - 1 else structure)
        if scale < count - 1:
            x, y = functional.avg_pool2d(x, 2), functional.avg_pool2d(y, 2)
    similarity: Tensor = torch.stack(found).clamp(min=0).pow((weights / weights.sum())[:, None]).prod(dim=0)
    return similarity


def _similarity(x: Tensor, y: Tensor, data_range: float) -> tuple[Tensor, Tensor]:
    """The means (B,) of SSIM, and of its part that compares contrast and structure."""
    if min(x.shape[-2:]) < WINDOW:
        raise SemirayError(
            f"SSIM of images of {x.shape[-2]} x {x.shape[-1]} px: its window is larger, {WINDOW} x {WINDOW} px."
        )
    y = y.expand_as(x)
    place = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    weights = torch.exp(-place.square() / (2 * _SIGMA**2))
    weights = weights / weights.sum()
    moments = torch.cat([x, y, x * x, y * y, x * y])
    for shape in ((1, 1, -1, 1), (1, 1, 1, -1)):
        moments = functional.conv2d(moments, weights.view(shape))
    mx, my, xx, yy, xy = moments.chunk(5)
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    brightness = (2 * mx * my + c1) / (mx * mx + my * my + c1)
    structure = (2 * (xy - mx * my) + c2) / (xx - mx * mx + yy - my * my + c2)
    return (brightness * structure).mean(dim=(1, 2, 3)), structure.mean(dim=(1, 2, 3))
