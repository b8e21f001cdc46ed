"""The one pipeline: every judgement of the registry, on a run's images or on a folder's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from semiray.errors import SemirayError
from semiray.evaluation import registry
from semiray.evaluation.context import FRESH_SEED, Context
from semiray.evaluation.held_out import sides_of_run, sides_of_set
from semiray.evaluation.judges.feature_spaces import check_space
from semiray.evaluation.options import BenefitSettings, EvaluationOptions
from semiray.evaluation.parts import check_resolution, describe, is_phantom, sample_images
from semiray.evaluation.progress import Progress
from semiray.evaluation.results import Result, Results
from semiray.generation import measure_traversal
from semiray.memory import keep_freed_memory
from semiray.radiographs import ImageArray, RadiographSet, Split
from semiray.radiographs.pixels.traces import Traces
from semiray.training import Run

__all__ = ["measure_run", "measure_set"]


def measure_run(
    run: Run,
    data: RadiographSet[ImageArray],
    *,
    options: EvaluationOptions | None = None,
    store: Path | None = None,
    progress: Progress | None = None,
    on_stage: Callable[[str], None] | None = None,
    **changes: Any,
) -> Results:
    """Evaluate a trained run on real images.

    The run's own split decides: images of its test patients test, those of its training patients train the ceiling, and
    images that the split doesn't name are left out. If the split names none of the images, they are another data set:
    it is split by patient here, so that the ceiling can be trained on it. Images that the generator was trained on, and
    copies of them, are recognised by content under any name: their patients don't test.

    Args:
        run: A trained run.
        data: Real images at the run's resolution, read with the options that the run was trained with.
        options: How; None takes the defaults.
        store: Folder that keeps trained classifiers and their predictions, so that an interrupted evaluation
            continues; None keeps nothing.
        progress: Called with (done, total).
        on_stage: Called with the name of each longer stage when it is begun: utility, benefit, ...
        **changes: Single options, such as ``seeds=1`` or ``quick=True``.

    Raises:
        SemirayError: If resolution, classes or images don't match the run's, or the generator has seen all of them.

    Examples:
        ``measure_run(Run.load("RUN"), load_radiographs("DATA", resolution=64)).utility.ratio.mean``
    """
    chosen = (options or EvaluationOptions()).changed(**changes).resolved()
    check_resolution(data, run.resolution, f"The run {run.path}")
    sides = sides_of_run(run, data)
    if sides.own:  # classifiers learn from the same labels as the generator
        data = run.known(data, sides.split)
    context = Context(chosen, data, sides.split, run=run, own=sides.own, held_out=sides.held_out, store=store)
    judgements = _measure(context, progress, on_stage)
    fresh = context.fresh
    return Results(
        subject=Path(run.path).name or str(run.path),
        data=describe(context.held_out),
        phantom=is_phantom(data),
        judgements=judgements,
        grounded=dict(run.grounded),
        measured=run.measured,
        notes=(*sides.notes, *context.notes, run.meaning),
        overlap=sides.overlap,
        samples=sample_images(run.classes, context.held_out, fresh.images, fresh.labels),
        prior=run.prior,
        traversal=measure_traversal(run, patients=1, steps=5, seed=FRESH_SEED),
    )


def measure_set(
    synthetic: RadiographSet[ImageArray],
    real: RadiographSet[ImageArray],
    *,
    split: Split | None = None,
    traces: Traces | None = None,
    official_split: bool = False,
    subject: str = "Synthetic images",
    options: EvaluationOptions | None = None,
    store: Path | None = None,
    progress: Progress | None = None,
    on_stage: Callable[[str], None] | None = None,
    **changes: Any,
) -> Results:
    """Evaluate any folder of synthetic images, whatever generated them.

    Utility, benefit, fidelity and shortcuts; privacy where it is known which real images trained the generator.

    Args:
        synthetic: Labelled synthetic images; all are trained on.
        real: Labelled real images of the same classes and resolution.
        split: The generator's split of the real images; None draws one by patient (70 % train, 30 % test, seed 0).
        traces: What is kept of the images that the generator was trained on (`Run.traces`): they are recognised among
            the real ones, and don't test; None where nothing is.
        official_split: Without a split, keep the parts that the real images came with.
        subject: What to call the synthetic images in the report.
        options: As in `measure_run`, like the following.
        store: As there.
        progress: As there.
        on_stage: As there.
        **changes: As there.

    Raises:
        SemirayError: If classes or resolutions differ, or a class is missing on a side.
    """
    chosen = (options or EvaluationOptions()).changed(**changes, n_synthetic=len(synthetic)).resolved()
    check_resolution(real, int(synthetic.images.shape[1]), "The synthetic set")
    sides = sides_of_set(real, split, traces, official_split)
    context = Context(chosen, real, sides.split, folder=synthetic, own=sides.own, held_out=sides.held_out, store=store)
    if context.obstacle:
        raise SemirayError(context.obstacle)
    labelled, notes = context.synthetic, [*sides.notes, *context.notes]
    if len(labelled.labels) < len(synthetic):
        notes.append(f"{len(synthetic) - len(labelled.labels):,} synthetic images without a label were left out.")
    return Results(
        subject=subject,
        data=describe(context.test),
        phantom=is_phantom(real),
        judgements=_measure(context, progress, on_stage),
        notes=tuple(notes),
        overlap=sides.overlap,
        samples=sample_images(context.classes, context.test, labelled.images, labelled.labels),
    )


def _measure(context: Context, progress: Progress | None, on_stage: Callable[[str], None] | None) -> dict[str, Result]:
    """Every judgement that applies, in the order of the registry."""
    keep_freed_memory()
    space, benefit = context.options.space, context.options.benefit
    if space is not None:  # what can't be built, or makes no features, is reported before the long work
        check_space(space, context.real.images[:2])
    if isinstance(benefit, BenefitSettings):
        side = context.real.images.shape[1]
        benefit.architecture.check(max(len(context.real.classes), 2), side, context.device)
    modules = {name: registry.judgement_module(name) for name in registry.JUDGEMENTS}
    costs = {name: module.cost(context) if hasattr(module, "cost") else 0 for name, module in modules.items()}
    context.start(progress, costs, on_stage)
    results = {}
    for name, module in modules.items():
        context.stages.begin(name)
        results[name] = module.measure(context)
        context.stages.finish(name)
    context.stages.finish(*context.stages.sizes)
    return {name: result for name, result in results.items() if result is not None}
