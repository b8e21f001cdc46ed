"""Benefit: do synthetic images help a classifier beyond what classical augmentation does, and with which certainty?

GAN augmentation often loses to turns and shifts once it is measured fairly. So classifiers are trained on the same
shares of the real patients in five ways (arms), several seeds each, and are tested on the same held-out patients: real
images alone; with classical augmentation; with synthetic images; with both; and pre-trained on synthetic images, then
fine-tuned on real ones with classical augmentation, which published work on chest X-rays finds the better use
(RoentGen-v2, arXiv 2508.16783).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.evaluation.judgements.benefit_trainings import Labelled, Laboratory, Training
from semiray.evaluation.judges.architectures import Architecture
from semiray.evaluation.statistics.classification import (
    ClassificationScores,
    Interval,
    PatientBootstrap,
    difference_interval,
    score_predictions,
)
from semiray.radiographs import RadiographSet

__all__ = ["ARMS", "QUICK_BENEFIT", "USES", "BenefitResult", "BenefitSettings", "measure_benefit", "signed"]

ARMS = {
    "real": "real images alone",
    "classical": "real + classical augmentation",
    "synthetic": "real + synthetic",
    "mixed": "real + synthetic + classical augmentation",
    "pretrained": "pre-trained on synthetic, then real + classical augmentation",
}
USES = {"mixed": "mixed in", "pretrained": "pre-trained on"}  # of synthetic images beside classical augmentation
FEW_SEEDS = 5  # below, the verdict calls itself a first look
# Two uses are compared with classical augmentation: each interval of the verdict is so wide that both hold together
# in about 95 of 100 judgements (Bonferroni).
VERDICT_LEVEL = 1 - 0.05 / len(USES)


@dataclass(frozen=True)
class BenefitSettings:
    """How the benefit is measured; fixed beforehand, the same for all arms.

    Attributes:
        fractions: Shares of the real patients, each in (0, 1], ascending; 1 is among them.
        seeds: Trainings an arm and fraction. A seed also draws the patients, the same for all arms.
        steps: Batches a training on all patients, or on synthetic images alone; on a fraction f of the patients
            sqrt(f) times as many, since few images are learned sooner.
        batch: Images a batch.
        share: Share of synthetic images in the batches of the arms that mix.
        shares: Other shares that the mixed arm is trained with, on all patients.
        multiples: Synthetic images alone: as many as there are real ones, times these.
        most_synthetic: Synthetic images at most, whatever the multiples.
        mirror: Whether classical augmentation mirrors: not for chests.
        resamples: Draws of the bootstrap.
        architecture: The classifier.

    Raises:
        SemirayError: A setting is out of its range.
    """

    fractions: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0)
    seeds: int = 5
    steps: int = 500
    batch: int = 64
    share: float = 0.5
    shares: tuple[float, ...] = (0.25, 0.75)
    multiples: tuple[int, ...] = (1, 3, 10)
    most_synthetic: int = 30_000
    mirror: bool = False
    resamples: int = 1000
    architecture: Architecture = field(default_factory=Architecture)

    def __post_init__(self) -> None:
        for name, least in (("seeds", 1), ("steps", 1), ("batch", 2), ("most_synthetic", 1), ("resamples", 2)):
            if getattr(self, name) < least:
                raise SemirayError(f"{name} = {getattr(self, name)}: must be at least {least}.")
        if not self.fractions or not all(0 < f <= 1 for f in self.fractions) or self.fractions[-1] != 1:
            raise SemirayError(f"fractions = {self.fractions}: shares above 0, of which the last is 1.")
        if sorted(set(self.fractions)) != list(self.fractions):
            raise SemirayError(f"fractions = {self.fractions}: must ascend.")
        if not all(0 < share < 1 for share in (self.share, *self.shares)):
            raise SemirayError(f"share = {self.share}, shares = {self.shares}: must lie between 0 and 1.")
        if not self.multiples or any(m < 1 for m in self.multiples):
            raise SemirayError(f"multiples = {self.multiples}: must be at least 1.")

    def steps_at(self, fraction: float) -> int:
        """Batches of a training on a fraction of the patients."""
        return max(1, round(self.steps * math.sqrt(fraction)))

    @property
    def size(self) -> int:
        """Batches of all trainings together."""
        arms = len(ARMS) * sum(map(self.steps_at, self.fractions))
        return self.seeds * (arms + (len(self.multiples) + len(self.shares)) * self.steps)

    def wanted(self, n_real: int) -> int:
        """How many synthetic images the largest multiple takes for so many real ones."""
        return min(max(self.multiples) * n_real, self.most_synthetic)


QUICK_BENEFIT = BenefitSettings(
    fractions=(0.1, 1.0), seeds=2, steps=200, shares=(), multiples=(1,), most_synthetic=6000, resamples=300
)


@dataclass(frozen=True)
class BenefitResult:
    """What each arm reached.

    Attributes:
        arms: Key of ``ARMS`` -> fraction of the real patients -> scores on the held-out patients.
        synthetic_only: Number of synthetic images -> scores, with classical augmentation; the largest is what networks
            are pre-trained on.
        mixing: Share of synthetic images in a batch -> scores of the mixed arm on all patients.
        gains: Key of ``USES`` -> fraction -> balanced accuracy less that of classical augmentation, paired.
        decisive: Key of ``USES`` -> the gain on all patients, with the wider interval that the verdict takes.
        classes: C names.
        minority: The class of the fewest training patients.
        n_real: Fraction -> mean number of real training images.
        n_patients: Fraction -> mean number of their patients.
        n_synthetic: Synthetic images at hand.
        own: Whether the generator was trained on the very patients that classifiers are trained on; None: not known.
        settings: How it was measured.
    """

    arms: Mapping[str, Mapping[float, ClassificationScores]]
    synthetic_only: Mapping[int, ClassificationScores]
    mixing: Mapping[float, ClassificationScores]
    gains: Mapping[str, Mapping[float, Interval]]
    decisive: Mapping[str, Interval]
    classes: tuple[str, ...]
    minority: str
    n_real: Mapping[float, float]
    n_patients: Mapping[float, float]
    n_synthetic: int
    own: bool | None
    settings: BenefitSettings

    def verdict(self) -> str:
        """Whether synthetic images help beyond classical augmentation on all patients, by how much, how certainly."""
        told = "; ".join(
            f"{use} {signed(self.decisive[arm].mean)} ({signed(self.decisive[arm].low)} to "
            f"{signed(self.decisive[arm].high)})"
            for arm, use in USES.items()
        )
        best = max(self.decisive.values(), key=lambda gain: gain.low)
        if best.low > 0:
            words = "Synthetic images help beyond classical augmentation here"
        elif all(gain.high < 0 for gain in self.decisive.values()):
            words = "Synthetic images do harm beside classical augmentation here"
        else:
            words = "It is not shown that synthetic images help beyond classical augmentation here"
        text = f"{words}: balanced accuracy with all real patients, {told}."
        real, classical = (self.arms[arm][1.0].balanced_accuracy.mean for arm in ("real", "classical"))
        plain = real - classical
        if plain > 0:  # then classical augmentation is no hard baseline, and a reader must know
            text += f" Real images alone, without augmentation, {signed(plain)}."
        if self.settings.seeds < FEW_SEEDS:
            text += f" A first look: {self.settings.seeds} trainings of each kind."
        return text


def measure_benefit(
    synthetic: NDArray[np.uint8],
    labels: NDArray[np.int64],
    train: RadiographSet,
    test: RadiographSet,
    settings: BenefitSettings,
    *,
    own: bool | None = None,
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BenefitResult:
    """Trains all arms at all fractions and tests them on real patients whom none has seen.

    Args:
        synthetic: (N, H, W) uint8; all are used by the arms that mix or pre-train.
        labels: (N,) positions in ``train.classes``.
        train: Real labelled images of the training patients.
        test: Real labelled images of other patients, of the same classes.
        settings: How.
        own: Whether the generator was trained on the very patients of ``train``: then at every fraction below 1 it has
            learnt from patients whom the classifier isn't shown. None: it isn't known whom it has seen.
        store: Folder that keeps each training's predictions: a judgement that was killed goes on there.
        progress: Called with (trainings done, trainings).

    Returns:
        The scores with 95 % intervals over patients (stratified bootstrap) and seeds, and paired differences.

    Raises:
        SemirayError: The classifier can't be built.
    """
    settings.architecture.build(len(train.classes), test.images.shape[1])  # an error before hours of work, not after
    real, pool = Labelled(np.asarray(train.images), train.labels), Labelled(synthetic, labels)
    laboratory = Laboratory(
        real,
        train.patients,
        pool,
        np.asarray(test.images),
        n_classes=len(train.classes),
        architecture=settings.architecture,
        steps=settings.steps,
        batch=settings.batch,
        mirror=settings.mirror,
        store=store,
    )
    available = len(labels)
    sizes = sorted({m * len(train) for m in settings.multiples if m * len(train) < available} | {available})
    cells = _cells(settings, available, sizes)
    plan = [cell(seed) for cell in cells.values() for seed in range(settings.seeds)]
    plan.sort(key=lambda training: training.fraction > 0 or training.synthetic < available)  # others start from these
    found = laboratory.predict(plan, progress=progress)
    bootstrap = PatientBootstrap(
        test.patients, test.labels, n_seeds=settings.seeds, resamples=settings.resamples, seed=0
    )
    seen = {f: [laboratory.rows(f, seed) for seed in range(settings.seeds)] for f in settings.fractions}
    n_real = {f: float(np.mean([len(rows) for rows in seen[f]])) for f in seen}
    scores = {
        key: score_predictions(
            [found[cell(seed)] for seed in range(settings.seeds)],
            test.labels,
            train.classes,
            bootstrap,
            n_train=int(key[1]) if key[0] == "only" else round(n_real[1.0 if key[0] == "mixing" else key[1]]),
            patients=test.patients,
        )
        for key, cell in cells.items()
    }
    arms = {arm: {f: scores[arm, f] for f in settings.fractions} for arm in ARMS}
    classical = arms["classical"]
    return BenefitResult(
        arms=arms,
        synthetic_only={n: scores["only", n] for n in sizes},
        mixing={s: scores["mixing", s] for s in settings.shares} | {settings.share: arms["mixed"][1.0]},
        gains={arm: {f: difference_interval(arms[arm][f], classical[f]) for f in settings.fractions} for arm in USES},
        decisive={arm: difference_interval(arms[arm][1.0], classical[1.0], level=VERDICT_LEVEL) for arm in USES},
        classes=train.classes,
        minority=_minority(train),
        n_real=n_real,
        n_patients={f: float(np.mean([len(np.unique(train.patients[rows])) for rows in seen[f]])) for f in seen},
        n_synthetic=available,
        own=own,
        settings=settings,
    )


def _cells(
    settings: BenefitSettings, available: int, sizes: list[int]
) -> dict[tuple[str, float | int], Callable[[int], Training]]:
    """What is scored -> the training of a seed."""

    def cell(fraction: float, share: float, **how: bool) -> Callable[[int], Training]:
        count, steps = available if share or how.get("pretrained") else 0, settings.steps_at(fraction)
        return lambda seed: Training(seed, steps, fraction, share, count, **how)

    def only(count: int) -> Callable[[int], Training]:
        return lambda seed: Training(seed, settings.steps, 0.0, 1.0, count, augmented=True)

    cells: dict[tuple[str, float | int], Callable[[int], Training]] = {("only", n): only(n) for n in sizes}
    for f in settings.fractions:
        cells["real", f] = cell(f, 0.0)
        cells["classical", f] = cell(f, 0.0, augmented=True)
        cells["synthetic", f] = cell(f, settings.share)
        cells["mixed", f] = cell(f, settings.share, augmented=True)
        cells["pretrained", f] = cell(f, 0.0, augmented=True, pretrained=True)
    for share in settings.shares:
        cells["mixing", share] = cell(1.0, share, augmented=True)
    return cells


def _minority(train: RadiographSet) -> str:
    counts = [len(np.unique(train.patients[train.labels == k])) for k in range(len(train.classes))]
    return train.classes[int(np.argmin(counts))]


def signed(value: float) -> str:
    """A difference with its sign, in three digits."""
    return f"{value:+.3f}".replace("-", "−")
