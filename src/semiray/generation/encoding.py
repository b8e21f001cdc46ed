"""Look at real images with the sorter's eyes: which codes does the discriminator read from them?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semiray.errors import SemirayError
from semiray.generation.sampling import BLOCK
from semiray.networks import Judgement
from semiray.training.game import Shown

if TYPE_CHECKING:
    from semiray.training.run import Run

__all__ = ["critic_logits", "encode", "encode_scores"]


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
    _check_images(run, images)
    scores = np.empty((len(images), run.prior.dimensions), np.float32)
    y = np.zeros(len(images), np.int64)  # the sorter never sees the label: any will do
    for part, judgement in _judge(run, images, y):
        scores[part] = judgement.scores.float().cpu().numpy()
        if progress is not None:
            progress(part.stop, len(images))
    return scores


def critic_logits(run: Run, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """How real the critic finds images: (N,) logits, greater is more real. Leads that are grounded it is told as read.

    Args:
        run: A trained run.
        images: (N, H, W) uint8 at the run's resolution.
        labels: (N,) positions in ``run.classes``; any where there are none.

    Raises:
        SemirayError: Images of another type, shape or resolution.
    """
    images = np.asarray(images)
    _check_images(run, images)
    logits = np.empty(len(images), np.float32)
    for part, judgement in _judge(run, images, labels):
        logits[part] = judgement.critic.float().cpu().numpy()
    return logits


def _judge(run: Run, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Iterator[tuple[slice, Judgement]]:
    device = next(run.discriminator.parameters()).device
    discrete = run.prior.discrete.to(device)
    columns = [run.prior.slices[name].start for name in run.grounded]

    def leads(scores: Tensor) -> Tensor:
        read = Shown(run.prior.relaxed(scores, run.settings.objectives.relaxation), scores)
        return read.levels(discrete)[:, columns].float()

    for first in range(0, len(images), BLOCK):
        part = slice(first, min(first + BLOCK, len(images)))
        x = torch.from_numpy(images[part].astype(np.float32)).to(device).div_(127.5).sub_(1)[:, None]
        y = torch.from_numpy(labels[part]).to(device)
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            yield part, run.discriminator(x, y, leads)


def _check_images(run: Run, images: NDArray[np.uint8]) -> None:
    side = run.resolution
    if images.dtype != np.uint8 or images.ndim != 3:
        raise SemirayError(f"images are {images.dtype} {images.shape}: expected uint8 (N, H, W), 0..255.")
    if images.shape[1:] != (side, side):
        raise SemirayError(
            f"images are {images.shape[1]} x {images.shape[2]} px, the run was trained at {side} x {side}: "
            f"load them with load_radiographs(..., resolution={side})."
        )
