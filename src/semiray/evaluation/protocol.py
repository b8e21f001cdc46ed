"""The judgements in their order: which are made of a run, which of a folder of images, and on what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.evaluation.commitment import measure_commitment
from semiray.evaluation.concordance import measure_grounding
from semiray.evaluation.correlation import CorrelationResult, measure_correlation
from semiray.evaluation.effect import measure_effect
from semiray.evaluation.energy import EnergyResult, measure_energy
from semiray.evaluation.fidelity import FeatureSpace, FidelityResult, measure_fidelity
from semiray.evaluation.parts import (
    check_resolution,
    describe,
    is_phantom,
    labelled_parts,
    run_split,
    sample_images,
)
from semiray.evaluation.privacy import PrivacyResult, measure_privacy
from semiray.evaluation.probe import measure_probe
from semiray.evaluation.report import Report
from semiray.evaluation.shortcuts import ShortcutResult, measure_shortcuts
from semiray.evaluation.skipped import Skipped
from semiray.evaluation.sorting import measure_sorting
from semiray.evaluation.utility import UtilityResult, UtilitySettings, measure_utility
from semiray.generation import critic_logits, encode_scores, generate, traverse
from semiray.radiographs import RadiographSet, Split, split_without_copies

if TYPE_CHECKING:
    from semiray.priors import JointPrior
    from semiray.training.run import Run

__all__ = ["evaluate", "judge"]

Progress = Callable[[int, int], None] | None

# Seeds of what is generated here, away from the small numbers that people use.
TRAINING_SEED, FRESH_SEED = 730_001, 730_002
COMMITMENT_IMAGES = 2000
EFFECT_PATIENTS = 64
PERMUTATIONS = 999
GENERATED_A_STEP = 10  # images that count as one step of training in the progress
QUICK = UtilitySettings(seeds=1, steps=200, n_synthetic=1800, resamples=300)
QUICK_PROBE_STEPS = 200
PRIVACY_SHARE, SHORTCUTS_SHARE = 300, 40  # what they take, in steps of training, for the progress


def evaluate(
    run: Run,
    data: RadiographSet,
    out: Path | None,
    *,
    seeds: int = 3,
    steps: int = 600,
    batch: int = 96,
    n_synthetic: int = 6000,
    probe_steps: int = 600,
    quick: bool = False,
    real_images: bool = True,
    progress: Progress = None,
) -> Report:
    """Judges a trained run on real images: utility, commitment, sorting, grounding; writes the report.

    The run's own split decides: images of its test patients test, those of its training patients train the ceiling, and
    images that the split doesn't name are left out. Data of which the split names not one image is another data set: it
    is split by patient here, for the ceiling to be trained on it, and the generator has seen none of it.

    Args:
        run: A trained run.
        data: Real images at the run's resolution, read with the options that the run was trained with.
        out: Folder for report.json, report.html and figures/; None writes nothing.
        seeds: Trainings of the classifier a side.
        steps: Batches a training.
        batch: Images a batch.
        n_synthetic: Generated images for the classifier and the fresh probe to train on, classes in equal shares.
        probe_steps: Batches of 96 that the fresh probe is trained for.
        quick: At most 1 seed, 200 steps, 1,800 images: a first look, with wider error.
        real_images: False leaves every real image out of what is written.
        progress: Called with (done, total).

    Returns:
        The report; ``report.to_dict()`` is report.json. TRTR classifiers are kept in ``out/cache``.

    Raises:
        SemirayError: If resolution, classes or images don't match the run's.

    Example:
        ``evaluate(Run.load("RUN"), load_radiographs("DATA", resolution=64), Path("REPORT")).utility.ratio.mean``
    """
    settings = UtilitySettings(seeds, steps, batch, n_synthetic)
    if quick:
        settings = UtilitySettings(
            seeds=min(seeds, QUICK.seeds),
            steps=min(steps, QUICK.steps),
            batch=batch,
            n_synthetic=min(n_synthetic, QUICK.n_synthetic),
            resamples=QUICK.resamples,
        )
    check_resolution(data, run.resolution, f"The run {run.path}")
    split, own, notes = run_split(run, data)
    train, test, obstacle, more = labelled_parts(run.classes, data, split)
    notes += more
    reduced = 4 if quick else 1
    probe_steps = min(probe_steps, QUICK_PROBE_STEPS) if quick else probe_steps
    n_fresh, patients = COMMITMENT_IMAGES // reduced, EFFECT_PATIENTS // reduced
    stages = _Stages(
        progress,
        {
            "synthetic": settings.n_synthetic // GENERATED_A_STEP,
            "fresh": n_fresh // GENERATED_A_STEP,
            "probe": probe_steps,
            "effect": 2 * patients * run.prior.dimensions // GENERATED_A_STEP,
            "utility": 0 if obstacle else 2 * settings.seeds * settings.steps,
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
            store=None if out is None else Path(out) / "cache",
            progress=stages["utility"],
        )
    fidelity = _fidelity(utility, synthetic.images, synthetic.labels, test)
    privacy: PrivacyResult | Skipped = Skipped("these aren't the images that the generator was trained on.")
    if own:
        privacy = _privacy(run, synthetic.images, data, split, stages["privacy"])
    energy, correlation = _joint_sorting(scores, run.prior, held_out.patients, PERMUTATIONS // reduced)
    notes.append(run.meaning)
    report = Report(
        subject=Path(run.path).name or str(run.path),
        data=describe(held_out),
        phantom=is_phantom(data),
        utility=utility,
        samples=sample_images(run.classes, held_out, fresh.images, fresh.labels),
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
    if out is not None:
        report.write(out, real_images=real_images)
    return report


def judge(
    synthetic: RadiographSet,
    real: RadiographSet,
    out: Path | None,
    *,
    seeds: int = 3,
    steps: int = 600,
    batch: int = 96,
    split: Split | None = None,
    subject: str = "Synthetic images",
    real_images: bool = True,
    progress: Progress = None,
) -> Report:
    """Judges any folder of synthetic images a class, whoever generated them; writes the report.

    Utility, fidelity and shortcuts; privacy where it is known which real images trained the generator.

    Args:
        synthetic: Labelled synthetic images; all are trained on.
        real: Labelled real images of the same classes and resolution.
        out: Folder for report.json, report.html and figures/; None writes nothing.
        seeds: Trainings of the classifier a side.
        steps: Batches a training.
        batch: Images a batch.
        split: The real images' split; None draws one by patient (70 % train, 10 % unused, 20 % test, seed 0).
        subject: What to call the synthetic images in the report.
        real_images: False leaves every real image out of what is written.
        progress: Called with (done, total).

    Raises:
        SemirayError: If classes or resolutions differ, or a class is missing on a side.
    """
    settings = UtilitySettings(seeds, steps, batch, len(synthetic))
    check_resolution(real, int(synthetic.images.shape[1]), "The synthetic set")
    drawn = split_without_copies(real) if split is None else split
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
    stages = _Stages(
        progress,
        {
            "utility": 2 * settings.seeds * settings.steps,
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
        store=None if out is None else Path(out) / "cache",
        progress=stages["utility"],
    )
    fidelity = _fidelity(utility, labelled.images, labelled.labels, test)
    privacy: PrivacyResult | Skipped = Skipped("it isn't known which images the generator was trained on (--split).")
    if split is not None:
        privacy = _privacy(None, synthetic.images, real, split, stages["privacy"])
    report = Report(
        subject=subject,
        data=describe(test),
        phantom=is_phantom(real),
        utility=utility,
        samples=sample_images(train.classes, test, labelled.images, labelled.labels),
        fidelity=fidelity,
        privacy=privacy,
        shortcuts=_shortcuts(real, stages["shortcuts"]),
        notes=tuple(notes),
    )
    if out is not None:
        report.write(out, real_images=real_images)
    return report


class _Stages:
    """One progress over several stages of known sizes."""

    def __init__(self, progress: Progress, sizes: Mapping[str, int]) -> None:
        self.progress, self.sizes, self.total = progress, sizes, max(sum(sizes.values()), 1)

    def __getitem__(self, name: str) -> Callable[[int, int], None]:
        """The progress of one stage, whatever its own units are."""
        names = list(self.sizes)
        before, size = sum(self.sizes[other] for other in names[: names.index(name)]), self.sizes[name]

        def report(done: int, total: int) -> None:
            if self.progress is not None:
                self.progress(before + size * done // max(total, 1), self.total)

        return report


def _fidelity(
    utility: UtilityResult | Skipped, synthetic: NDArray[np.uint8], labels: NDArray[np.int64], test: RadiographSet
) -> FidelityResult | Skipped:
    """In the eyes of the classifier trained on real images, for which nothing need be fetched."""
    if isinstance(utility, Skipped):
        return utility
    return measure_fidelity(synthetic, labels, test, FeatureSpace("trtr", utility.judge.features))


def _privacy(
    run: Run | None,
    synthetic: NDArray[np.uint8],
    data: RadiographSet,
    split: Split,
    progress: Callable[[int, int], None],
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

    return measure_privacy(synthetic, train, held_out, critic=critic, progress=progress)


def _shortcuts(data: RadiographSet, progress: Callable[[int, int], None]) -> ShortcutResult | None:
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
