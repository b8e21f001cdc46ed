"""What is compared with what: which images train, which test, and which questions can't be asked of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
from semiray.evaluation.probe import measure_probe
from semiray.evaluation.report import ImageSamples, Report
from semiray.evaluation.skipped import Skipped
from semiray.evaluation.sorting import measure_sorting
from semiray.evaluation.utility import UtilityResult, UtilitySettings, measure_utility
from semiray.generation import encode_scores, generate, traverse
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
SHOWN = 10
GENERATED_A_STEP = 10  # images that count as one step of training in the progress
QUICK = UtilitySettings(seeds=1, steps=200, n_synthetic=1800, resamples=300)
QUICK_PROBE_STEPS = 200


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
        progress: Called with (done, total).

    Returns:
        The report; ``report.to_dict()`` is report.json. TRTR predictions are kept in ``out/cache``.

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
    _check_resolution(data, run.resolution, f"The run {run.path}")
    split, notes = _run_split(run, data)
    train, test, obstacle, more = _labelled_parts(run.classes, data, split)
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
    energy, correlation = _joint_sorting(scores, run.prior, held_out.patients, PERMUTATIONS // reduced)
    notes.append(run.meaning)
    names = run.classes or ("",)
    report = Report(
        subject=Path(run.path).name or str(run.path),
        data=_describe(held_out),
        phantom=_is_phantom(data),
        utility=utility,
        samples=ImageSamples(
            names,
            tuple(_first(held_out.images, _positions(held_out, name)) for name in names),
            tuple(_first(fresh.images, fresh.labels == (k if run.classes else -1)) for k in range(len(names))),
        ),
        commitment=commitment,
        probe=probe,
        effect=effect,
        sorting=measure_sorting(scores, run.prior, held_out.patients),
        energy=energy,
        correlation=correlation,
        grounding=measure_grounding(run, held_out, scores),
        prior=run.prior,
        grounded=run.grounded,
        notes=tuple(notes),
        traversal=traverse(run, patients=1, steps=5, seed=FRESH_SEED),
    )
    if out is not None:
        report.write(out)
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
    progress: Progress = None,
) -> Report:
    """Judges any folder of synthetic images a class by its utility, whoever generated them; writes the report.

    Args:
        synthetic: Labelled synthetic images; all are trained on.
        real: Labelled real images of the same classes and resolution.
        out: Folder for report.json, report.html and figures/; None writes nothing.
        seeds: Trainings of the classifier a side.
        steps: Batches a training.
        batch: Images a batch.
        split: The real images' split; None draws one by patient (70 % train, 10 % unused, 20 % test, seed 0).
        subject: What to call the synthetic images in the report.
        progress: Called with (done, total).

    Raises:
        SemirayError: If classes or resolutions differ, or a class is missing on a side.
    """
    settings = UtilitySettings(seeds, steps, batch, len(synthetic))
    _check_resolution(real, int(synthetic.images.shape[1]), "The synthetic set")
    drawn = split_without_copies(real) if split is None else split
    train, test, obstacle, notes = _labelled_parts(synthetic.classes, real, drawn)
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
    utility = measure_utility(
        labelled.images,
        labelled.labels,
        train,
        test,
        settings,
        store=None if out is None else Path(out) / "cache",
        progress=progress,
    )
    report = Report(
        subject=subject,
        data=_describe(test),
        phantom=_is_phantom(real),
        utility=utility,
        samples=ImageSamples(
            train.classes,
            tuple(_first(test.images, test.labels == k) for k in range(len(train.classes))),
            tuple(_first(labelled.images, labelled.labels == k) for k in range(len(train.classes))),
        ),
        notes=tuple(notes),
    )
    if out is not None:
        report.write(out)
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


def _run_split(run: Run, data: RadiographSet) -> tuple[Split, list[str]]:
    """The run's split of its own data, or a fresh one of another data set."""
    path = Path(run.path) / "split.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = {str(key) for part in ("train", "validation", "test") for key in content[part]}
    except OSError as error:
        raise SemirayError(f"{path}: the run's split can't be read ({error.strerror or error}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SemirayError(f"{path}: this isn't a split; without it no image is known to be held out.") from error
    named = known & set(data.keys)
    if not named:
        files = {Path(key).name for key in known}
        alike = sum(Path(key).name in files for key in data.keys)
        if alike > len(data) / 2:
            raise SemirayError(
                f"{alike:,} of the {len(data):,} images have the file names of the run's own, in other folders. Give "
                "DATA as it was given for training, so that it is known which patients are held out; if they are other "
                "images indeed, rename them, or judge generated images with `semiray judge`."
            )
        note = (
            "The run's split names none of these images: this is another data set than the run was trained on. It was "
            "split by patient here (70 % train the ceiling, 20 % test, seed 0)."
        )
        return split_without_copies(data), [note]
    split = Split.load(path, data.keys)
    if not len(split.test):
        raise SemirayError(f"{path}: the split has no test image; evaluate on another data set.")
    added = len(data) - len(named)
    notes = [f"{added:,} images that the run's split doesn't name were left out."] if added else []
    if not added and run.data.get("fingerprint", data.fingerprint) != data.fingerprint:
        notes.append(
            "The images have the names that the run was trained on, but not the same content, labels or framing: their "
            "files or the options that they were read with have changed."
        )
    return split, notes


def _labelled_parts(
    classes: Sequence[str], data: RadiographSet, split: Split
) -> tuple[RadiographSet, RadiographSet, str, list[str]]:
    """Real training and test images in the order of ``classes``; why utility can't be measured, if so; notes."""
    train, test = data.take(split.train), data.take(split.test)
    if not classes:
        return train, test, "The generator knows no classes, so that a classifier has nothing to learn from it.", []
    if not data.classes:
        return train, test, "The real images have no labels, so that a classifier can't be tested on them.", []
    if set(classes) != set(data.classes):
        raise SemirayError(
            f"The synthetic images' classes are {', '.join(classes)}; the real data's are {', '.join(data.classes)}. "
            "Read the real data with the same labels (--label-from, --classes)."
        )
    if len(classes) < 2:
        return train, test, f"There is one class ({classes[0]}): nothing to tell apart.", []
    notes = []
    unlabelled = int((train.labels < 0).sum() + (test.labels < 0).sum())
    if unlabelled:
        notes.append(f"{unlabelled:,} real images without a label were left out of utility.")
    order = np.array([list(classes).index(name) for name in data.classes], np.int64)
    parts = []
    for part, name in ((train, "training"), (test, "test")):
        labelled = part.take(np.flatnonzero(part.labels >= 0))
        labels = order[labelled.labels]
        absent = [c for k, c in enumerate(classes) if not (labels == k).any()]
        if absent:
            return train, test, f"Among the real {name} patients nobody has {', '.join(absent)}.", notes
        parts.append(replace(labelled, labels=labels, classes=tuple(classes)))
    return parts[0], parts[1], "", notes


def _check_resolution(data: RadiographSet, resolution: int, who: str) -> None:
    if not len(data):
        raise SemirayError("There is no real image to judge on.")
    if data.images.shape[1] != resolution:
        raise SemirayError(
            f"{who} has images of {resolution} px, the real data was loaded at {data.images.shape[1]} px: "
            f"load it with resolution={resolution}."
        )


def _is_phantom(data: RadiographSet) -> bool:
    """Whether all images bear the names that `save_phantoms` gives."""
    return bool(data.keys) and all(Path(key).name.startswith("phantom_") for key in data.keys)


def _positions(data: RadiographSet, name: str) -> NDArray[np.bool_]:
    if not name:
        return np.ones(len(data), bool)
    return data.labels == data.classes.index(name) if name in data.classes else np.zeros(len(data), bool)


def _first(images: NDArray[np.uint8], chosen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A few of the chosen images, evenly through the set, so that one patient's series doesn't fill the row."""
    places = np.flatnonzero(chosen)
    places = (
        places[np.linspace(0, len(places) - 1, min(SHOWN, len(places))).astype(np.int64)] if len(places) else places
    )
    return np.asarray(images[places])


def _describe(data: RadiographSet) -> str:
    if _is_phantom(data):
        return f"{len(data):,} held-out phantom images"
    return f"{len(data):,} held-out real images of {len(np.unique(data.patients)):,} patients"
