"""What happens to images before somebody looks at them: noise, half the size, JPEG. What survives can be used.

All functions take and return (N, H, W) uint8, 0..255, and leave their argument unchanged.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

__all__ = ["DEGRADATIONS", "add_noise", "compress", "halve"]

Images = NDArray[np.uint8]
NOISE = 0.05 * 255  # standard deviation in grey levels: 5 % of the full range
QUALITY = 50  # of JPEG, on its scale to 100


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
"""The conditions under which codes are estimated, by name; ``clean`` changes nothing."""
