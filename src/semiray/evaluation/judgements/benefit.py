"""Benefit: do synthetic images help a classifier more than classical augmentation does, and how certain is that?

In fair comparisons, GAN augmentation often loses to rotations and shifts. So classifiers are trained on the same shares
of the real patients in five ways (arms), several seeds each, and tested on the same held-out patients: real images
alone; with classical augmentation; with synthetic images; with both; and pre-trained on synthetic images, then
fine-tuned on real ones with classical augmentation, which published work on chest X-rays finds the better use
(RoentGen-v2, arXiv 2508.16783).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from semiray.evaluation.context import GENERATED_PER_STEP, POOL_SEED, Context
from semiray.evaluation.judgements.benefit_trainings import Labelled, Laboratory, Training, first_of_each_class
from semiray.evaluation.options import BenefitSettings
from semiray.evaluation.progress import Progress
from semiray.evaluation.results import Result, Skipped
from semiray.evaluation.statistics.classification import ClassificationScores, difference_interval, score_predictions
from semiray.evaluation.statistics.intervals import Interval, PatientBootstrap
from semiray.generation import generate
from semiray.radiographs import RadiographSet

__all__ = ["ARMS", "USES", "BenefitResult", "cost", "measure", "measure_benefit", "n_steps"]

ARMS = ("real", "classical", "synthetic", "mixed", "pretrained")
USES = ("mixed", "pretrained")  # of synthetic images together with classical augmentation
# Two uses are compared with classical augmentation: each decisive interval is wide enough that both hold together in
# about 95 of 100 evaluations (Bonferroni).
DECISIVE_LEVEL = 1 - 0.05 / len(USES)
STEP = 0.3  # what a step of these smaller trainings takes, in steps of utility's training


@dataclass(frozen=True)
class BenefitResult(Result):
    """What each arm reached.

    Attributes:
        arms: Entry of ``ARMS`` -> fraction of the real patients -> scores on the held-out patients.
        synthetic_only: Number of synthetic images -> scores, with classical augmentation; the largest is what networks
            are pre-trained on.
        mixing: Share of synthetic images in a batch -> scores of the mixed arm on all patients.
        gains: Entry of ``USES`` -> fraction -> balanced accuracy minus that of classical augmentation, paired.
        decisive: Entry of ``USES`` -> the gain on all patients, with the wider interval that decides.
        minority: The class with the fewest training patients.
        n_real: Fraction -> mean number of real training images.
        n_patients: Fraction -> mean number of their patients.
        n_synthetic: Synthetic images to draw from.
        own: Whether the generator was trained on the same patients that classifiers are trained on; None: not known.
    """

    arms: dict[str, dict[float, ClassificationScores]]
    synthetic_only: dict[int, ClassificationScores]
    mixing: dict[float, ClassificationScores]
    gains: dict[str, dict[float, Interval]]
    decisive: dict[str, Interval]
    classes: tuple[str, ...]
    minority: str
    n_real: dict[float, float]
    n_patients: dict[float, float]
    n_synthetic: int
    own: bool | None
    settings: BenefitSettings


def n_steps(settings: BenefitSettings) -> int:
    """Batches of all trainings together."""
    arms = len(ARMS) * sum(map(settings.steps_at, settings.fractions))
    return settings.seeds * (arms + (len(settings.multiples) + len(settings.shares)) * settings.steps)


def cost(context: Context) -> int:
    """The trainings, and the images that are generated for them alone."""
    settings = context.options.benefit
    if context.obstacle or not isinstance(settings, BenefitSettings):
        return 0
    return round(STEP * n_steps(settings)) + _n_further(context, settings) // GENERATED_PER_STEP


def measure(context: Context) -> BenefitResult | Skipped:
    """The benefit of a run's images, or of a folder's; why not, where there are no classes to learn."""
    settings = context.options.benefit
    if context.obstacle:
        return Skipped(context.obstacle)
    if not isinstance(settings, BenefitSettings):
        return Skipped("it was not asked for.")
    pool, labels = context.synthetic.images, context.synthetic.labels
    further = _n_further(context, settings)
    if context.run is not None and further:
        more = generate(context.run, further, seed=POOL_SEED)
        pool, labels = np.concatenate([pool, more.images]), np.concatenate([labels, more.labels])
    chosen = first_of_each_class(labels, settings.wanted(len(context.train)))
    return measure_benefit(
        np.asarray(pool[chosen]),
        labels[chosen],
        context.train,
        context.test,
        settings,
        own=context.own,
        store=context.store,
        device=context.device,
        progress=context.stages["benefit"],
    )


def _n_further(context: Context, settings: BenefitSettings) -> int:
    """Images that a run generates for the benefit, besides those that utility is measured on."""
    return 0 if context.run is None else max(0, settings.wanted(len(context.train)) - context.options.n_synthetic)


def measure_benefit(
    synthetic: NDArray[np.uint8],
    labels: NDArray[np.int64],
    train: RadiographSet,
    test: RadiographSet,
    settings: BenefitSettings,
    *,
    own: bool | None = None,
    store: Path | None = None,
    device: str | torch.device | None = "auto",
    progress: Progress | None = None,
) -> BenefitResult:
    """Train all arms at all fractions, and test them on real patients that none has seen.

    Args:
        synthetic: (N, H, W) uint8; all are used by the arms that mix or pre-train.
        labels: (N,) positions in ``train.classes``.
        train: Real labelled images of the training patients.
        test: Real labelled images of other patients, of the same classes.
        settings: How.
        own: Whether the generator was trained on the patients of ``train``: then, at every fraction below 1, it has
            learned from patients that the classifier doesn't see. None: it isn't known which it has seen.
        store: Folder that keeps each training's predictions, so that an interrupted evaluation continues.
        device: Where classifiers are trained.
        progress: Called with (trainings done, trainings).

    Raises:
        SemirayError: The classifier can't be built.
    """
    laboratory = Laboratory(
        Labelled(np.asarray(train.images), train.labels),
        train.patients,
        Labelled(synthetic, labels),
        np.asarray(test.images),
        n_classes=len(train.classes),
        settings=settings,
        store=store,
        device=device,
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
    scores = {}
    for key, cell in cells.items():
        scored = score_predictions(
            [found[cell(seed)] for seed in range(settings.seeds)],
            test.labels,
            train.classes,
            bootstrap,
            n_train=int(key[1]) if key[0] == "only" else round(n_real[1.0 if key[0] == "mixing" else key[1]]),
            patients=test.patients,
        )
        scores[key] = replace(scored, confusion=(), reports=())  # of a hundred trainings they would fill the report
    arms = {arm: {f: scores[arm, f] for f in settings.fractions} for arm in ARMS}
    classical = arms["classical"]
    patients = [len(np.unique(train.patients[train.labels == k])) for k in range(len(train.classes))]
    return BenefitResult(
        arms=arms,
        synthetic_only={n: scores["only", n] for n in sizes},
        mixing={s: scores["mixing", s] for s in settings.shares} | {settings.share: arms["mixed"][1.0]},
        gains={arm: {f: difference_interval(arms[arm][f], classical[f]) for f in settings.fractions} for arm in USES},
        decisive={arm: difference_interval(arms[arm][1.0], classical[1.0], level=DECISIVE_LEVEL) for arm in USES},
        classes=train.classes,
        minority=train.classes[int(np.argmin(patients))],
        n_real=n_real,
        n_patients={f: float(np.mean([len(np.unique(train.patients[rows])) for rows in seen[f]])) for f in seen},
        n_synthetic=available,
        own=own,
        settings=settings,
    )


def _cells(
    settings: BenefitSettings, available: int, sizes: list[int]
) -> dict[tuple[str, float | int], Callable[[int], Training]]:
    """What is scored -> its training with a seed."""

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
