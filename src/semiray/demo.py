"""The demo: what a trained run can, then assume, train, generate, look and measure, on phantoms, in a few minutes."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.files import check_unused, user_path

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from semiray.evaluation import Results
    from semiray.radiographs import ImageArray, RadiographSet
    from semiray.training import TrainingReport

__all__ = ["EVENT", "FINDINGS", "make_finding_phantoms", "make_phantoms", "plan", "run_demo"]

Progress = Callable[[int, int], None]
Watcher = Callable[["TrainingReport"], None]

EVENT = "survival == 1 and duration <= 14"
FINDINGS = {"effusion": 0.3, "haze": 0.4, "lobar opacity": 0.3, "density": 0.2}
"""How many of the phantoms of findings have each."""
FINDING_PAIRS = (("effusion", "haze", 0.5), ("effusion", "lobar opacity", 0.3), ("haze", "density", -0.3))

PHANTOM_PIXELS, TRAINED_PIXELS = 64, 32
TRAINED = "kermany-64"  # the run that is shown first, if it comes with this installation
SHOWN = 60  # of its images
FULL = 10.0  # minutes of the whole demo
QUICK = 8.0  # minutes below which the evaluation is a quick one
INSTANT = 1.0  # minutes below which the time for measuring isn't estimated
OVERHEAD = 1.3  # minutes for rendering, generating, effects and figures
CLASSIFIER_STEPS = 600  # per training of the classifier
PROBE_STEPS = 300  # a step of the probe takes as long as one of the classifier
CAUTION = 1.25  # the average of many steps, relative to a measured one


def run_demo(
    out: Path | str,
    *,
    minutes: float = 4.0,
    phantoms: int = 3000,
    seed: int = 0,
    device: "torch.device | str | None" = "auto",
    say: Callable[[str], None] = lambda _: None,
    bar: Callable[[str], AbstractContextManager[Progress | None]] = lambda _: nullcontext(),
    watch: Callable[[], AbstractContextManager[Watcher | None]] = nullcontext,
    **measuring: Any,
) -> "Results":
    """Show a trained run, then do everything that semiray does, on phantoms, and write it into one folder.

    Args:
        out: a new or empty folder; gets trained (what a run that comes with semiray generates), prior.png, phantoms,
            run, synthetic, traversal.png and proof.
        minutes: for the phantoms; the time for measuring is estimated first, and training gets the rest.
        phantoms: number of images to train and test on.
        seed: of the phantoms, the run and the generated images.
        device: where to compute, as for `choose_device`.
        say: called with what happens next, one line at a time.
        bar: called with a title, gives a context with a function (done, total), or None for no progress.
        watch: called before training, gives a context with a function that takes a `TrainingReport`, or None.
        measuring: options of `evaluate` that replace the demo's.

    Returns:
        The results that the report in ``out/proof`` shows.
    """
    from semiray.evaluation import EvaluationOptions
    from semiray.generation import generate, traverse, write_images
    from semiray.priors import JointPrior
    from semiray.radiographs import load_radiographs
    from semiray.report import evaluate
    from semiray.training import train

    out = user_path(out)
    if not 0 < minutes < math.inf:
        raise SemirayError(f"minutes={minutes:g}: must be a finite number above 0.")
    check_unused(out)
    out.mkdir(parents=True, exist_ok=True)
    show_trained(out / "trained", seed=seed, device=device, say=say, bar=bar)

    prior = JointPrior.default()
    names = ", ".join(f"{factor.name} ~ {factor.family}" for factor in prior.factors)
    say(f"Assume: {names}; {prior.dimensions} dimensions, joined by a Gaussian copula")
    prior.plot("pairs").savefig(out / "prior.png")

    say(f"Render {phantoms:,} phantoms: toy radiographs of three classes, whose factors follow that prior")
    with bar("Rendering") as show:
        make_phantoms(out / "phantoms", phantoms, resolution=PHANTOM_PIXELS, seed=seed, progress=show)
    data = load_radiographs(out / "phantoms", resolution=TRAINED_PIXELS, cache=out / "cache")

    quick = minutes < QUICK
    budget, seeds = plan(minutes, 0.0 if minutes < INSTANT else _classifier_step_seconds(data))
    say(f"Train for {budget:.1f} minutes at {TRAINED_PIXELS} px: on images and their classes, without any factor")
    with watch() as on_report:
        run = train(data, out / "run", minutes=budget, seed=seed, device=device, on_report=on_report)

    say(f"Ask: 600 images where {EVENT}")
    with bar("Generating") as show:
        write_images(generate(run, 600, where=EVENT, seed=seed, progress=show), out / "synthetic", run_name="demo")

    say("Look: the same patients while one factor at a time changes")
    traverse(run, seed=seed).savefig(out / "traversal.png")

    say("Prove: classifiers trained on generated images, tested on held-out patients")
    with bar("Evaluating") as show:
        short = EvaluationOptions(seeds=seeds, probe_steps=PROBE_STEPS, quick=quick, benefit=False, device=device)
        return evaluate(run, data, out / "proof", options=short, progress=show, **measuring)


def show_trained(
    out: Path,
    *,
    seed: int = 0,
    device: "torch.device | str | None" = "auto",
    say: Callable[[str], None] = lambda _: None,
    bar: Callable[[str], AbstractContextManager[Progress | None]] = lambda _: nullcontext(),
) -> None:
    """Write images under an event and a traversal of a run that comes with semiray, if there is one, and say how.

    Args:
        out: a new folder; gets synthetic and traversal.png.
        seed: of the images.
        device: as for `run_demo`.
        say: as for `run_demo`.
        bar: as for `run_demo`.
    """
    from semiray.generation import generate, traverse, write_images
    from semiray.pretrained import shipped_runs
    from semiray.training import Run

    found = shipped_runs()
    if not found:
        say("No trained run comes with this installation: the demo trains one")
        return
    name = TRAINED if TRAINED in found else next(iter(found))
    run = Run.load(found[name], device)
    say(f"Ask {name}, a run that was trained before: {SHOWN} images where {EVENT}")
    with bar("Generating") as show:
        write_images(generate(run, SHOWN, where=EVENT, seed=seed, progress=show), out / "synthetic", run_name=name)
    traverse(run, patients=1, seed=seed).savefig(out / "traversal.png")
    say(f"Look at {out / 'traversal.png'}: the same patients while one factor at a time changes. {run.meaning}")
    say(f"Play with it in a browser, now or later, in another terminal: semiray explore {name}")


def plan(minutes: float, classifier_step_seconds: float) -> tuple[float, int]:
    """Divide the time: minutes of training, and trainings of the classifier per side (3, or as many as fit).

    Training gets at least half of the time.

    Examples:
        >>> plan(10, 0.02)
        (7.07, 3)
        >>> plan(10, 0.08)
        (6.2, 1)
    """
    for seeds in (3, 2, 1):
        steps = 2 * seeds * CLASSIFIER_STEPS + PROBE_STEPS
        training = minutes - OVERHEAD - steps * CAUTION * classifier_step_seconds / 60
        if training >= minutes / 2:
            return round(training, 2), seeds
    return minutes / 2, 1


def _classifier_step_seconds(data: "RadiographSet[ImageArray]") -> float:
    """Seconds per step of the classifier on this machine, after a warm-up."""
    import numpy as np

    from semiray.evaluation import train_classifier

    images = np.asarray(data.images)
    train_classifier(images, data.labels, n_classes=len(data.classes), seed=0, steps=5)
    started = time.perf_counter()
    train_classifier(images, data.labels, n_classes=len(data.classes), seed=0, steps=25)
    return (time.perf_counter() - started) / 25


def make_phantoms(
    out: Path | str, n: int, *, resolution: int = 64, seed: int = 0, progress: Progress | None = None
) -> None:
    """Write ``n`` phantoms of three classes in equal shares, with factors drawn from the study's prior.

    Args:
        out: a new or empty folder; gets a folder of PNG files per class, and ``factors.csv`` with every factor.
        n: number of phantoms.
        resolution: side of the images in pixels, 16 to 1024.
        seed: the same seed gives the same images.
        progress: called with (rendered, n).

    Raises:
        SemirayError: the folder is in use or can't be written, or the resolution is out of range.

    Examples:
        ``make_phantoms("phantoms", 3000)``
    """
    import torch

    from semiray.priors import JointPrior
    from semiray.radiographs.phantom import phantom_labels, render_phantoms, save_phantoms

    out = user_path(out)
    check_unused(out)
    _check_phantoms(n, resolution, seed)
    prior = JointPrior.default()
    codes = prior.sample(n, torch.Generator().manual_seed(seed)).numpy()
    labels = phantom_labels(n, seed)
    images = render_phantoms(codes, labels, resolution, seed, progress=progress)
    save_phantoms(out, images, codes, labels, prior.names)


def make_finding_phantoms(
    out: Path | str,
    n: int,
    *,
    resolution: int = 64,
    seed: int = 0,
    blanks: float = 0.0,
    disagreement: float = 0.0,
    progress: Progress | None = None,
) -> None:
    """Write ``n`` phantoms of findings, whose rates are `FINDINGS`; arguments and errors as for `make_phantoms`.

    Args:
        out: a new or empty folder; gets a folder of PNG files, and ``findings.csv``.
        n: number of phantoms.
        resolution: side of the images in pixels.
        seed: the same seed gives the same images.
        blanks: share of the table's cells that are empty.
        disagreement: share of the cells in which a second reader writes the contrary; 0: there is one reader.
        progress: called with (rendered, n).
    """
    from semiray.radiographs.phantom import read_findings, render_findings, save_findings

    out = user_path(out)
    check_unused(out)
    codes, findings = draw_findings(n, resolution, seed)
    readings = read_findings(findings, blanks=blanks, disagreement=disagreement, seed=seed)
    images = render_findings(codes, findings, resolution, seed, progress=progress)
    save_findings(out, images, findings, readings)


def draw_findings(n: int, resolution: int, seed: int) -> tuple["NDArray[np.float32]", "NDArray[np.float32]"]:
    """Codes (n, 20) and findings (n, 4) of phantoms of this side."""
    import torch

    from semiray.priors import Factor, JointPrior
    from semiray.priors.grounding.findings import factor_name

    _check_phantoms(n, resolution, seed)
    generator = torch.Generator().manual_seed(seed)
    prior = JointPrior(
        [Factor(factor_name(name), "bernoulli", 1, {"probability": rate}) for name, rate in FINDINGS.items()],
        between=[(factor_name(one), factor_name(other), r) for one, other, r in FINDING_PAIRS],
    )
    return JointPrior.default().sample(n, generator).numpy(), prior.sample(n, generator).numpy()


def _check_phantoms(n: int, resolution: int, seed: int) -> None:
    from semiray.radiographs.phantom import check_amount

    if not 0 <= seed < 2**63:
        raise SemirayError(f"seed = {shortened(seed)}: a seed of phantoms is a whole number from 0 to 2**63 - 1.")
    if n < 1:
        raise SemirayError(f"n = {n}: ask for at least one phantom.")
    check_amount(n, resolution)
