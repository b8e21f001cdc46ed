"""Estimate the codes of images, or of a whole set, with the run's sorter, and how real its critic finds them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semiray.devices import inference_batch
from semiray.errors import SemirayError
from semiray.escaping import in_spreadsheet
from semiray.files import user_path, whole_file
from semiray.generation.sampling import BLOCK
from semiray.generation.synthetic import decimal
from semiray.networks import DiscriminatorOutput
from semiray.networks.intensities import to_input
from semiray.training.codes import CodeReader

if TYPE_CHECKING:
    from semiray.radiographs import ImageArray, RadiographSet
    from semiray.training.run import Run

__all__ = ["class_likelihoods", "critic_logits", "discriminate", "encode", "encode_scores", "write_codes"]

_CHUNK = 1024  # images in memory at a time


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


def write_codes(
    run: Run,
    data: RadiographSet[ImageArray],
    out: Path | str,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a table of what the sorter estimates of every image of a set, and of what is known of the image.

    Columns: ``file``, ``patient``, ``label``; ``part``, the run's part that the image is in, where the set is the run's
    own; ``estimated_label`` and its ``probability``, where the sorter was trained to classify; every code by name, in
    its factor's units; and the metadata, whose columns get ``metadata.`` in front where a name is taken. The table is
    written whole or not at all.

    Args:
        run: A trained run.
        data: Images at the run's resolution, of any number: a chunk of them is in memory at a time.
        out: The file to write, ``.csv``.
        progress: Called with (images done, N).

    Returns:
        The path of the table.

    Raises:
        SemirayError: Images of another resolution, or the file can't be written.
    """
    out = user_path(out)
    sorts = bool(run.classes) and run.settings.objectives.classify > 0
    parts = _parts(run, data)
    head = ["file", "patient", "label", *["part"] * bool(parts), *["estimated_label", "probability"] * sorts]
    head += run.prior.names
    columns = list(dict.fromkeys(name for row in data.metadata for name in row))
    named = [f"metadata.{name}" if name in head else name for name in columns]
    try:
        with whole_file(out) as path, path.open("w", encoding="utf-8", newline="") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(map(in_spreadsheet, head + named))
            for first in range(0, len(data), _CHUNK):
                images = np.asarray(data.images[first : first + _CHUNK])
                for batch, output in discriminate(run, images, np.zeros(len(images), np.int64)):
                    codes = run.prior.codes(output.scores.cpu()).float().numpy()
                    chances = output.classes.float().softmax(1).cpu().numpy()
                    for row, i in enumerate(range(first + batch.start, first + batch.stop)):
                        label = data.classes[data.labels[i]] if data.labels[i] >= 0 else ""
                        cells = [data.keys[i], str(data.patients[i]), label, *[parts.get(i, "")] * bool(parts)]
                        if sorts:
                            best = int(chances[row].argmax())
                            cells += [run.classes[best], f"{chances[row, best]:.4f}"]
                        cells += map(decimal, codes[row])
                        cells += (data.metadata[i].get(name, "") for name in columns)
                        table.writerow(map(in_spreadsheet, cells))
                    if progress is not None:
                        progress(first + batch.stop, len(data))
    except OSError as error:
        raise SemirayError(f"{out}: can't write there ({error.strerror or error}). Choose another out=.") from error
    return out


def _parts(run: Run, data: RadiographSet[ImageArray]) -> dict[int, str]:
    """The part of the run's split that each image is in; nothing where the set lacks images of the split."""
    try:
        split = run.split(data)
    except SemirayError:
        return {}
    names = ("train", "validation", "test")
    return {int(i): name for name in names for i in getattr(split, name)}


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


def class_likelihoods(run: Run, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """How likely the sorter finds a class: (N,) log probabilities of the labels.

    Arguments and errors as `critic_logits`, but every label is known.
    """
    found = np.empty(len(images), np.float32)
    for part, output in discriminate(run, np.asarray(images), labels):
        chances = output.classes.float().log_softmax(dim=1).cpu().numpy()
        found[part] = chances[np.arange(len(chances)), labels[part]]
    return found


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
