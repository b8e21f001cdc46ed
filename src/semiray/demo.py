"""The demo: assume, train, ask, look and prove on the phantom, whose factors are known, in a few minutes."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from semiray.errors import SemirayError

if TYPE_CHECKING:
    from semiray.evaluation import Results
    from semiray.radiographs import RadiographSet
    from semiray.training import TrainingReport

__all__ = ["EVENT", "make_phantoms", "plan", "run_demo"]

Progress = Callable[[int, int], None]
Watcher = Callable[["TrainingReport"], None]

EVENT = "survival == 1 and duration <= 14"
PHANTOM_PIXELS, TRAINED_PIXELS = 64, 32
SHORT = 4.0  # minutes below which the proof is a first look, too
OVERHEAD = 1.3  # minutes for rendering, generating, effects and figures
CLASSIFIER_STEPS = 600  # of one training of the proof's classifier
PROBE_STEPS = 300  # of the proof's probe, which cost what the classifier's cost
CAUTION = 1.25  # a measured step against the average of many


def _no_bar(_title: str) -> AbstractContextManager[Progress | None]:
    return nullcontext(None)


def run_demo(
    out: Path,
    *,
    minutes: float = 10.0,
    phantoms: int = 3000,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
    bar: Callable[[str], AbstractContextManager[Progress | None]] = _no_bar,
    watch: Callable[[], AbstractContextManager[Watcher | None]] = nullcontext,
) -> "Results":
    """Do all that semiray does, on phantoms, and write it below one folder.

    Args:
        out: a new or empty folder; gets prior.png, phantoms, run, synthetic, traversal.png and proof.
        minutes: for everything; how long the proof will take is measured first, and training gets the rest.
        phantoms: images to train and test on.
        seed: of the phantoms, the run and the images asked for.
        say: called with what happens next, a line at a time.
        bar: called with a title, gives a context with a function (done, total), or None for no progress.
        watch: called before training, gives a context with a function that takes a `TrainingReport`, or None.

    Returns:
        The report that lies in ``out/proof``.

    Raises:
        SemirayError: the folder is in use or can't be written.

    Example:
        ``run_demo(Path("demo")).utility.ratio.mean``
    """
    from semiray.evaluation import EvaluationOptions
    from semiray.generation import generate, traverse, write_images
    from semiray.priors import JointPrior
    from semiray.radiographs import load_radiographs
    from semiray.report import evaluate
    from semiray.settings import make_settings
    from semiray.training import train

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SemirayError(f"{out} is in use: remove it, or choose another folder with --out.")
    if not 0 < minutes < math.inf:
        raise SemirayError(f"--minutes {minutes:g}: must be a finite number above 0.")
    out.mkdir(parents=True, exist_ok=True)

    prior = JointPrior.default()
    names = ", ".join(f"{factor.name} ~ {factor.family}" for factor in prior.factors)
    say(f"Assume: {names}; {prior.dimensions} dimensions, tied by a Gaussian copula")
    prior.plot("pairs").savefig(out / "prior.png")

    say(f"Render {phantoms:,} phantoms: toy radiographs of three classes, whose factors obey that prior")
    with bar("Rendering") as show:
        make_phantoms(out / "phantoms", phantoms, resolution=PHANTOM_PIXELS, seed=seed, progress=show)
    data = load_radiographs(out / "phantoms", resolution=TRAINED_PIXELS, cache=out / "cache")

    budget, seeds = plan(minutes, _classifier_step_seconds(data) if minutes >= SHORT else 0.0)
    say(f"Train for {budget:.1f} minutes at {TRAINED_PIXELS} px: images and their class, no factor, are seen")
    settings = make_settings({"resolution": TRAINED_PIXELS, "minutes": budget, "seed": seed})
    with watch() as on_report:
        run = train(data, out / "run", settings, on_report=on_report)

    say(f"Ask: 600 images where {EVENT}")
    with bar("Generating") as show:
        write_images(generate(run, 600, where=EVENT, seed=seed, progress=show), out / "synthetic", run_name="demo")

    say("Look: the same patients while one factor at a time moves")
    traverse(run, seed=seed).savefig(out / "traversal.png")

    say("Prove: classifiers trained on generated images, tested on held-out patients")
    with bar("Proving") as show:
        short = EvaluationOptions(seeds=seeds, probe_steps=PROBE_STEPS, quick=minutes < SHORT, benefit=False)
        return evaluate(run, data, out / "proof", options=short, progress=show)


def plan(minutes: float, classifier_step_seconds: float) -> tuple[float, int]:
    """Divide the time: minutes of training, and trainings of the proof's classifier a side (3, or what fits).

    At least half of the time is for training.

    Example:
        >>> plan(10, 0.02)
        (7.07, 3)
        >>> plan(10, 0.08)
        (6.2, 1)
    """
    for seeds in (3, 2, 1):
        steps = 2 * seeds * CLASSIFIER_STEPS + PROBE_STEPS
        proof = steps * CAUTION * classifier_step_seconds / 60
        training = minutes - OVERHEAD - proof
        if training >= minutes / 2:
            return round(training, 2), seeds
    return minutes / 2, 1


def _classifier_step_seconds(data: "RadiographSet") -> float:
    """How long a step of the proof's classifier takes on this machine, after a warm-up."""
    from semiray.evaluation import train_classifier

    train_classifier(data.images, data.labels, n_classes=len(data.classes), seed=0, steps=5)
    started = time.perf_counter()
    train_classifier(data.images, data.labels, n_classes=len(data.classes), seed=0, steps=25)
    return (time.perf_counter() - started) / 25


def make_phantoms(out: Path, n: int, *, resolution: int = 64, seed: int = 0, progress: Progress | None = None) -> None:
    """Write ``n`` phantoms of three classes in equal shares, their factors drawn from the study's prior.

    Args:
        out: a new or empty folder; gets a folder of PNG files per class, and ``factors.csv`` with every factor.
        n: how many.
        resolution: side of the images in pixels, 16 to 1024.
        seed: the same seed gives the same images.
        progress: called with (rendered, n).

    Raises:
        SemirayError: the folder is in use or can't be written, or the resolution is out of range.

    Example:
        ``make_phantoms(Path("phantoms"), 3000)``
    """
    import torch

    from semiray.priors import JointPrior
    from semiray.radiographs.phantom.phantom import phantom_labels, render_phantoms, save_phantoms

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SemirayError(f"{out} exists and isn't an empty folder: choose another one for the phantoms.")
    prior = JointPrior.default()
    codes = prior.sample(n, torch.Generator().manual_seed(seed)).numpy()
    labels = phantom_labels(n, seed)
    images = render_phantoms(codes, labels, resolution, seed, progress=progress)
    save_phantoms(out, images, codes, labels, prior.names)
