"""Membership inference: can an attacker find out which patients a generator was trained on?

Two attackers get an image of a patient and score how likely it was trained on:

- *black box*, who has synthetic images: the closer the nearest of them, the likelier (Chen et al. 2020, arXiv
  1909.03935, the full black box of section 5.2);
- *white box*, who has the discriminator: the more real the critic finds it, the likelier (Hayes et al. 2019, arXiv
  1705.07663, section 4.2), or the likelier the sorter finds its known class (Yeom et al. 2018, arXiv 1709.01604,
  section 3.3: a classifier's loss is smaller on images that it was trained on).

The area under the ROC curve of training against held-out images is 0.5 at chance level. It averages over all patients,
and hides a few who can be identified with certainty. So there is also the true-positive rate at a false-positive rate
of 1 % (Carlini et al. 2022, arXiv 2112.03570, section III). At chance level it is (n + 1) / (M + 1) on average, where M
images are held out and n = floor(M / 100) of them are allowed as false positives.
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

FALSE_POSITIVES = 0.01


@dataclass(frozen=True)
class MembershipResult(Result):
    """How well an attacker separates training images from held-out ones.

    Attributes:
        auroc: Area under the ROC curve; floor 0.5.
        true_positives: True-positive rate at 1 % false positives.
        floor: Its chance level: a little over 1 %, and more with few held-out images.
        n_train: Training images that were tested.
    """

    auroc: Interval
    true_positives: Interval
    floor: float
    n_train: int
    n_held_out: int
    false_positives: float = FALSE_POSITIVES


def measure_membership(
    train: NDArray[np.floating],
    held_out: NDArray[np.floating],
    patients: tuple[NDArray[np.str_], NDArray[np.str_]],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> MembershipResult:
    """Measure what an attacker's scores reveal.

    Args:
        train: (N,) scores of training images; greater means trained on.
        held_out: (M,) scores of images of other patients.
        patients: Ids (N,) and (M,).
        resamples: Draws of the bootstrap over patients.
        seed: Of the draws.

    Raises:
        SemirayError: No training or no held-out images, or a patient in both.
    """
    if not len(train) or not len(held_out):
        raise SemirayError("Membership needs training and held-out images: one of the two sets is empty.")
    both = np.intersect1d(*patients)
    if len(both):
        raise SemirayError(f"{len(both)} patients are in both training and held-out images, among them {both[0]!r}.")
    member = np.repeat([True, False], [len(train), len(held_out)])
    scores = np.concatenate([train, held_out]).astype(np.float64)
    bootstrap = PatientBootstrap(np.concatenate(patients), member.astype(np.int64), resamples=resamples, seed=seed)
    once, draws = (Ranking(member, scores, w) for w in (np.ones((1, len(scores))), bootstrap.images))
    auroc = bootstrap.interval(once.auroc().tolist(), draws.auroc()[:, None])
    named = bootstrap.interval(once.recall_at(FALSE_POSITIVES).tolist(), draws.recall_at(FALSE_POSITIVES)[:, None])
    floor = (int(FALSE_POSITIVES * len(held_out)) + 1) / (len(held_out) + 1)
    return MembershipResult(auroc, named, floor, len(train), len(held_out))
