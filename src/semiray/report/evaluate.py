"""Evaluate or judge, and write the report: the two calls that commands and notebooks make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from semiray.evaluation import EvaluationOptions, Results, measure_run, measure_set
from semiray.evaluation.progress import Progress
from semiray.files import hold_folder, user_path
from semiray.radiographs import ImageArray, RadiographSet, Split
from semiray.radiographs.pixels.traces import Traces
from semiray.report.model_card import write_model_card
from semiray.report.report import Report, write_report
from semiray.training import Run

__all__ = ["evaluate", "judge"]


def evaluate(
    run: Run,
    data: RadiographSet[ImageArray],
    out: str | Path | None = None,
    *,
    options: EvaluationOptions | None = None,
    real_images: bool = True,
    progress: Progress | None = None,
    on_stage: Callable[[str], None] | None = None,
    on_file: Callable[[Path], None] | None = None,
    **changes: Any,
) -> Report:
    """Evaluate a run on the held-out patients of its data; write the report, and the model card into the run's folder.

    Args:
        run: A trained run.
        data: Real images at the run's resolution, read with the options that the run was trained with.
        out: Folder for report.html, report.json, figures and a cache of trained classifiers. Called again with the
            same folder after an interruption, the evaluation continues. None writes nothing.
        options: How; None takes the defaults.
        real_images: Whether the report shows real images.
        progress: Called with (done, total).
        on_stage: Called with the name of each longer stage when it is begun: utility, benefit, ...
        on_file: Called with the model card, if one was written, and with report.html.
        **changes: Single options of `EvaluationOptions`, such as ``seeds=1`` or ``quick=True``.

    Raises:
        SemirayError: Resolution, classes or images don't match the run's; another process writes to ``out``; ``out``
            can't be written to.

    Examples:
        ``semiray.evaluate(semiray.Run.load("RUN"), data, "REPORT").utility.ratio.mean``
    """
    how: dict[str, Any] = {"options": options, "progress": progress, "on_stage": on_stage} | changes
    return _report(lambda cache: measure_run(run, data, store=cache, **how), out, real_images, on_file, run)


def judge(
    synthetic: RadiographSet[ImageArray],
    real: RadiographSet[ImageArray],
    out: str | Path | None = None,
    *,
    split: Split | None = None,
    traces: Traces | None = None,
    official_split: bool = False,
    subject: str = "Synthetic images",
    options: EvaluationOptions | None = None,
    real_images: bool = True,
    progress: Progress | None = None,
    on_stage: Callable[[str], None] | None = None,
    on_file: Callable[[Path], None] | None = None,
    **changes: Any,
) -> Report:
    """Evaluate a folder of synthetic images, whatever generated them, and write the report.

    Args:
        synthetic: Labelled synthetic images; all are trained on.
        real: Labelled real images of the same classes and resolution.
        out: See `evaluate`.
        split: The generator's split of the real images; None draws one by patient.
        traces: What is kept of the images that the generator was trained on, `Run.traces`; None where nothing is.
        official_split: Without a split, keep the parts that the real images came with.
        subject: What to call the synthetic images in the report.
        options: See `evaluate`.
        real_images: See `evaluate`.
        progress: See `evaluate`.
        on_stage: See `evaluate`.
        on_file: See `evaluate`.
        **changes: See `evaluate`.

    Raises:
        SemirayError: Classes or resolutions differ, or a class is missing; otherwise as in `evaluate`.
    """
    known = {"split": split, "traces": traces, "official_split": official_split}
    watched: dict[str, Any] = {"options": options, "progress": progress, "on_stage": on_stage}
    how: dict[str, Any] = known | watched | {"subject": subject} | changes
    return _report(lambda cache: measure_set(synthetic, real, store=cache, **how), out, real_images, on_file)


def _report(
    measure: Callable[[Path | None], Results],
    out: str | Path | None,
    real_images: bool,
    on_file: Callable[[Path], None] | None,
    run: Run | None = None,
) -> Report:
    """Measure with a cache in the folder and write the report, while no other process writes to the folder."""
    if out is None:
        return Report.of(measure(None))
    folder = user_path(out)
    with hold_folder(folder):
        report = Report.of(measure(folder / "cache"))
        page = write_report(report, folder, real_images=real_images)
        card = None if run is None else write_model_card(run, report)
        for file in (card, page):
            if on_file is not None and file is not None:
                on_file(file)
    return report
