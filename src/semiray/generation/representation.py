"""Re-present one real patient: the generator's image of them, and the same while one factor moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.generation.encoding import discriminate, encode
from semiray.generation.inversion import invert
from semiray.generation.sampling import class_index
from semiray.generation.similarity import ssim
from semiray.generation.traversal import factor_path
from semiray.radiographs.pixels.framing import read_radiograph

if TYPE_CHECKING:
    from semiray.priors import JointPrior
    from semiray.training.run import Run

__all__ = ["Representation", "guess_class", "image_error", "moved_codes", "represent"]


@dataclass(frozen=True)
class Representation:
    """One image, what the run makes of it, and what it makes of it when a factor moves.

    Attributes:
        original: (H, W) uint8, the image that was given, as the run's data were framed.
        reconstruction: (H, W) uint8, generated from ``codes``, ``z``, ``label`` and the patient's offsets.
        codes: (M,) float32, estimated from the original, in the factors' own units.
        z: (Z,) float32, the noise that was found.
        label: The class, None where the run knows no classes.
        label_guessed: Whether the class is the sorter's guess, rather than given.
        move: The factor, or the dimension, that moves.
        images: (S, H, W) uint8, generated; only ``move`` differs from the reconstruction.
        moved: (S, M) float32, the codes of ``images``.
        names: The M code dimensions.
        error: Mean absolute difference of original and reconstruction, in grey levels of 255.
        ssim: Their structural similarity, 1 when equal; :func:`semiray.generation.similarity.ssim`.
        noise_ssim: The structural similarity that noise without offsets reached.
        offset: Root mean square of the offsets: how far the generator was changed for this patient.
        seed: The seed of the search.
    """

    original: NDArray[np.uint8]
    reconstruction: NDArray[np.uint8]
    codes: NDArray[np.float32]
    z: NDArray[np.float32]
    label: str | None
    label_guessed: bool
    move: str
    images: NDArray[np.uint8]
    moved: NDArray[np.float32]
    names: tuple[str, ...]
    error: float
    ssim: float
    noise_ssim: float
    offset: float
    seed: int = 0


def represent(
    run: Run,
    image: Path | str | NDArray[np.uint8],
    *,
    move: str,
    steps: int = 8,
    label: str | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Representation:
    """Find what the generator makes an image from, then move one factor with everything else held.

    Codes are estimated by the sorter and stay as estimated; noise and offsets are searched for
    (:func:`semiray.generation.invert`). A factor moves with all its dimensions along its quantiles, as in
    :func:`semiray.generation.traverse`; a single dimension, such as ``"duration[3]"``, moves alone. For several images,
    call it for each: results don't depend on other images.

    Args:
        run: A trained run.
        image: A file, read and framed as the run's data were; or (H, W) uint8 at the run's resolution.
        move: The factor, or the dimension.
        steps: At least 2; a discrete factor takes as many as it has values, up to this.
        label: The image's class; None takes the sorter's guess.
        seed: Of the search's starts, 0 <= seed < 2**64.
        progress: Called with (steps of the search done, steps).

    Returns:
        The representation; the same call gives the same numbers, on the same kind of machine.

    Raises:
        SemirayError: A file that can't be read, an image of another size, an unknown factor or class, fewer than two
            steps, or no label where the run's sorter never learned classes.

    Example:
        ``represent(Run.load("RUN"), "patient.png", move="presentation").ssim``
    """
    asked = None if label is None else class_index(run.classes, label)
    original = _read(run, image) if isinstance(image, Path | str) else np.asarray(image)
    if original.ndim != 2:
        raise SemirayError(f"the image is {original.shape}: expected one image (H, W), uint8, 0..255.")
    codes = encode(run, original[None])[0]
    moved = moved_codes(run.prior, codes, move, steps)
    number = guess_class(run, original) if asked is None else asked
    found = invert(run, original, codes, number, seed=seed, progress=progress)
    images = found.render(np.concatenate([codes[None], moved]))
    grey, similarity = image_error(original, images[0])
    return Representation(
        original=original,
        reconstruction=images[0],
        codes=codes,
        z=found.z,
        label=run.classes[number] if run.classes else None,
        label_guessed=bool(run.classes) and label is None,
        move=move,
        images=images[1:],
        moved=moved,
        names=run.prior.names,
        error=grey,
        ssim=similarity,
        noise_ssim=found.noise_ssim,
        offset=found.offset,
        seed=seed,
    )


def image_error(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean absolute difference in grey levels, and structural similarity, of two images (H, W) uint8."""
    x, y = (torch.from_numpy(image.astype(np.float64))[None, None] for image in (a, b))
    return float((x - y).abs().mean()), float(ssim(x, y, data_range=255))


def moved_codes(prior: JointPrior, codes: NDArray[np.float32], move: str, steps: int) -> NDArray[np.float32]:
    """Codes (S, M) float32 that are ``codes`` (M,) but for one factor, or one dimension, which moves in ``steps``.

    Raises:
        SemirayError: No such factor or dimension, fewer than two steps.
    """
    lead = prior.index(move)
    if steps < 2:
        raise SemirayError(f"steps = {steps}: a move takes at least 2.")
    factor, whole = next((name, part) for name, part in prior.slices.items() if part.start <= lead < part.stop)
    path = factor_path(prior, factor, steps).numpy()
    columns = whole if move == factor else slice(lead, lead + 1)
    moved = np.tile(codes, (len(path), 1))
    moved[:, columns] = path[:, columns.start - whole.start : columns.stop - whole.start]
    return moved


def _read(run: Run, image: Path | str) -> NDArray[np.uint8]:
    path = Path(image).expanduser()
    if path.is_dir():
        raise SemirayError(f"{path} is a folder: name one image in it.")
    if not path.exists():
        raise SemirayError(f"{path}: there is no such file. Name a PNG, JPEG, TIFF, BMP or WebP image.")
    return read_radiograph(path, run.resolution, run.settings.data.framing)


def guess_class(run: Run, image: NDArray[np.uint8]) -> int:
    """The class in ``run.classes`` that the sorter takes an image (H, W) uint8 for; -1 where there are none.

    Raises:
        SemirayError: The sorter never learned classes.
    """
    if not run.classes:
        return -1
    if run.settings.objectives.classify == 0:
        raise SemirayError(
            "this run's sorter was not trained to classify (objectives.classify is 0): give the image's class, "
            f"one of {', '.join(run.classes)}."
        )
    _, output = next(discriminate(run, image[None], np.zeros(1, np.int64)))
    return int(output.classes[0].argmax())
