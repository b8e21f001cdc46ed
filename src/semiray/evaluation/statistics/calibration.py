"""Calibration: is a classifier that predicts 80 % right in 80 % of these cases?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "calibration_error"]

BINS = 15


def calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Expected calibration error of the predicted class, for many weightings at once.

    Images are put into 15 bins of equal width by their greatest probability. The error is the mean over images of
    |accuracy - mean probability| of their bin (Guo et al. 2017, arXiv 1706.04599, equation 3); 0 is calibrated. It is
    biased upwards, more so with fewer images per bin: compare it only for equal numbers of images.

    Args:
        probabilities: (N, C), rows summing to 1.
        labels: (N,) integers in 0..C-1.
        weights: (R, N), at least 0.

    Returns:
        (R,).

    Example:
        >>> calibration_error(np.float32([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1]), np.ones((1, 2))).round(3)
        array([0.4])
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    surplus = (probabilities.argmax(axis=1) == labels) - confidence
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    table = np.zeros((len(labels), BINS))
    table[np.arange(len(labels)), bins] = surplus
    error: NDArray[np.float64] = np.abs(weights @ table).sum(axis=1) / weights.sum(axis=1)
    return error
