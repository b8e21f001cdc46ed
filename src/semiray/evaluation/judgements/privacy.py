"""Privacy: has the generator kept its patients to itself?

Copies (:mod:`semiray.radiographs.pixels.copies`) are looked for among synthetic images and, for the false alarms, among
held-out real ones. Authenticity (`authenticity.py`) asks how near both come to training images at
all. Membership (:mod:`semiray.evaluation.judgements.membership`) is inferred by an attacker who holds the synthetic
images and, where there is a run, by one who holds its discriminator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semiray.evaluation.judgements.authenticity import AuthenticityResult, in_shares, measure_nearness, nearest_features
from semiray.evaluation.judgements.fidelity import FeatureSpace, one_a_patient
from semiray.evaluation.judgements.membership import MembershipResult, measure_membership
from semiray.radiographs import RadiographSet, near_duplicates, unite_patients
from semiray.radiographs.pixels.alignment import nearest_aligned
from semiray.radiographs.pixels.copies import CopyResult, find_copies

__all__ = ["PrivacyResult", "measure_privacy"]

SHOWN = 8
MOST = 2000  # images of a side that the attackers are given, and that authenticity is asked of
AT_ONCE = 256  # images given to a feature space, for the progress
LEAST = 20  # images of a side: of fewer, the closest say nothing


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
        authenticity: In pixels and, where there is one, in a feature space; empty below 20 images of a side.
    """

    copies: CopyResult
    false_alarms: CopyResult
    black_box: MembershipResult
    white_box: MembershipResult | None
    n_train: int
    closest: NDArray[np.uint8]
    authenticity: tuple[AuthenticityResult, ...] = ()

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
    labels: NDArray[np.int64] | None = None,
    space: FeatureSpace | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> PrivacyResult:
    """Looks for copies, measures authenticity, and infers membership.

    Args:
        synthetic: (N, H, W) uint8.
        train: The images that the generator was trained on.
        held_out: Images of other patients, of the same source.
        critic: Images -> (K,) how real the discriminator finds them.
        labels: (N,) positions in ``held_out.classes``, for authenticity to compare like classes; None: as they come.
        space: Where authenticity is measured besides pixels; all training images go through it.
        seed: Of the choice of at most 2,000 images a side for attackers and authenticity, and of the bootstrap.
        progress: Called with (done, total).

    Raises:
        SemirayError: Sides that differ or are below 16; fewer than two training patients; a patient on both
            sides; nothing held out.
    """
    rng = np.random.default_rng(seed)
    members, others = (side.take(np.sort(rng.permutation(len(side))[:MOST])) for side in (train, held_out))
    parts = 4 if space is None else 5

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
    authenticity = _authenticity(synthetic, labels, train, held_out, (copies, false_alarms), space, seed, told(4))
    return PrivacyResult(copies, false_alarms, black_box, white_box, len(train), closest, authenticity)


def _authenticity(
    synthetic: NDArray[np.uint8],
    labels: NDArray[np.int64] | None,
    train: RadiographSet,
    held_out: RadiographSet,
    copies: tuple[CopyResult, CopyResult],
    space: FeatureSpace | None,
    seed: int,
    told: Callable[[int, int], None],
) -> tuple[AuthenticityResult, ...]:
    """In pixels, by the distances that copies were sought with, and in a feature space; of the same images."""
    real = one_a_patient(held_out, seed)[0]
    real = np.sort(np.random.default_rng(seed).permutation(real)[:MOST])
    alike = np.zeros(len(synthetic), np.int64) if labels is None else labels
    wanted = np.zeros(len(real), np.int64) if labels is None else held_out.labels[real]
    rows, kept = in_shares(alike, wanted, MOST, seed)
    sides = (rows, real[kept])
    if min(map(len, sides)) < LEAST:
        return ()
    near = [
        measure_nearness(of.distance[side], of.width[side], seed=seed) for of, side in zip(copies, sides, strict=True)
    ]
    found = [AuthenticityResult("pixels", *near)]
    if space is not None:
        images = (train.images, synthetic[sides[0]], held_out.images[sides[1]])
        total, done, features = sum(map(len, images)), 0, []
        for part in images:
            pieces = []
            for first in range(0, len(part), AT_ONCE):
                pieces.append(space.extract(part[first : first + AT_ONCE]))
                told(done + min(first + AT_ONCE, len(part)), total)
            done += len(part)
            features.append(np.concatenate(pieces))
        patients = unite_patients(train.patients, near_duplicates(train.images))
        near = [measure_nearness(*nearest_features(side, features[0], patients), seed=seed) for side in features[1:]]
        found.append(AuthenticityResult(space.name, *near))
    return tuple(found)
