"""Evaluate or judge, and write the report: the two calls that commands and notebooks make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from semiray.evaluation import EvaluationOptions, measure_run, measure_set
from semiray.evaluation.progress import Progress
from semiray.files import hold_folder
from semiray.radiographs import ImageArray, RadiographSet, Split
from semiray.report.model_card import write_model_card
from semiray.report.report import write_report
from semiray.report.schema import Report
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
        on_file: Called with the model card, if one was written, and with report.html.
        **changes: Single options of `EvaluationOptions`, such as ``seeds=1`` or ``quick=True``.

    Raises:
        SemirayError: Resolution, classes or images don't match the run's; another process writes to ``out``; ``out``
            can't be written to.

    Example:
        ``semiray.evaluate(semiray.Run.load("RUN"), data, "REPORT").utility.ratio.mean``
    """
    with _held(out) as (folder, cache):
        how: dict[str, Any] = {"options": options, "store": cache, "progress": progress} | changes
        report = Report.of(measure_run(run, data, **how))
        if folder is not None:
            page = write_report(report, folder, real_images=real_images)
            _tell(on_file, write_model_card(run, report), page)
        return report


def judge(
    synthetic: RadiographSet[ImageArray],
    real: RadiographSet[ImageArray],
    out: str | Path | None = None,
    *,
    split: Split | None = None,
    subject: str = "Synthetic images",
    options: EvaluationOptions | None = None,
    real_images: bool = True,
    progress: Progress | None = None,
    on_file: Callable[[Path], None] | None = None,
    **changes: Any,
) -> Report:
    """Evaluate a folder of synthetic images, whatever generated them, and write the report.

    Args:
        synthetic: Labelled synthetic images; all are trained on.
        real: Labelled real images of the same classes and resolution.
        out: As in `evaluate`.
        split: The generator's split of the real images; None draws one by patient.
        subject: What to call the synthetic images in the report.
        options: As in `evaluate`.
        real_images: As in `evaluate`.
        progress: As in `evaluate`.
        on_file: Called with report.html.
        **changes: As in `evaluate`.

    Raises:
        SemirayError: Classes or resolutions differ, or a class is missing; otherwise as in `evaluate`.
    """
    with _held(out) as (folder, cache):
        how: dict[str, Any] = {"options": options, "store": cache, "progress": progress} | changes
        report = Report.of(measure_set(synthetic, real, split=split, subject=subject, **how))
        if folder is not None:
            _tell(on_file, write_report(report, folder, real_images=real_images))
        return report


@contextmanager
def _held(out: str | Path | None) -> Iterator[tuple[Path | None, Path | None]]:
    """The folder, held against other processes that would write to it, and its cache; or neither."""
    if out is None:
        yield None, None
        return
    folder = Path(out).expanduser()
    with hold_folder(folder):
        yield folder, folder / "cache"


def _tell(on_file: Callable[[Path], None] | None, *files: Path | None) -> None:
    for file in files:
        if on_file is not None and file is not None:
            on_file(file)
