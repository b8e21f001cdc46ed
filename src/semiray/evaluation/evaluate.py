"""The judgements in their order: which are made of a run, which of a folder of images, and on what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.evaluation.judgements.benefit import BenefitResult, BenefitSettings, measure_benefit
from semiray.evaluation.judgements.benefit_trainings import first_of_each_class
from semiray.evaluation.judgements.commitment import measure_commitment
from semiray.evaluation.judgements.correlation import CorrelationResult, measure_correlation
from semiray.evaluation.judgements.effect import measure_effect
from semiray.evaluation.judgements.energy import EnergyResult, measure_energy
from semiray.evaluation.judgements.fidelity import FeatureSpace, FidelityResult, measure_fidelity
from semiray.evaluation.judgements.grounding import measure_grounding
from semiray.evaluation.judgements.privacy import PrivacyResult, measure_privacy
from semiray.evaluation.judgements.probe import measure_probe
from semiray.evaluation.judgements.shortcuts import ShortcutResult, measure_shortcuts
from semiray.evaluation.judgements.sorting import measure_sorting
from semiray.evaluation.judgements.utility import UtilityResult, UtilitySettings, measure_utility
from semiray.evaluation.judges.feature_spaces import check_space
from semiray.evaluation.progress import Stages
from semiray.evaluation.results import Results
from semiray.evaluation.sides import (
    check_resolution,
    describe,
    is_phantom,
    labelled_parts,
    match_labels,
    run_split,
    sample_images,
)
from semiray.evaluation.skipped import Skipped
from semiray.generation import critic_logits, encode_scores, generate, traverse
from semiray.radiographs import ImageArray, RadiographSet, Split, split_by_patient

if TYPE_CHECKING:
    from semiray.priors import JointPrior
    from semiray.training.run import Run

__all__ = ["measure_run", "measure_set"]

Progress = Callable[[int, int], None] | None

# Seeds of what is generated here, away from the small numbers that people use.
TRAINING_SEED, FRESH_SEED, POOL_SEED = 730_001, 730_002, 730_003
COMMITMENT_IMAGES = 2000
EFFECT_PATIENTS = 64
PERMUTATIONS = 999
GENERATED_A_STEP = 10  # images that count as one step of training in the progress
QUICK_PROBE_STEPS = 200
PRIVACY_SHARE, SHORTCUTS_SHARE = 300, 40  # what they take, in steps of training, for the progress
BENEFIT_SHARE = 0.3  # of a step: what a step of the benefit's smaller trainings takes
NOT_ASKED = Skipped("it was not asked for.")


def measure_run(
    run: Run,
    data: RadiographSet[ImageArray],
    *,
    store: Path | None = None,
    seeds: int = 3,
    steps: int = 600,
    batch: int = 96,
    n_synthetic: int = 6000,
    probe_steps: int = 600,
    benefit: BenefitSettings | None = None,
    quick: bool = False,
    space: FeatureSpace | None = None,
    progress: Progress = None,
) -> Results:
    """Judges a trained run on real images: utility, benefit, commitment, sorting, grounding.

    The run's own split decides: images of its test patients test, those of its training patients train the ceiling, and
    images that the split doesn't name are left out. Data of which the split names not one image is another data set: it
    is split by patient here, for the ceiling to be trained on it, and the generator has seen none of it.

    Args:
        run: A trained run.
        data: Real images at the run's resolution, read with the options that the run was trained with.
        store: Folder that keeps trained classifiers and what the benefit's predict; None keeps nothing.
        seeds: Trainings of the classifier a side.
        steps: Batches a training.
        batch: Images a batch.
        n_synthetic: Generated images for the classifier and the fresh probe to train on, classes in equal shares.
        probe_steps: Batches of 96 that the fresh probe is trained for.
        benefit: How to measure what synthetic images add to classical augmentation; None leaves it out.
        quick: At most 1 seed, 200 steps, 1,800 images: a first look, with wider error. Of the benefit: QUICK_BENEFIT.
        space: Where fidelity and authenticity are measured, by `feature_space`; None: the classifier of TRTR.
        progress: Called with (done, total).

    Returns:
        The report; ``report.to_dict()`` is report.json. Classifiers, and what the benefit's predict, are kept in
        ``out/cache``: called again after it was killed, it goes on there.

    Raises:
        SemirayError: If resolution, classes or images don't match the run's.

    Example:
        ``evaluate(Run.load("RUN"), load_radiographs("DATA", resolution=64), Path("REPORT")).utility.ratio.mean``
    """
    settings = UtilitySettings(seeds, steps, batch, n_synthetic)
    settings = settings.quick() if quick else settings
    check_resolution(data, run.resolution, f"The run {run.path}")
    _check_networks(space, benefit, data)
    split, own, notes = run_split(run, data)
    train, test, obstacle, more = labelled_parts(run.classes, data, split)
    notes += more
    reduced = 4 if quick else 1
    probe_steps = min(probe_steps, QUICK_PROBE_STEPS) if quick else probe_steps
    extra = 0 if obstacle or benefit is None else max(0, benefit.wanted(len(train)) - settings.n_synthetic)
    n_fresh, patients = COMMITMENT_IMAGES // reduced, EFFECT_PATIENTS // reduced
    stages = Stages(
        progress,
        {
            "synthetic": settings.n_synthetic // GENERATED_A_STEP,
            "fresh": n_fresh // GENERATED_A_STEP,
            "probe": probe_steps,
            "effect": 2 * patients * run.prior.dimensions // GENERATED_A_STEP,
            "utility": 0 if obstacle else 2 * settings.seeds * settings.steps,
            "pool": extra // GENERATED_A_STEP,
            "benefit": 0 if obstacle or benefit is None else round(BENEFIT_SHARE * benefit.size),
            "privacy": PRIVACY_SHARE if own else 0,
            "shortcuts": SHORTCUTS_SHARE * len(data.classes),
        },
    )
    synthetic = generate(run, settings.n_synthetic, seed=TRAINING_SEED, progress=stages["synthetic"])
    fresh = generate(run, n_fresh, seed=FRESH_SEED, progress=stages["fresh"])
    read = run.prior.codes(torch.from_numpy(encode_scores(run, fresh.images))).float().numpy()
    held_out = data.take(split.test)
    scores = encode_scores(run, held_out.images)
    commitment = measure_commitment(fresh.codes, read, run.prior.names, run.prior.discrete.numpy())
    probe = measure_probe(
        synthetic.images,
        synthetic.codes,
        fresh.images,
        fresh.codes,
        run.prior,
        steps=probe_steps,
        progress=stages["probe"],
    )
    effect = measure_effect(run, patients=patients, seed=FRESH_SEED, progress=stages["effect"])
    utility: UtilityResult | Skipped = Skipped(obstacle)
    if not obstacle:
        utility = measure_utility(
            synthetic.images,
            synthetic.labels,
            train,
            test,
            settings,
            store=store,
            progress=stages["utility"],
        )
    gain: BenefitResult | Skipped = Skipped(obstacle) if obstacle else NOT_ASKED
    if benefit is not None and not obstacle:
        pool, drawn = synthetic.images, synthetic.labels
        if extra:
            further = generate(run, extra, seed=POOL_SEED, progress=stages["pool"])
            pool, drawn = np.concatenate([pool, further.images]), np.concatenate([drawn, further.labels])
        chosen = first_of_each_class(drawn, benefit.wanted(len(train)))
        gain = measure_benefit(
            pool[chosen],
            drawn[chosen],
            train,
            test,
            benefit,
            own=own,
            store=store,
            progress=stages["benefit"],
        )
    space = space or _judges_space(utility)
    fidelity = _fidelity(space, utility, synthetic.images, synthetic.labels, test)
    privacy: PrivacyResult | Skipped = Skipped("these aren't the images that the generator was trained on.")
    if own:
        labels = match_labels(run.classes, data.classes, synthetic.labels)
        privacy = _privacy(run, synthetic.images, data, split, stages["privacy"], labels=labels, space=space)
    energy, correlation = _joint_sorting(scores, run.prior, held_out.patients, PERMUTATIONS // reduced)
    notes.append(run.meaning)
    return Results(
        subject=Path(run.path).name or str(run.path),
        data=describe(held_out),
        phantom=is_phantom(data),
        utility=utility,
        samples=sample_images(run.classes, held_out, fresh.images, fresh.labels),
        benefit=gain,
        commitment=commitment,
        probe=probe,
        effect=effect,
        sorting=measure_sorting(scores, run.prior, held_out.patients),
        energy=energy,
        correlation=correlation,
        grounding=measure_grounding(run, held_out, scores),
        fidelity=fidelity,
        privacy=privacy,
        shortcuts=_shortcuts(data, stages["shortcuts"]),
        prior=run.prior,
        grounded=run.grounded,
        notes=tuple(notes),
        traversal=traverse(run, patients=1, steps=5, seed=FRESH_SEED),
    )


def measure_set(
    synthetic: RadiographSet[ImageArray],
    real: RadiographSet[ImageArray],
    *,
    store: Path | None = None,
    seeds: int = 3,
    steps: int = 600,
    batch: int = 96,
    split: Split | None = None,
    benefit: BenefitSettings | None = None,
    quick: bool = False,
    subject: str = "Synthetic images",
    space: FeatureSpace | None = None,
    progress: Progress = None,
) -> Results:
    """Judges any folder of synthetic images a class, whoever generated them.

    Utility, benefit, fidelity and shortcuts; privacy where it is known which real images trained the generator.

    Args:
        synthetic: Labelled synthetic images; all are trained on.
        real: Labelled real images of the same classes and resolution.
        store: Folder that keeps trained classifiers and what the benefit's predict; None keeps nothing.
        seeds: Trainings of the classifier a side.
        steps: Batches a training.
        batch: Images a batch.
        split: The real images' split; None draws one by patient (70 % train, 10 % unused, 20 % test, seed 0).
        benefit: How to measure what the images add to classical augmentation; None leaves it out.
        quick: At most 1 seed and 200 steps: a first look, with wider error.
        subject: What to call the synthetic images in the report.
        space: Where fidelity and authenticity are measured, by `feature_space`; None: the classifier of TRTR.
        progress: Called with (done, total).

    Raises:
        SemirayError: If classes or resolutions differ, or a class is missing on a side.
    """
    settings = UtilitySettings(seeds, steps, batch, len(synthetic))
    settings = settings.quick() if quick else settings
    check_resolution(real, int(synthetic.images.shape[1]), "The synthetic set")
    _check_networks(space, benefit, real)
    drawn = split_by_patient(real) if split is None else split
    train, test, obstacle, notes = labelled_parts(synthetic.classes, real, drawn)
    if obstacle:
        raise SemirayError(obstacle)
    labelled = synthetic.take(np.flatnonzero(synthetic.labels >= 0))
    if len(labelled) < len(synthetic):
        notes.append(f"{len(synthetic) - len(labelled):,} synthetic images without a label were left out.")
    if split is None:
        notes.append(
            "Which real images the generator was trained on isn't known here. If it has seen the test patients, the "
            "figures flatter it."
        )
    stages = Stages(
        progress,
        {
            "utility": 2 * settings.seeds * settings.steps,
            "benefit": 0 if benefit is None else round(BENEFIT_SHARE * benefit.size),
            "privacy": 0 if split is None else PRIVACY_SHARE,
            "shortcuts": SHORTCUTS_SHARE * len(real.classes),
        },
    )
    utility = measure_utility(
        labelled.images,
        labelled.labels,
        train,
        test,
        settings,
        store=store,
        progress=stages["utility"],
    )
    gain: BenefitResult | Skipped = NOT_ASKED
    if benefit is not None:
        chosen = first_of_each_class(labelled.labels, benefit.wanted(len(train)))
        gain = measure_benefit(
            np.asarray(labelled.images[chosen]),
            labelled.labels[chosen],
            train,
            test,
            benefit,
            own=True if split is not None else None,
            store=store,
            progress=stages["benefit"],
        )
    space = space or _judges_space(utility)
    fidelity = _fidelity(space, utility, labelled.images, labelled.labels, test)
    privacy: PrivacyResult | Skipped = Skipped("it isn't known which images the generator was trained on (--split).")
    if split is not None:
        labels = match_labels(synthetic.classes, real.classes, synthetic.labels)
        privacy = _privacy(
            None, np.asarray(synthetic.images), real, split, stages["privacy"], labels=labels, space=space
        )
    return Results(
        subject=subject,
        data=describe(test),
        phantom=is_phantom(real),
        utility=utility,
        samples=sample_images(train.classes, test, labelled.images, labelled.labels),
        benefit=gain,
        fidelity=fidelity,
        privacy=privacy,
        shortcuts=_shortcuts(real, stages["shortcuts"]),
        notes=tuple(notes),
    )


def _check_networks(
    space: FeatureSpace | None, benefit: BenefitSettings | None, data: RadiographSet[ImageArray]
) -> None:
    """What can't be built, or makes no features of such images, is told before the long work."""
    if space is not None:
        check_space(space, data.images[:2])
    if benefit is not None:
        benefit.architecture.check(max(len(data.classes), 2), data.images.shape[1])


def _judges_space(utility: UtilityResult | Skipped) -> FeatureSpace | None:
    """The eyes of the classifier trained on real images, for which nothing need be fetched."""
    return None if isinstance(utility, Skipped) else FeatureSpace("trtr", utility.judge.features)


def _fidelity(
    space: FeatureSpace | None,
    utility: UtilityResult | Skipped,
    synthetic: NDArray[np.uint8],
    labels: NDArray[np.int64],
    test: RadiographSet,
) -> FidelityResult | Skipped:
    """In the space that was named, or the judge's; why not, where there is neither."""
    if space is None and isinstance(utility, Skipped):
        return utility
    assert space is not None
    if isinstance(utility, Skipped):  # sides whose classes can't be matched are compared as a whole
        labels, test = np.full(len(synthetic), -1), replace(test, labels=np.full(len(test), -1))
    return measure_fidelity(synthetic, labels, test, space)


def _privacy(
    run: Run | None,
    synthetic: NDArray[np.uint8],
    data: RadiographSet[ImageArray],
    split: Split,
    progress: Callable[[int, int], None],
    *,
    labels: NDArray[np.int64] | None = None,
    space: FeatureSpace | None = None,
) -> PrivacyResult | Skipped:
    """What synthetic images, and a run's critic, tell of the patients trained on, or why that can't be said."""
    train, held_out = (data.take(data.labelled(rows)) for rows in (split.train, split.test))
    if len(np.unique(train.patients)) < 2 or not len(held_out):
        return Skipped("it takes two training patients and one who is held out.")
    if np.isin(held_out.patients, train.patients).any():
        return Skipped("some held-out patients have images among those trained on.")
    critic = None
    if run is not None and (data.classes or not run.classes):
        known = run.classes or data.classes  # a critic without classes ignores them
        places = np.array([known.index(name) for name in data.classes] or [0], np.int64)

        def critic(side: RadiographSet) -> NDArray[np.float32]:
            return critic_logits(run, side.images, places[side.labels])

    return measure_privacy(synthetic, train, held_out, critic=critic, labels=labels, space=space, progress=progress)


def _shortcuts(data: RadiographSet[ImageArray], progress: Callable[[int, int], None]) -> ShortcutResult | None:
    if len(data.classes) < 2:
        return None
    return measure_shortcuts(data.images, data.labels, data.classes, data.patients, progress=progress)


def _joint_sorting(
    scores: NDArray[np.float32], prior: JointPrior, patients: NDArray[np.str_], permutations: int
) -> tuple[EnergyResult | Skipped, CorrelationResult | Skipped]:
    """All dimensions of held-out images' scores together, or why they are too few."""
    energy: EnergyResult | Skipped = Skipped("there is one held-out patient only.")
    if len(np.unique(patients)) > 1:
        energy = measure_energy(scores, prior, patients, permutations=permutations)
    if prior.dimensions < 2:
        return energy, Skipped("the prior has one dimension.")
    if len(scores) < 3:
        return energy, Skipped(f"there are {len(scores)} held-out images only.")
    return energy, measure_correlation(scores, prior, patients)
