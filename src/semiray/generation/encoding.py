"""Look at real images with the sorter's eyes: which codes does the discriminator read from them?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.generation.sampling import BLOCK

if TYPE_CHECKING:
    from semiray.training.run import Run

__all__ = ["encode", "encode_scores"]


def encode(
    run: Run, images: NDArray[np.uint8], *, progress: Callable[[int, int], None] | None = None
) -> NDArray[np.float32]:
    """Read the codes of images, real or generated, in the factors' own units: c = F^-1(Phi(sorter(x))).

    Args:
        run: A trained run.
        images: (N, H, W) uint8 at the run's resolution.
        progress: Called with (images done, N).

    Returns:
        (N, M) float32; columns are ``run.prior.names``.

    Raises:
        SemirayError: Images of another type, shape or resolution.

    Example:
        ``encode(run, data.images[:8])[:, run.prior.slices["duration"]]``: days, as the sorter estimates them.
    """
    scores = encode_scores(run, images, progress=progress)
    codes: NDArray[np.float32] = run.prior.codes(torch.from_numpy(scores)).float().numpy()
    return codes


def encode_scores(
    run: Run, images: NDArray[np.uint8], *, progress: Callable[[int, int], None] | None = None
) -> NDArray[np.float32]:
    """Read the scores of images: the sorter's estimates in Gaussian-copula coordinates, before rounding to values.

    Arguments, shape and errors as :func:`encode`; scores are about standard normal over images like the training set.
    """
    images = np.asarray(images)
    side = run.resolution
    if images.dtype != np.uint8 or images.ndim != 3:
        raise SemirayError(f"images are {images.dtype} {images.shape}: expected uint8 (N, H, W), 0..255.")
    if images.shape[1:] != (side, side):
        raise SemirayError(
            f"images are {images.shape[1]} x {images.shape[2]} px, the run was trained at {side} x {side}: "
            f"load them with load_radiographs(..., resolution={side})."
        )
    device = next(run.discriminator.parameters()).device
    scores = np.empty((len(images), run.prior.dimensions), np.float32)
    for first in range(0, len(images), BLOCK):
        batch = images[first : first + BLOCK].astype(np.float32)
        x = torch.from_numpy(batch).to(device).div_(127.5).sub_(1)[:, None]
        y = torch.zeros(len(x), dtype=torch.int64, device=device)  # the sorter never sees the label: any will do
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            scores[first : first + BLOCK] = run.discriminator(x, y).scores.float().cpu().numpy()
        if progress is not None:
            progress(first + len(batch), len(images))
    return scores
