"""How likely each class is for images whose label is unknown: small classifiers, trained on the labelled patients.

The class head of a discriminator learns its few labels by heart: its estimates would be sure and wrong. Here each
classifier leaves out a fold of the labelled patients; on these one temperature for all is fitted (Guo et al. 2017,
arXiv 1706.04599). An unlabelled image gets the mean of the classifiers' probabilities.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from semiray.networks.classifier import network_outputs, train_classifier
from semiray.radiographs import ImageArray
from semiray.radiographs.pixels.images import shrink

__all__ = ["estimate_classes"]

FOLDS = 5
STEPS, BATCH = 200, 64  # of a classifier
SIDE = 64  # larger images are reduced to this side
TEMPERATURES = 0.1, 10.0
BLOCK = 1024  # images that are estimated together
UNMEASURED = 3.0  # temperature where no labelled patient can be left out


def estimate_classes(
    images: ImageArray,
    rows: NDArray[np.int64],
    labels: NDArray[np.int64],
    patients: NDArray[np.integer[Any]],
    shares: NDArray[np.float64],
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> NDArray[np.float32]:
    """Estimate the classes of images from those among them that are labelled.

    Args:
        images: uint8, in memory or mapped from a file.
        rows: (N,) those that are meant.
        labels: (N,) class numbers, -1 where unknown; every class occurs.
        patients: (N,) numbers of the patients: a classifier leaves out all images of a patient.
        shares: (K,) share of each class among the unlabelled images, above 0; the classifiers, which learn from all
            classes alike, know nothing of it.
        seed: of folds and classifiers.
        device: where they are trained.

    Returns:
        (N, K) probabilities; those of labelled images mean nothing.
    """
    count, known, log_shares = len(shares), np.flatnonzero(labels >= 0), torch.from_numpy(np.log(shares))
    if count == 1:
        return np.ones((len(labels), 1), np.float32)
    fold, seen = _folds(labels[known], patients[known], seed), _reduced(images[rows[known]])
    judges = []
    for number in range(max(1, fold.max() + 1)):
        others = np.flatnonzero(fold != number)
        told: dict[str, Any] = {"n_classes": count, "steps": STEPS, "batch": BATCH, "small": True, "device": device}
        judges.append(train_classifier(seen[others], labels[known[others]], seed=seed + number, **told).network)
    measured = np.flatnonzero(fold >= 0)
    outputs = torch.stack([network_outputs(judge, seen) for judge in judges])
    left_out = outputs[torch.from_numpy(fold[measured]), torch.from_numpy(measured)]
    heat = _temperature(left_out, torch.from_numpy(labels[known[measured]]), log_shares)
    found = np.empty((len(labels), count), np.float32)
    for first in range(0, len(labels), BLOCK):
        part = _reduced(images[rows[first : first + BLOCK]])
        of_judges = [functional.softmax(network_outputs(judge, part) / heat + log_shares, dim=1) for judge in judges]
        found[first : first + BLOCK] = torch.stack(of_judges).mean(dim=0).numpy()
    return found


def _folds(labels: NDArray[np.int64], patients: NDArray[np.integer[Any]], seed: int) -> NDArray[np.int64]:
    """Folds (N,) of patients, each class spread over them; -1, in no fold, where no one of a class would be left."""
    names, patient = np.unique(patients, return_inverse=True)
    fold = np.full(len(names), -1)
    of_classes = [np.unique(patient[labels == label]) for label in np.unique(labels)]
    for members in sorted(of_classes, key=len):
        free = np.random.default_rng(seed).permutation(members[fold[members] < 0])
        fold[free] = np.arange(len(free)) % FOLDS
    for members in of_classes:
        if len(np.unique(fold[members])) == 1:
            fold[members] = -1
    return fold[patient]


def _temperature(outputs: Tensor, labels: Tensor, log_shares: Tensor) -> float:
    """The divisor of the logits (N, K) that makes the labels (N,) likeliest."""
    if not len(outputs):
        return UNMEASURED
    from scipy.optimize import minimize_scalar  # slow to import, and generating does not need it

    low, high = (math.log(one) for one in TEMPERATURES)

    def surprise(log_heat: float) -> float:
        return float(functional.cross_entropy(outputs / np.exp(log_heat) + log_shares, labels))

    return float(np.exp(minimize_scalar(surprise, bounds=(low, high), method="bounded").x))


def _reduced(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images of at most `SIDE` pixels a side."""
    return images if images.shape[1] <= SIDE else shrink(images, SIDE).round().astype(np.uint8)
