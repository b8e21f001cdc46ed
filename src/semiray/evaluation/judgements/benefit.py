"""Benefit: do synthetic images help a classifier more than anything that needs no generator, and how certain is that?

In fair comparisons, GAN augmentation often loses to rotations and shifts, and published gains to classical augmentation
that is trained as long, or to copies of real images (PMLR 318, 2026). So classifiers learn from the same real patients
in several ways (arms), several seeds each, each until its validation patients stop improving, and are tested on the
same held-out patients. Pre-training on synthetic images is what published work on chest X-rays finds their better use
(RoentGen-v2, arXiv 2508.16783); pseudo-labelling is the rival of a generator that learns from images without a label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
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
from semiray.radiographs.splits import split_ids

__all__ = ["BASELINES", "FIGURES", "PSEUDO", "USES", "BenefitResult", "Gain", "cost", "figures_of", "measure"]
__all__ += ["measure_benefit"]

BASELINES = ("real", "classical", "longer", "duplicated")
PSEUDO = "pseudo"
USES = ("mixed", "pretrained")  # of synthetic images together with real ones
# Two uses are compared with the baselines: each interval is wide enough that both hold together in about 95 of 100
# evaluations (Bonferroni).
DECISIVE_LEVEL = 1 - 0.05 / len(USES)
FIGURES = ("balanced_accuracy", "auroc", "minority_recall", "minority_average_precision")
UNEQUAL = 0.5  # where the smallest class has less than this share of the largest one's patients, it is looked at
STEP = 0.3  # what a step of these smaller trainings takes, in steps of utility's training
LASTING = 0.5  # of the ceiling: how long a training takes on average
HELD_BACK = (7 / 8, 0.0, 1 / 8)  # of the training patients, where a split has no validation patients of every class


@dataclass(frozen=True)
class Gain(Result):
    """What a use of synthetic images adds in one figure.

    Attributes:
        baseline: The arm of ``BASELINES`` that is best in this figure, on the test patients: it is favoured.
        difference: From that arm, paired, with the wider interval that decides.
        over_pseudo: From pseudo-labelling, likewise; None where all training images have a label.
    """

    baseline: str
    difference: Interval
    over_pseudo: Interval | None = None


@dataclass(frozen=True)
class BenefitResult(Result):
    """What each arm reached, on all training patients.

    Attributes:
        arms: Arm -> scores on the held-out patients.
        lasted: Arm -> batches that each of its trainings took.
        gains: Entry of ``FIGURES`` -> entry of ``USES`` -> gain; those of the minority only where classes are unequal.
        minority: The class with the fewest training patients.
        n_real: Labelled real training images.
        n_patients: Their patients.
        n_unlabelled: Training images without a label.
        n_unlabelled_patients: Patients none of whose training images has a label.
        n_validation: Labelled images that end the trainings.
        held_back: Whether these are of training patients, from whom nobody learns then.
        n_synthetic: Synthetic images to draw from.
        own: Whether the generator was trained on the same patients that classifiers are trained on; None: not known.
        thinned: Class -> share of its training patients that the generator and classifiers were left with.
    """

    arms: dict[str, ClassificationScores]
    lasted: dict[str, tuple[int, ...]]
    gains: dict[str, dict[str, Gain]]
    classes: tuple[str, ...]
    minority: str
    n_real: int
    n_patients: int
    n_unlabelled: int
    n_unlabelled_patients: int
    n_validation: int
    held_back: bool
    n_synthetic: int
    own: bool | None
    settings: BenefitSettings
    thinned: dict[str, float] = field(default_factory=dict)


def cost(context: Context) -> int:
    """The trainings, and the images that are generated for them alone."""
    settings = context.options.benefit
    if context.obstacle or not isinstance(settings, BenefitSettings):
        return 0
    trainings = 1 + len(_arms(settings, bool(len(context.unlabelled))))  # one goes on to twice the ceiling
    steps = settings.seeds * trainings * LASTING * settings.steps
    return round(STEP * steps) + _n_further(context, settings) // GENERATED_PER_STEP


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
    chosen = first_of_each_class(labels, settings.most_synthetic)
    return measure_benefit(
        np.asarray(pool[chosen]),
        labels[chosen],
        context.train,
        context.test,
        settings,
        validation=context.validation,
        unlabelled=context.real.take(context.unlabelled),
        own=context.own,
        thinned=context.run.settings.data.thin if context.run is not None and context.own else {},
        store=context.store,
        device=context.device,
        progress=context.stages["benefit"],
    )


def _n_further(context: Context, settings: BenefitSettings) -> int:
    """Images that a run generates for the benefit, so that there are no fewer than real ones."""
    wanted = min(len(context.train), settings.most_synthetic)
    return 0 if context.run is None else max(0, wanted - context.options.n_synthetic)


def measure_benefit(
    synthetic: NDArray[np.uint8],
    labels: NDArray[np.int64],
    train: RadiographSet,
    test: RadiographSet,
    settings: BenefitSettings,
    *,
    validation: RadiographSet | None = None,
    unlabelled: RadiographSet | None = None,
    own: bool | None = None,
    thinned: Mapping[str, float] | None = None,
    store: Path | None = None,
    device: str | torch.device | None = "auto",
    progress: Progress | None = None,
) -> BenefitResult:
    """Train all arms, and test them on real patients that none has seen.

    Args:
        synthetic: (N, H, W) uint8; all are used by the arms that mix or pre-train.
        labels: (N,) positions in ``train.classes``.
        train: Real labelled images of the training patients.
        test: Real labelled images of other patients, of the same classes.
        settings: How.
        validation: Real labelled images of further patients, on which trainings end; None holds back an eighth of
            ``train``, by patient.
        unlabelled: Real images of training patients whose label isn't known: pseudo-labelling learns from them.
        own: Whether the generator was trained on the patients of ``train``. None: it isn't known which it has seen.
        thinned: Class -> share of its training patients that was left, for the verdict.
        store: Folder that keeps each training's predictions, so that an interrupted evaluation continues.
        device: Where classifiers are trained.
        progress: Called with (trainings done, trainings).

    Raises:
        SemirayError: The classifier can't be built.
    """
    held_back = validation is None
    if validation is None:
        apart = split_ids(train.patients, train.labels, fractions=HELD_BACK)
        train, validation = train.take(apart.train), train.take(apart.test)
    unlabelled = test.take([]) if unlabelled is None else unlabelled
    laboratory = Laboratory(
        Labelled(np.asarray(train.images), train.labels),
        Labelled(np.asarray(validation.images), validation.labels),
        Labelled(synthetic, labels),
        np.asarray(unlabelled.images),
        np.asarray(test.images),
        n_classes=len(train.classes),
        settings=settings,
        store=store,
        device=device,
    )
    arms, seeds = _arms(settings, len(unlabelled) > 0), range(settings.seeds)
    found = laboratory.predict([arm(seed) for arm in arms.values() for seed in seeds], progress=progress)
    bootstrap = PatientBootstrap(test.patients, test.labels, n_seeds=len(seeds), resamples=settings.resamples, seed=0)
    scores = {}
    for name, arm in arms.items():
        scored = score_predictions(
            [found[arm(seed)].probabilities for seed in seeds],
            test.labels,
            train.classes,
            bootstrap,
            n_train=len(labels) if name == "synthetic" else len(train),
            patients=test.patients,
        )
        scores[name] = replace(scored, confusion=(), reports=())  # of forty trainings they would fill the report
    patients = [len(np.unique(train.patients[train.labels == k])) for k in range(len(train.classes))]
    minority = int(np.argmin(patients))
    figures = FIGURES if min(patients) < UNEQUAL * max(patients) else FIGURES[:2]
    return BenefitResult(
        arms=scores,
        lasted={name: tuple(found[arm(seed)].stopped.steps for seed in seeds) for name, arm in arms.items()},
        gains={name: _gains({arm: figures_of(one, minority)[name] for arm, one in scores.items()}) for name in figures},
        classes=train.classes,
        minority=train.classes[minority],
        n_real=len(train),
        n_patients=len(np.unique(train.patients)),
        n_unlabelled=len(unlabelled),
        n_unlabelled_patients=len(np.setdiff1d(unlabelled.patients, train.patients)),
        n_validation=len(validation),
        held_back=held_back,
        n_synthetic=len(labels),
        own=own,
        settings=settings,
        thinned=dict(thinned or {}),
    )


def figures_of(scores: ClassificationScores, minority: int) -> dict[str, Interval]:
    """The entries of ``FIGURES`` of one arm; ``minority`` is the position of that class."""
    rare = scores.per_class[minority]
    found = (scores.balanced_accuracy, scores.auroc, rare.recall_at_specificity, rare.average_precision)
    return dict(zip(FIGURES, found, strict=True))


def _gains(reached: Mapping[str, Interval]) -> dict[str, Gain]:
    """What each use adds to the best baseline, and to pseudo-labelling, in one figure of all arms."""
    best = max(BASELINES, key=lambda arm: reached[arm].mean)

    def gain(use: str, arm: str) -> Interval:
        return difference_interval(reached[use], reached[arm], level=DECISIVE_LEVEL)

    return {use: Gain(best, gain(use, best), gain(use, PSEUDO) if PSEUDO in reached else None) for use in USES}


def _arms(settings: BenefitSettings, unlabelled: bool) -> dict[str, Callable[[int], Training]]:
    """Arm -> its training with a seed."""
    share = settings.share
    arms: dict[str, Callable[[int], Training]] = {
        "real": lambda seed: Training(seed, augmented=False),
        "classical": Training,
        "longer": lambda seed: Training(seed, doubled=True),
        "duplicated": lambda seed: Training(seed, start=Training(seed)),
        PSEUDO: lambda seed: Training(seed, share, teacher=Training(seed)),
        "synthetic": lambda seed: Training(seed, 1.0),
        "mixed": lambda seed: Training(seed, share),
        "pretrained": lambda seed: Training(seed, start=Training(seed, 1.0)),
    }
    return arms if unlabelled else {name: arm for name, arm in arms.items() if name != PSEUDO}
