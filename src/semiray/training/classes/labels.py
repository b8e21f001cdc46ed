"""The classes of the training images, and of those whose label is unknown a fresh draw from estimates at every step.

An estimate says how likely each class is (`semiray.training.classes.estimates`). What is drawn is more decided than
that: drawn as estimated, classes of generated images are mixtures (docs/findings.md). A doubtful class is another one
the next time: no network can learn a wrong label by heart.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semiray.errors import SemirayError
from semiray.radiographs import ImageArray, RadiographSet, Split
from semiray.radiographs.few_labels import keep_few_labels
from semiray.settings import Settings
from semiray.training.checkpoints import load_tensors, save_tensors
from semiray.training.classes.estimates import estimate_classes

__all__ = ["TrainingLabels", "chosen_images", "decide", "read_labels", "run_labels", "said_of_labels"]

DRAWS = 2  # added to the seed: other random numbers than those of the order
POWER = 3.0  # of the estimated probabilities that classes are drawn with
TURNS = 100  # of the iteration that keeps the classes' shares


class TrainingLabels:
    """Labels of the images that are trained on.

    Args:
        known: (N,) int64 class numbers, -1 where unknown; all 0 without classes.
        estimates: (N, K) probabilities of the classes, rows sum to 1; None where all are known.
        seed: of the draws.
    """

    def __init__(self, known: NDArray[np.int64], estimates: NDArray[np.float32] | None, seed: int) -> None:
        self.known, self.seed = torch.from_numpy(np.ascontiguousarray(known)), seed
        self.below = None if estimates is None else torch.from_numpy(np.cumsum(estimates[:, :-1], 1, np.float64))

    @property
    def unknown(self) -> int:
        """How many are unknown."""
        return int((self.known < 0).sum())

    def take(self, index: Tensor, first: int, rows: slice, batch: int) -> Tensor:
        """Classes (b,) of the images at `index` (b,), the `rows` of the batch that begins with image number `first`.

        The same in any number of processes, and after any resumption.
        """
        labels = self.known[index]
        if self.below is None:
            return labels
        uniform = np.random.default_rng([self.seed + DRAWS, first]).random(batch)[rows]
        drawn = (torch.from_numpy(uniform)[:, None] >= self.below[index]).sum(dim=1)
        return torch.where(labels >= 0, labels, drawn)

    def once(self) -> Tensor:
        """Classes (N,), those that are unknown drawn once."""
        count = len(self.known)
        return self.take(torch.arange(count), 0, slice(0, count), count)


def run_labels(settings: Settings, data: RadiographSet[ImageArray], split: Split) -> NDArray[np.int64]:
    """Labels (N,) of all images as a run of these settings knows them: of training patients perhaps only few."""
    labels = np.array(data.labels)
    if settings.label_fraction < 1 and data.classes:
        train, patients = split.train, data.patient_codes
        labels[train] = keep_few_labels(labels[train], patients[train], settings.label_fraction, settings.seed)
    return labels


def chosen_images(
    settings: Settings, data: RadiographSet[ImageArray], split: Split, labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Rows of the images that a run trains on; `labels` (N,) are those of `run_labels`.

    Raises:
        SemirayError: there are classes, but no training image has a label.
    """
    train = split.train
    labelled = train[labels[train] >= 0] if data.classes else train
    if len(train) and not len(labelled):
        raise SemirayError(
            f"None of the {len(train):,} training images has a label, though other images have: give some of them "
            "one, or read the images without classes."
        )
    return train if settings.unlabelled == "use" else labelled


def read_labels(
    settings: Settings,
    data: RadiographSet[ImageArray],
    chosen: NDArray[np.int64],
    labels: NDArray[np.int64],
    path: Path,
    device: torch.device,
) -> TrainingLabels:
    """The labels of the images `chosen` (M,), and estimates of those that are unknown, which the file `path` keeps.

    `labels` (N,) are those of all images, as `run_labels` gives them.
    """
    if not data.classes:
        return TrainingLabels(np.zeros(len(chosen), np.int64), None, settings.seed)
    known = labels[chosen]
    if (known >= 0).all():
        return TrainingLabels(known, None, settings.seed)
    told = {"of": hashlib.sha256(chosen.astype("<i8").tobytes() + known.astype("<i8").tobytes()).hexdigest()}
    try:
        tensors, said = load_tensors(path)
        if said != told:
            raise SemirayError("of other labels")
        estimates = tensors["classes"].numpy()
    except (SemirayError, KeyError):
        shares, patients = _class_shares(known, data.classes, settings), data.patient_codes[chosen]
        estimates = estimate_classes(data.images, chosen, known, patients, shares, seed=settings.seed, device=device)
        save_tensors(path, {"classes": torch.from_numpy(estimates)}, told)
    estimates[known < 0] = decide(estimates[known < 0])
    return TrainingLabels(known, estimates, settings.seed)


def decide(estimates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities (N, K) to the power of 3, times a factor for each class that keeps its mean; rows sum to 1.

    Source: sharpening as in Berthelot et al. 2019, arXiv 1905.02249, equation 7; without the factors, which are those
    of iterative proportional fitting, a rare class would hardly be drawn any more.

    Examples:
        >>> decide(np.array([[0.75, 0.25], [0.25, 0.75]], np.float32)).astype(float).round(2).tolist()
        [[0.96, 0.04], [0.04, 0.96]]
    """
    powers, shares = estimates.astype(np.float64) ** POWER, estimates.mean(axis=0, dtype=np.float64)
    factors = np.ones(len(shares))
    for _ in range(TURNS):
        drawn = powers * factors
        drawn /= drawn.sum(axis=1, keepdims=True)
        factors *= shares / drawn.mean(axis=0).clip(min=1e-12)
    return drawn.astype(np.float32)


def said_of_labels(data: RadiographSet[ImageArray], chosen: NDArray[np.int64], labels: NDArray[np.int64]) -> str:
    """How many of the images `chosen` are labelled, and what happens to the others; empty where all are."""
    known = chosen[labels[chosen] >= 0]
    if not data.classes or len(known) == len(chosen):
        return ""
    patients = len(np.unique(data.patient_codes[known]))
    return (
        f"{len(known):,} of {len(chosen):,} training images, of {patients:,} patients, are labelled. The other "
        f"{len(chosen) - len(known):,} are used, too: their class is estimated, and drawn anew each time that they are "
        "shown. To leave them out, train with unlabelled=omit."
    )


def _class_shares(known: NDArray[np.int64], classes: tuple[str, ...], settings: Settings) -> NDArray[np.float64]:
    """The share of each class (K,) among images without a label: as asked, else as among the labelled ones."""
    counts, asked = np.bincount(known[known >= 0], minlength=len(classes)), settings.class_shares
    if absent := [name for name, count in zip(classes, counts, strict=True) if not count]:
        raise SemirayError(
            f"No labelled training image is of class {', '.join(absent)}, so it can't be estimated which images "
            "without a label are: label some, or leave images without a label out with "
            "unlabelled=omit."
        )
    if asked is None:
        return np.asarray(counts / counts.sum())
    if set(asked) != set(classes):
        raise SemirayError(f"class_shares names {', '.join(asked)}; the classes are {', '.join(classes)}.")
    return np.array([asked[name] for name in classes])
