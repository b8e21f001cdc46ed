"""Figures of a ranking, images of a class against the rest, for many weightings of the images at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ranking"]

Floats = NDArray[np.float64]


class Ranking:
    """A ranking of positives against negatives under many weightings, at every threshold between different scores.

    Images of equal score are never separated by a threshold.

    Args:
        positive: (N,) which images are positive.
        scores: (N,) greater means more positive.
        weights: (R, N), at least 0: how often each image was drawn.

    Attributes:
        hits: (R, G) weight of the positives that reach each of the G distinct scores, from the greatest.
        alarms: (R, G) the same weight of the negatives.
    """

    def __init__(
        self, positive: NDArray[np.bool_], scores: NDArray[np.float32] | Floats, weights: NDArray[np.float64]
    ) -> None:
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))  # the last of each run of equal scores
        heavy, is_positive = weights[:, order], positive[order]
        self.hits: Floats = np.cumsum(heavy * is_positive, axis=1)[:, ends]
        self.alarms: Floats = np.cumsum(heavy * ~is_positive, axis=1)[:, ends]

    @np.errstate(invalid="ignore", divide="ignore")
    def auroc(self) -> Floats:
        """Area under the ROC curve (R,); ties count half (Mann and Whitney 1947).

        NaN where a weighting leaves out all positives or all negatives.
        """
        steps = np.diff(self.alarms, axis=1, prepend=0.0)
        middles = self.hits - 0.5 * np.diff(self.hits, axis=1, prepend=0.0)
        return np.asarray((steps * middles).sum(axis=1) / (self.hits[:, -1] * self.alarms[:, -1]))

    @np.errstate(invalid="ignore", divide="ignore")
    def average_precision(self) -> Floats:
        """Mean precision (R,) over the positives, each at its own score: scikit-learn's, without interpolation.

        NaN where a weighting leaves out all positives.
        """
        steps = np.diff(self.hits, axis=1, prepend=0.0)
        precision = self.hits / np.maximum(self.hits + self.alarms, 1e-300)
        return np.asarray((steps * precision).sum(axis=1) / self.hits[:, -1])

    @np.errstate(invalid="ignore", divide="ignore")
    def recall_at(self, false_positives: float) -> Floats:
        """True-positive rate (R,) at a false-positive rate of at most ``false_positives``.

        That is the sensitivity at a specificity of 1 - ``false_positives``. NaN where all of one kind are left out.
        """
        allowed = self.alarms / self.alarms[:, -1:] <= false_positives + 1e-12
        found = (self.hits * allowed).max(axis=1) / self.hits[:, -1]
        return np.where(self.alarms[:, -1] > 0, found, np.nan)
