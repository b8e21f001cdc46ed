"""The report: typed results gathered, written as report.json, report.html and PNG figures."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.evaluation import figures
from semiray.evaluation.commitment import CommitmentResult
from semiray.evaluation.metrics import ClassificationScores, Interval
from semiray.evaluation.sorting import SortingResult
from semiray.evaluation.utility import UtilityResult
from semiray.priors import JointPrior

__all__ = ["ImageSamples", "Report", "ReportFigure", "Skipped"]

# All figures that a report can have.
FIGURES = frozenset(
    ("images", "per_class", "confusion_tstr", "confusion_trtr", "commitment", "traversal", "sorting", "codes")
)


@dataclass(frozen=True)
class Skipped:
    """A judgement that could not be made, and why."""

    reason: str


@dataclass(frozen=True)
class ImageSamples:
    """A few images of every class, for the eye; one empty name where there are no classes."""

    names: tuple[str, ...]
    real: tuple[NDArray[np.uint8], ...]
    synthetic: tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True)
class ReportFigure:
    """A figure by its file name, for a light and a dark page."""

    name: str
    light: Figure
    dark: Figure


@dataclass(frozen=True)
class Report:
    """All judgements of one run, or of one folder of synthetic images.

    Attributes:
        subject: What was judged: the run's or the folder's name.
        data: What it was judged on, in words.
        phantom: Whether the images are phantoms.
        utility: TSTR beside TRTR, or why not.
        samples: Images for the eye.
        commitment: Commitment by the sorter; None where there is no run.
        sorting: Sorting of held-out real images; None where there is no run.
        prior: The assumed prior; None where there is no run.
        grounded: Factor -> number of images whose metadata ground it; the names of all others are assumed.
        notes: What a reader must know to trust the figures.
        traversal: Figure of what each factor does; None where there is no run.
    """

    subject: str
    data: str
    phantom: bool
    utility: UtilityResult | Skipped
    samples: ImageSamples
    commitment: CommitmentResult | None = None
    sorting: SortingResult | None = None
    prior: JointPrior | None = None
    grounded: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    traversal: Figure | None = None
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def to_dict(self) -> dict[str, Any]:
        """The content of report.json: every figure with its interval, floor or ceiling, and sample size.

        Keys: ``utility.{tstr,trtr}.balanced_accuracy.{mean,low,high,seeds}``, ``utility.ratio``,
        ``commitment.sorter.<factor>`` and ``sorting.ks.<factor>`` (a list, one entry a dimension), and more beside
        them; docs/evaluation.md lists all.
        """
        return {
            "semiray": version("semiray"),
            "created": self.created,
            "subject": self.subject,
            "data": self.data,
            "phantom": self.phantom,
            "grounded": dict(self.grounded),
            "notes": list(self.notes),
            "utility": _utility(self.utility),
            "commitment": None if self.commitment is None else _commitment(self.commitment),
            "sorting": None if self.sorting is None else _sorting(self.sorting),
        }

    def figures(self) -> Iterator[ReportFigure]:
        """Draws the figures, in the order of the page."""
        themes = (figures.LIGHT, figures.DARK)
        s = self.samples
        yield ReportFigure("images", *(figures.plot_images(s.real, s.synthetic, s.names, t) for t in themes))
        if isinstance(self.utility, UtilityResult):
            u = self.utility
            yield ReportFigure("per_class", *(figures.plot_per_class(u, t) for t in themes))
            for name, scores, title in (
                ("confusion_tstr", u.tstr, "Trained on synthetic images"),
                ("confusion_trtr", u.trtr, "Trained on real images"),
            ):
                yield ReportFigure(name, *(figures.plot_confusion(scores, u.classes, title, t) for t in themes))
        if self.commitment is not None:
            c = self.commitment
            yield ReportFigure("commitment", *(figures.plot_commitment(c, t) for t in themes))
        if self.traversal is not None:
            yield ReportFigure("traversal", self.traversal, self.traversal)
        if self.sorting is not None and self.prior is not None:
            sorting, prior = self.sorting, self.prior
            yield ReportFigure("sorting", *(figures.plot_sorting(sorting, t) for t in themes))
            yield ReportFigure("codes", *(figures.plot_codes(sorting, prior, t) for t in themes))

    def write(self, out: Path) -> Path:
        """Writes report.json, report.html and figures/*.png into a folder.

        Returns:
            The path of report.html.

        Raises:
            SemirayError: If the folder can't be written to.
        """
        from semiray.evaluation.page import render_page

        out = Path(out)
        try:
            (out / "figures").mkdir(parents=True, exist_ok=True)
            images: dict[str, tuple[bytes, bytes]] = {}
            for figure in self.figures():
                light = _png(figure.light)
                images[figure.name] = (light, light if figure.dark is figure.light else _png(figure.dark))
                _write(out / "figures" / f"{figure.name}.png", light)
            for name in FIGURES - images.keys():  # of an earlier report: it would be taken for this one's
                (out / "figures" / f"{name}.png").unlink(missing_ok=True)
            content = self.to_dict()
            _write(out / "report.html", render_page(self, content, images).encode())
            _write(out / "report.json", (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            raise SemirayError(f"{out}: the report can't be written ({error.strerror or error}).") from error
        return out / "report.html"


def _utility(result: UtilityResult | Skipped) -> dict[str, Any]:
    if isinstance(result, Skipped):
        return {"skipped": result.reason}
    return {
        "tstr": _scores(result.tstr),
        "trtr": _scores(result.trtr),
        "ratio": result.ratio.mean,
        "ratio_interval": _interval(result.ratio),
        "chance": result.chance,
        "classes": list(result.classes),
        "n_train_patients": result.n_train_patients,
        "settings": asdict(result.settings),
    }


def _scores(scores: ClassificationScores) -> dict[str, Any]:
    return {
        "balanced_accuracy": _interval(scores.balanced_accuracy),
        "accuracy": _interval(scores.accuracy),
        "auroc": _interval(scores.auroc),
        "per_class": {
            one.name: {
                "precision": _interval(one.precision),
                "recall": _interval(one.recall),
                "f1": _interval(one.f1),
                "auroc": _interval(one.auroc),
                "chance": asdict(one.chance),
                "n_images": one.n_images,
                "n_patients": one.n_patients,
            }
            for one in scores.per_class
        },
        "confusion": [matrix.tolist() for matrix in scores.confusion],
        "classification_report": list(scores.reports),
        "n_train": scores.n_train,
        "n_images": scores.n_images,
        "n_patients": scores.n_patients,
    }


def _commitment(result: CommitmentResult) -> dict[str, Any]:
    columns = _columns(result.dimensions, ("measure", "value", "low", "high", "floor"))
    return {
        "sorter": columns["value"],
        "mean": _means(columns["value"]),
        "low": columns["low"],
        "high": columns["high"],
        "floor": columns["floor"],
        "measure": {name: measures[0] for name, measures in columns["measure"].items()},
        "n_images": result.n_images,
    }


def _sorting(result: SortingResult) -> dict[str, Any]:
    columns = _columns(result.dimensions, ("measure", "value", "low", "high", "floor", "floor_high"))
    return {
        "ks": columns["value"],
        "mean": _means(columns["value"]),
        "low": columns["low"],
        "high": columns["high"],
        "floor": columns["floor"],
        "floor_high": columns["floor_high"],
        "measure": {name: measures[0] for name, measures in columns["measure"].items()},
        "n_images": result.n_images,
        "n_patients": result.n_patients,
    }


def _columns(rows: Sequence[Any], fields: Sequence[str]) -> dict[str, dict[str, list[Any]]]:
    """Measure -> factor -> one entry a dimension, from rows named ``factor[i]``."""
    table: dict[str, dict[str, list[Any]]] = {name: {} for name in fields}
    for row in rows:
        for name in fields:
            table[name].setdefault(row.name.rsplit("[", 1)[0], []).append(getattr(row, name))
    return table


def _means(columns: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: float(np.mean(values)) for name, values in columns.items()}


def _interval(interval: Interval) -> dict[str, Any]:
    """JSON knows no NaN: an end that doesn't exist becomes null."""
    return {
        "mean": _number(interval.mean),
        "low": _number(interval.low),
        "high": _number(interval.high),
        "seeds": [_number(x) for x in interval.seeds],
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": "semiray"})
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
