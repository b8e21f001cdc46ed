"""Evaluate or judge, and write the report: the two calls that a notebook makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from semiray.evaluation import Results, measure_run, measure_set
from semiray.report.report import write_report

if TYPE_CHECKING:
    from semiray.radiographs import ImageArray, RadiographSet
    from semiray.training.run import Run

__all__ = ["evaluate", "judge"]


def evaluate(
    run: Run, data: RadiographSet[ImageArray], out: Path | None, *, real_images: bool = True, **options: Any
) -> Results:
    """Measures a run (`semiray.evaluation.measure_run`) and writes the report into ``out``."""
    return _written(measure_run(run, data, store=_store(out), **options), out, real_images)


def judge(
    synthetic: RadiographSet[ImageArray],
    real: RadiographSet[ImageArray],
    out: Path | None,
    *,
    real_images: bool = True,
    **options: Any,
) -> Results:
    """Measures a set of synthetic images (`semiray.evaluation.measure_set`) and writes the report into ``out``."""
    return _written(measure_set(synthetic, real, store=_store(out), **options), out, real_images)


def _store(out: Path | None) -> Path | None:
    return None if out is None else Path(out) / "cache"


def _written(results: Results, out: Path | None, real_images: bool) -> Results:
    if out is not None:
        write_report(results, out, real_images=real_images)
    return results
