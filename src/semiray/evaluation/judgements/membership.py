"""Membership inference: can an attacker tell whose images a generator was trained on?

Two attackers are given an image of a patient and say how much it looks trained on:

- *black box*, who holds synthetic images: the nearer the nearest of them, the more (Chen et al. 2020, arXiv 1909.03935,
  the full black box of section 5.2);
- *white box*, who holds the discriminator: the more real the critic finds it, the more (Hayes et al. 2019, arXiv
  1705.07663, section 4.2).

The area under the ROC curve of training against held-out images is 0.5 for an attacker who guesses. It averages over
all patients, and hides a few who can be named for certain: those are counted by the true-positive rate at a
false-positive rate of 1 % (Carlini et al. 2022, arXiv 2112.03570, section III). By guessing it is (n + 1) / (M + 1) on
average, where M images are held out and n = floor(M / 100) of them may be named.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from semiray.errors import SemirayError
from semiray.evaluation.results import Result
from semiray.evaluation.statistics.intervals import Interval, PatientBootstrap
from semiray.evaluation.statistics.ranking import Ranking

__all__ = ["FALSE_POSITIVES", "MembershipResult", "measure_membership"]

Floats = NDArray[np.float64]
FALSE_POSITIVES = 0.01


@dataclass(frozen=True)
class MembershipResult(Result):
    """How well an attacker tells training images from held-out ones.

    Attributes:
        auroc: Area under the ROC curve; floor 0.5.
        true_positives: Share of training images named when no more than 1 % of held-out images are named as well.
        floor: What guessing reaches of that, on average: a little over 1 %, and more with few held-out images.
        n_train: Training images that were tried.
        n_held_out: Held-out images.
        false_positives: Of ``true_positives``.
    """

    auroc: Interval
    true_positives: Interval
    floor: float
    n_train: int
    n_held_out: int
    false_positives: float = FALSE_POSITIVES


def measure_membership(
    train: Floats,
    held_out: Floats,
    patients: tuple[NDArray[np.str_], NDArray[np.str_]],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> MembershipResult:
    """What the attacker's scores are worth, greater = trained on.

    Args:
        train: (N,) scores of training images.
        held_out: (M,) scores of images of other patients.
        patients: ids (N,) and (M,); none on both sides.
        resamples: Draws of the bootstrap over patients.
        seed: Of the draws.

    Raises:
        SemirayError: A side without images, or a patient on both sides.
    """
    if not len(train) or not len(held_out):
        raise SemirayError("Membership is told from training and held-out images: one of both sides is empty.")
    both = np.intersect1d(*patients)
    if len(both):
        raise SemirayError(f"{len(both)} patients are both trained on and held out, among them {both[0]!r}.")
    member = np.repeat([True, False], [len(train), len(held_out)])
    scores = np.concatenate([train, held_out]).astype(np.float64)
    bootstrap = PatientBootstrap(np.concatenate(patients), member.astype(np.int64), resamples=resamples, seed=seed)
    once, draws = (Ranking(member, scores, w) for w in (np.ones((1, len(scores))), bootstrap.images))
    auroc = bootstrap.interval(once.auroc().tolist(), draws.auroc()[:, None])
    named = bootstrap.interval(once.recall_at(FALSE_POSITIVES).tolist(), draws.recall_at(FALSE_POSITIVES)[:, None])
    floor = (int(FALSE_POSITIVES * len(held_out)) + 1) / (len(held_out) + 1)
    return MembershipResult(auroc, named, floor, len(train), len(held_out))
