"""Privacy: does the generator reveal which patients it was trained on?

Copies (`semiray.radiographs.pixels.copies`) are searched for among synthetic images and, to count false alarms,
among held-out real ones. Both are measured for authenticity (`semiray.evaluation.judgements.authenticity`), and
membership is inferred (`semiray.evaluation.judgements.membership`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from semiray.evaluation.context import Context
from semiray.evaluation.judgements.authenticity import AuthenticityResult, in_shares, measure_nearness, nearest_features
from semiray.evaluation.judgements.membership import MembershipResult, measure_membership
from semiray.evaluation.judges.feature_spaces import FeatureSpace
from semiray.evaluation.parts import match_labels
from semiray.evaluation.progress import Progress
from semiray.evaluation.results import Hidden, Number, Result, Skipped
from semiray.evaluation.statistics.intervals import one_per_patient
from semiray.generation import class_likelihoods, critic_logits
from semiray.radiographs import RadiographSet, near_duplicates, unite_patients
from semiray.radiographs.pixels.copies import COPY, CopyResult, find_copies, nearest_aligned

__all__ = ["CopyCounts", "PrivacyResult", "cost", "measure", "measure_privacy"]

SHOWN = 8
MOST = 2000  # images of each set that attackers and authenticity use
AT_ONCE = 256  # images given to a feature space between two reports of progress
LEAST = 20  # images of each set: with fewer, the closest 1 % mean nothing
COST = 300  # in steps of utility's training


@dataclass(frozen=True)
class CopyCounts(Result):
    """How many images are copies of training images.

    Attributes:
        least_ratio: The least ratio of an image's distance to its nearest training image and that image's distance to
            the nearest one of another patient.
        median_ratio: The median ratio.
        ratio: Below it, an image is a copy.
    """

    copied: int
    n_images: int
    least_ratio: Number
    median_ratio: Number
    ratio: float = COPY


@dataclass(frozen=True)
class PrivacyResult(Result):
    """What synthetic images, and a run's discriminator, reveal of the training patients.

    Attributes:
        copies: Copies of training images among the synthetic ones.
        false_alarms: The same search among held-out images, none of which is a copy.
        black_box: The attacker who has the synthetic images.
        white_box: The attacker who has the discriminator, and looks at its critic; None where there is none.
        white_box_classes: The same attacker, who looks at the sorter's classes; None where it wasn't trained on any.
        n_train: Training images.
        closest: (K, 2, H, W) uint8, the synthetic images of least ratio, each beside its training image; not written.
        closest_ratios: (K,) their ratios, ascending; not written.
        authenticity: In pixels and, if there is one, in a feature space; empty where a set has fewer than 20 images.
    """

    copies: CopyCounts
    false_alarms: CopyCounts
    black_box: MembershipResult
    white_box: MembershipResult | None
    n_train: int
    closest: Hidden
    closest_ratios: Hidden
    authenticity: tuple[AuthenticityResult, ...] = ()
    white_box_classes: MembershipResult | None = None


def cost(context: Context) -> int:
    """The search for copies, where it is known which images the generator was trained on."""
    return COST if context.own else 0


def measure(context: Context) -> PrivacyResult | Skipped:
    """The privacy of a run, or of a folder of images; why not, where it can't be measured."""
    if context.own is None:
        return Skipped("it isn't known which images the generator was trained on (--split).")
    if not context.own:
        return Skipped("these aren't the images that the generator was trained on.")
    run, data, split = context.run, context.real, context.split
    trained = split.train if run is None or run.settings.unlabelled == "use" else data.labelled(split.train)
    train, held_out = data.take(trained), data.take(data.labelled(split.test))
    if len(np.unique(train.patients)) < 2 or not len(held_out):
        return Skipped("it needs at least two training patients and one held-out patient.")
    if np.isin(held_out.patients, train.patients).any():
        return Skipped("some held-out patients have images among those trained on.")
    critic = likelihoods = None
    if run is not None and (data.classes or not run.classes):
        known = run.classes or data.classes  # a critic without classes ignores them
        places = np.array([known.index(name) for name in data.classes] or [0], np.int64)
        estimated = bool((train.labels < 0).any() and data.classes)  # by the sorter, the class of both sides alike
        told = np.full_like(places, -1) if estimated else places

        def critic(side: RadiographSet) -> NDArray[np.float32]:
            return critic_logits(run, side.images, told[side.labels])

        if run.settings.objectives.classify and run.classes and data.classes:

            def likelihoods(side: RadiographSet) -> NDArray[np.float32]:
                return class_likelihoods(run, side.images, places[side.labels])

    # Of a folder all images, with a label or without.
    synthetic = context.synthetic if context.folder is None else context.folder
    return measure_privacy(
        np.asarray(synthetic.images),
        train,
        held_out,
        critic=critic,
        likelihoods=likelihoods,
        labels=match_labels(context.classes, data.classes, synthetic.labels),
        space=context.space,
        progress=context.stages["privacy"],
    )


def measure_privacy(
    synthetic: NDArray[np.uint8],
    train: RadiographSet,
    held_out: RadiographSet,
    *,
    critic: Callable[[RadiographSet], NDArray[np.float32]] | None = None,
    likelihoods: Callable[[RadiographSet], NDArray[np.float32]] | None = None,
    labels: NDArray[np.int64] | None = None,
    space: FeatureSpace | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> PrivacyResult:
    """Search for copies, measure authenticity, and infer membership.

    Args:
        synthetic: (N, H, W) uint8.
        train: The images that the generator was trained on.
        held_out: Images of other patients, from the same source.
        critic: Images -> (K,) how real the discriminator finds them.
        likelihoods: Images with a label -> (K,) log probability of the label by the sorter.
        labels: (N,) positions in ``held_out.classes``, so that authenticity compares the same classes; None: all.
        space: Where authenticity is measured besides pixels; all training images go through it.
        seed: Of the choice of at most 2,000 images per set for attackers and authenticity, and of the bootstrap.
        progress: Called with (done, total).

    Raises:
        SemirayError: Image sizes differ or are below 16 px; fewer than two training patients; a patient in both
            sets; nothing held out.
    """
    rng = np.random.default_rng(seed)
    members, others = (side.take(np.sort(rng.permutation(len(side))[:MOST])) for side in (train, held_out))
    parts = 4 if space is None else 5

    def told(part: int) -> Callable[[int, int], None]:
        return lambda done, total: None if progress is None else progress(part * total + done, parts * total)

    united = unite_patients(train.patients, near_duplicates(train.images))
    copies = find_copies(synthetic, train.images, united, united=True, progress=told(0))
    false_alarms = find_copies(held_out.images, train.images, united, united=True, progress=told(1))
    sides, patients = (members, others), (members.patients, others.patients)
    near = [-nearest_aligned(side.images, synthetic, progress=told(2 + i))[1] for i, side in enumerate(sides)]
    black_box = measure_membership(near[0], near[1], patients, seed=seed)
    white_box = None
    if critic is not None:
        white_box = measure_membership(critic(members), critic(others), patients, seed=seed)
    white_box_classes = None
    known, other = (side.take(np.flatnonzero(side.labels >= 0)) for side in sides)
    if likelihoods is not None and len(known) and len(other):
        both = known.patients, other.patients
        white_box_classes = measure_membership(likelihoods(known), likelihoods(other), both, seed=seed)
    first = np.argsort(copies.ratio, kind="stable")[:SHOWN]
    closest = np.stack([synthetic[first], train.images[copies.original[first]]], axis=1)
    return PrivacyResult(
        copies=_count(copies),
        false_alarms=_count(false_alarms),
        black_box=black_box,
        white_box=white_box,
        white_box_classes=white_box_classes,
        n_train=len(train),
        closest=closest,
        closest_ratios=np.sort(copies.ratio)[: len(closest)],
        authenticity=_authenticity(
            synthetic, labels, (train.images, united), held_out, (copies, false_alarms), space, seed, told(4)
        ),
    )


def _count(found: CopyResult) -> CopyCounts:
    return CopyCounts(
        copied=int(found.copied.sum()),
        n_images=len(found.copied),
        least_ratio=float(found.ratio.min()),
        median_ratio=float(np.median(found.ratio)),
    )


def _authenticity(
    synthetic: NDArray[np.uint8],
    labels: NDArray[np.int64] | None,
    train: tuple[NDArray[np.uint8], NDArray[np.str_]],
    held_out: RadiographSet,
    copies: tuple[CopyResult, CopyResult],
    space: FeatureSpace | None,
    seed: int,
    told: Callable[[int, int], None],
) -> tuple[AuthenticityResult, ...]:
    """In pixels, by the distances of the search for copies, and in a feature space; of the same images.

    Training images stand with their patients, of whom those who share a picture are one.
    """
    united = unite_patients(held_out.patients, near_duplicates(held_out.images))
    real = np.sort(one_per_patient(united, np.random.default_rng(seed)))
    real = np.sort(np.random.default_rng(seed).permutation(real)[:MOST])
    alike = np.zeros(len(synthetic), np.int64) if labels is None else labels
    wanted = np.zeros(len(real), np.int64) if labels is None else held_out.labels[real]
    rows, kept = in_shares(alike, wanted, MOST, seed)
    sides = (rows, real[kept])
    if min(map(len, sides)) < LEAST:
        return ()
    of_pixels = [(of.distance[side], of.width[side]) for of, side in zip(copies, sides, strict=True)]
    distances = [("pixels", of_pixels)]
    if space is not None:
        images = (train[0], synthetic[sides[0]], held_out.images[sides[1]])
        total, done, features = sum(map(len, images)), 0, []
        for part in images:
            pieces = []
            for first in range(0, len(part), AT_ONCE):
                pieces.append(space.extract(part[first : first + AT_ONCE]))
                done += len(pieces[-1])
                told(done, total)
            features.append(np.concatenate(pieces))
        distances.append((space.name, [nearest_features(side, features[0], train[1]) for side in features[1:]]))
    return tuple(
        AuthenticityResult(name, *(measure_nearness(*of_side, seed=seed) for of_side in found))
        for name, found in distances
    )
