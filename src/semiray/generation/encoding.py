"""Estimate the codes of images with the run's sorter, and how real its critic finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semiray.devices import inference_batch
from semiray.errors import SemirayError
from semiray.generation.sampling import BLOCK
from semiray.networks import DiscriminatorOutput
from semiray.networks.intensities import to_input
from semiray.training.codes import CodeReader

if TYPE_CHECKING:
    from semiray.training.run import Run

__all__ = ["critic_logits", "discriminate", "encode", "encode_scores"]


def encode(
    run: Run, images: NDArray[np.uint8], *, progress: Callable[[int, int], None] | None = None
) -> NDArray[np.float32]:
    """Estimate the codes of images, real or generated, in the factors' own units: c = F^-1(Phi(sorter(x))).

    Args:
        run: A trained run; its device computes.
        images: (N, H, W) uint8 at the run's resolution.
        progress: Called with (images done, N).

    Returns:
        (N, M) float32; columns are ``run.prior.names``.

    Raises:
        SemirayError: Images of another type, shape or resolution.

    Examples:
        ``encode(run, data.images[:8])[:, run.prior.slices["duration"]]``: days, as the sorter estimates them.
    """
    scores = encode_scores(run, images, progress=progress)
    codes: NDArray[np.float32] = run.prior.codes(torch.from_numpy(scores)).float().numpy()
    return codes


def encode_scores(
    run: Run, images: NDArray[np.uint8], *, progress: Callable[[int, int], None] | None = None
) -> NDArray[np.float32]:
    """Estimate the scores of images: the sorter's output in Gaussian-copula coordinates, before rounding to values.

    Arguments, shape and errors as `encode`; scores are about standard normal over images like the training set.
    """
    images = np.asarray(images)
    scores = np.empty((len(images), run.prior.dimensions), np.float32)
    for part, output in discriminate(run, images, np.zeros(len(images), np.int64)):  # the sorter doesn't see the label
        scores[part] = output.scores.float().cpu().numpy()
        if progress is not None:
            progress(part.stop, len(images))
    return scores


def critic_logits(run: Run, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """How real the critic finds images: (N,) logits, greater is more real.

    Images and errors are those of `encode`; ``labels`` are (N,) positions in ``run.classes``, -1 for the class that the
    sorter estimates.
    """
    if run.classes and (labels < 0).any():
        read = [output.classes.argmax(dim=1).cpu().numpy() for _, output in discriminate(run, images, 0 * labels)]
        labels = np.where(labels < 0, np.concatenate(read), labels)
    outputs = discriminate(run, np.asarray(images), labels)
    return np.concatenate([np.empty(0, np.float32), *(output.critic.float().cpu().numpy() for _, output in outputs)])


def discriminate(
    run: Run, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Iterator[tuple[slice, DiscriminatorOutput]]:
    """For batch after batch: which images, and the output for them on the run's device; leads are estimated.

    Arguments and errors as `critic_logits`.
    """
    side = run.resolution
    if images.dtype != np.uint8 or images.ndim != 3:
        raise SemirayError(f"images are {images.dtype} {images.shape}: expected uint8 (N, H, W), 0 to 255.")
    if images.shape[1:] != (side, side):
        raise SemirayError(
            f"images are {images.shape[1]} x {images.shape[2]} px, the run was trained at {side} x {side}: "
            f"load them with load_radiographs(..., resolution={side})."
        )
    device = next(run.discriminator.parameters()).device
    columns = [run.prior.slices[name].start for name in run.grounded]
    reader = CodeReader(run.prior, columns, run.settings.objectives.relaxation, device)
    batch = inference_batch(device, side, on_cpu=BLOCK)
    for first in range(0, len(images), batch):
        part = slice(first, min(first + batch, len(images)))
        y: Tensor = torch.from_numpy(labels[part]).to(device)
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            output: DiscriminatorOutput = run.discriminator(to_input(images[part], device), y, reader.estimated_leads)
        yield part, output
