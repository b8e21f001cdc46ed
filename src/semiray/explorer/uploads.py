"""A real image that was uploaded: read, sorted, reconstructed; kept in memory, never on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.escaping import printable
from semiray.generation.encoding import discriminate
from semiray.generation.hold import check_hold, hold_codes
from semiray.generation.inversion import Inversion, invert
from semiray.generation.representation import image_error
from semiray.generation.sampling import class_index
from semiray.generation.synthetic import Synthetic
from semiray.radiographs.pixels.framing import decode_grey, frame
from semiray.radiographs.pixels.grey import UnreadableImageError

if TYPE_CHECKING:
    from semiray.training.run import Run

__all__ = ["Upload", "read_upload"]


@dataclass(frozen=True)
class Upload:
    """An image, and what the run makes of it.

    Attributes:
        key: what it is called by.
        name: of its file.
        original: (H, W) uint8, framed as the run's data were.
        codes: (M,) float32, as the sorter estimates them.
        label: position in the run's classes; -1 where there are none.
        inversion: what its reconstruction is made from.
        estimates: class, probabilities and likeness, for the page.
    """

    run: Run
    key: str
    name: str
    original: NDArray[np.uint8]
    codes: NDArray[np.float32]
    label: int
    inversion: Inversion
    estimates: Mapping[str, Any]

    def images(self, holds: Sequence[Mapping[str, float]]) -> list[Synthetic]:
        """This patient once under each of several holds; without any, the reconstruction."""
        prior = self.run.prior
        codes = torch.stack([hold_codes(prior, torch.from_numpy(self.codes), hold) for hold in holds]).numpy()
        images = self.inversion.render(codes)
        return [
            Synthetic(
                images=images[k : k + 1],
                codes=codes[k : k + 1],
                labels=np.array([self.label]),
                classes=self.run.classes,
                names=prior.names,
                index=np.zeros(1, np.int64),
                seed=0,
                assumed=tuple(name for name in prior.slices if not self.run.grounded.get(name)),
                held=check_hold(prior, hold),
            )
            for k, hold in enumerate(holds)
        ]


def read_upload(
    run: Run, content: bytes, name: str, label: str | None, told: Callable[[Mapping[str, Any]], None]
) -> Upload:
    """Read the bytes of an image, let the sorter estimate class and codes, and search for its reconstruction.

    Args:
        run: the run.
        content: a PNG, JPEG, TIFF, BMP, WebP or DICOM file.
        name: what the file was called.
        label: its class; None takes the sorter's estimate.
        told: called with what is known so far, and how far the search is; what it raises ends the search.

    Raises:
        SemirayError: It can't be read, or a class must be given.
    """
    shown = printable(name[:200]) or "image"
    try:
        original = frame(decode_grey(content).pixels, run.resolution, run.settings.data.framing)
    except UnreadableImageError as error:
        raise SemirayError(f"{shown}: {error}.") from error
    _, output = next(discriminate(run, original[None], np.zeros(1, np.int64)))
    codes: NDArray[np.float32] = run.prior.codes(output.scores[0].float().cpu()).float().numpy()
    estimates: dict[str, Any] = {"name": shown, "codes": codes.tolist(), "probabilities": None, "label": None}
    if run.classes and run.settings.objectives.classify > 0:
        estimates["probabilities"] = [round(float(p), 4) for p in output.classes[0].float().softmax(0).tolist()]
    if label is not None:
        number = class_index(run.classes, label)
    elif not run.classes:
        number = -1
    elif estimates["probabilities"] is None:
        raise SemirayError(f"This run's sorter never learned classes: choose the image's, {', '.join(run.classes)}.")
    else:
        number = int(output.classes[0].argmax())
    estimates |= {"label": run.classes[number] if number >= 0 else None, "given": label is not None}
    told(estimates)
    found = invert(run, original, codes, number, progress=lambda done, of: told({"done": done, "of": of}))
    difference, similarity = image_error(original, found.render(codes[None])[0])
    estimates |= {"error": round(difference, 1), "ssim": round(similarity, 3)}
    key = hashlib.sha256(content + str(number).encode()).hexdigest()[:24]
    return Upload(run, key, shown, original, codes, number, found, estimates)
