"""Privacy: has the generator kept its patients to itself?

Copies (:mod:`semiray.radiographs.copies`) are looked for among synthetic images and, for the false alarms, among
held-out real ones. Membership (:mod:`semiray.evaluation.membership`) is inferred by an attacker who holds the synthetic
images and, where there is a run, by one who holds its discriminator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semiray.evaluation.membership import MembershipResult, measure_membership
from semiray.radiographs import RadiographSet
from semiray.radiographs.alignment import nearest_aligned
from semiray.radiographs.copies import CopyResult, find_copies

__all__ = ["PrivacyResult", "measure_privacy"]

SHOWN = 8
MOST = 2000  # images of a side that the attackers are given


@dataclass(frozen=True)
class PrivacyResult:
    """What synthetic images, and a run's discriminator, tell of the patients trained on.

    Attributes:
        copies: Of training images, among the synthetic ones.
        false_alarms: The same search among held-out images, none of which is one.
        black_box: The attacker who holds the synthetic images.
        white_box: The attacker who holds the discriminator; None where there is none.
        n_train: Training images that copies were sought of.
        closest: (K, 2, H, W) uint8, the synthetic images of least ratio, each beside its training image.
    """

    copies: CopyResult
    false_alarms: CopyResult
    black_box: MembershipResult
    white_box: MembershipResult | None
    n_train: int
    closest: NDArray[np.uint8]

    @property
    def closest_ratios(self) -> NDArray[np.float64]:
        """(K,) ratios of the closest pairs, ascending."""
        return np.sort(self.copies.ratio)[: len(self.closest)]


def measure_privacy(
    synthetic: NDArray[np.uint8],
    train: RadiographSet,
    held_out: RadiographSet,
    *,
    critic: Callable[[RadiographSet], NDArray[np.float32]] | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> PrivacyResult:
    """Looks for copies, and infers membership.

    Args:
        synthetic: (N, H, W) uint8.
        train: The images that the generator was trained on.
        held_out: Images of other patients, of the same source.
        critic: Images -> (K,) how real the discriminator finds them.
        seed: Of the choice of at most 2,000 images a side for the attackers, and of the bootstrap.
        progress: Called with (done, total).

    Raises:
        SemirayError: Sides that differ or are below 16; fewer than two training patients; a patient on both
            sides; nothing held out.
    """
    rng = np.random.default_rng(seed)
    members, others = (side.take(np.sort(rng.permutation(len(side))[:MOST])) for side in (train, held_out))
    parts = 4

    def told(part: int) -> Callable[[int, int], None]:
        return lambda done, total: None if progress is None else progress(part * total + done, parts * total)

    copies = find_copies(synthetic, train.images, train.patients, progress=told(0))
    false_alarms = find_copies(held_out.images, train.images, train.patients, progress=told(1))
    near = [
        -nearest_aligned(side.images, synthetic, progress=told(2 + i))[1] for i, side in enumerate((members, others))
    ]
    patients = (members.patients, others.patients)
    black_box = measure_membership(near[0], near[1], patients, seed=seed)
    white_box = None
    if critic is not None:
        real = [critic(side).astype(np.float64) for side in (members, others)]
        white_box = measure_membership(real[0], real[1], patients, seed=seed)
    first = np.argsort(copies.ratio, kind="stable")[:SHOWN]
    closest = np.stack([synthetic[first], train.images[copies.original[first]]], axis=1)
    return PrivacyResult(copies, false_alarms, black_box, white_box, len(train), closest)
