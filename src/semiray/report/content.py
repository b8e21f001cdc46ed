"""The report as plain data: what report.json holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from semiray.evaluation.judgements.authenticity import Nearness
from semiray.evaluation.judgements.benefit import BenefitResult
from semiray.evaluation.judgements.commitment import CommitmentResult
from semiray.evaluation.judgements.correlation import CorrelationResult
from semiray.evaluation.judgements.effect import EffectResult
from semiray.evaluation.judgements.energy import EnergyResult
from semiray.evaluation.judgements.fidelity import FidelityResult
from semiray.evaluation.judgements.grounding import CHANCE, ConcordanceResult
from semiray.evaluation.judgements.membership import FALSE_POSITIVES, MembershipResult
from semiray.evaluation.judgements.privacy import PrivacyResult
from semiray.evaluation.judgements.probe import ProbeResult
from semiray.evaluation.judgements.shortcuts import ShortcutResult
from semiray.evaluation.judgements.sorting import SortingResult
from semiray.evaluation.judgements.utility import UtilityResult
from semiray.evaluation.skipped import Skipped
from semiray.evaluation.statistics.classification import SPECIFICITY, ClassificationScores, Interval
from semiray.radiographs.pixels.copies import COPY, CopyResult
from semiray.report.schema import VERSION
from semiray.report.verdict import verdict

if TYPE_CHECKING:
    from semiray.evaluation.results import Results

__all__ = ["report_content"]


def report_content(report: Results) -> dict[str, Any]:
    """Every figure with its interval, floor or ceiling, and sample size; docs/evaluation.md lists the keys."""
    commitment = None if report.commitment is None else _commitment(report.commitment)
    if commitment is not None and report.probe is not None:
        commitment["probe"] = _probe(report.probe)
    if commitment is not None and report.effect is not None:
        commitment |= _effect(report.effect)
    sorting = None if report.sorting is None else _sorting(report.sorting)
    if sorting is not None:
        joint = (("energy", report.energy, _energy), ("correlation", report.correlation, _correlation))
        sorting |= {key: _or_skipped(result, content) for key, result, content in joint if result is not None}
    return {
        "schema": VERSION,
        "semiray": version("semiray"),
        "created": report.created,
        "subject": report.subject,
        "data": report.data,
        "phantom": report.phantom,
        "grounded": dict(report.grounded),
        "notes": list(report.notes),
        "verdict": verdict(report),
        "utility": _or_skipped(report.utility, _utility),
        "benefit": _or_skipped(report.benefit, _benefit),
        "commitment": commitment,
        "sorting": sorting,
        "fidelity": _or_skipped(report.fidelity, _fidelity),
        "privacy": _or_skipped(report.privacy, _privacy),
        "shortcuts": None if report.shortcuts is None else _shortcuts(report.shortcuts),
        "grounding": {name: _or_skipped(result, _concordance) for name, result in report.grounding.items()},
    }


def _or_skipped(result: Any, content: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """A judgement's content, or why it could not be made."""
    return {"skipped": result.reason} if isinstance(result, Skipped) else content(result)


def _utility(result: UtilityResult) -> dict[str, Any]:
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
        "average_precision": _interval(scores.average_precision),
        "calibration_error": _interval(scores.calibration_error),
        "per_class": {
            one.name: {
                "precision": _interval(one.precision),
                "recall": _interval(one.recall),
                "f1": _interval(one.f1),
                "auroc": _interval(one.auroc),
                "average_precision": _interval(one.average_precision),
                "recall_at_specificity": _interval(one.recall_at_specificity),
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


def _benefit(result: BenefitResult) -> dict[str, Any]:
    k = result.classes.index(result.minority)

    def cell(scores: ClassificationScores) -> dict[str, Any]:
        return {
            "balanced_accuracy": _interval(scores.balanced_accuracy),
            "auroc": _interval(scores.auroc),
            "average_precision": _interval(scores.average_precision),
            "calibration_error": _interval(scores.calibration_error),
            "minority_recall": _interval(scores.per_class[k].recall),
            "recall_at_specificity": {one.name: _interval(one.recall_at_specificity) for one in scores.per_class},
        }

    def by(table: Mapping[Any, Any], entry: Callable[[Any], Any]) -> dict[str, Any]:
        return {f"{key:g}": entry(value) for key, value in sorted(table.items())}

    settings: dict[str, Any] = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(result.settings).items()}
    weights = result.settings.architecture.weights
    settings["architecture"]["weights"] = None if weights is None else Path(weights).name
    return {
        "verdict": result.verdict(),
        "arms": {arm: by(found, cell) for arm, found in result.arms.items()},
        "gains": {use: by(found, _interval) for use, found in result.gains.items()},
        "decisive_gains": {use: _interval(gain) for use, gain in result.decisive.items()},
        "synthetic_only": by(result.synthetic_only, cell),
        "mixing": by(result.mixing, cell),
        "minority": result.minority,
        "specificity": SPECIFICITY,
        "n_real_images": by(result.n_real, lambda n: n),
        "n_real_patients": by(result.n_patients, lambda n: n),
        "n_synthetic": result.n_synthetic,
        "generator_saw_all_patients": result.own,
        "settings": settings,
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


def _probe(result: ProbeResult) -> dict[str, Any]:
    tables = {
        name: _columns(found.dimensions, ("value", "low", "high", "floor")) for name, found in result.conditions.items()
    }
    return {
        **{name: columns["value"] for name, columns in tables.items()},
        "mean": {name: _means(columns["value"]) for name, columns in tables.items()},
        "low": {name: columns["low"] for name, columns in tables.items()},
        "high": {name: columns["high"] for name, columns in tables.items()},
        "floor": tables["clean"]["floor"],
        "n_images": result.conditions["clean"].n_images,
        "n_train": result.n_train,
        "steps": result.steps,
    }


def _effect(result: EffectResult) -> dict[str, Any]:
    columns = _columns(result.dimensions, ("value", "low", "high"))
    return {
        "effect": columns["value"],
        "effect_mean": _means(columns["value"]),
        "effect_low": columns["low"],
        "effect_high": columns["high"],
        "effect_between_patients": result.between,
        "effect_n_patients": result.n_patients,
    }


def _energy(result: EnergyResult) -> dict[str, Any]:
    return asdict(result) | {"ratio": result.ratio}


def _correlation(result: CorrelationResult) -> dict[str, Any]:
    content = {f.name: getattr(result, f.name) for f in fields(result)}
    return content | {
        "greatest": list(result.greatest),
        "measured": result.measured.round(4).tolist(),
        "assumed": result.assumed.round(4).tolist(),
        "names": list(result.names),
    }


def _fidelity(result: FidelityResult) -> dict[str, Any]:
    measures = {
        name: {key: _number(value) for key, value in asdict(measure).items()}
        for name, measure in result.measures.items()
    }
    return asdict(result) | {"measures": measures}


def _privacy(result: PrivacyResult) -> dict[str, Any]:
    attackers = {"black_box": result.black_box, "white_box": result.white_box}
    return {
        "copies": _copies(result.copies),
        "copies_among_held_out": _copies(result.false_alarms),
        "copy_ratio": COPY,
        "authenticity": {
            found.space: {"synthetic": _nearness(found.synthetic), "held_out": _nearness(found.held_out)}
            for found in result.authenticity
        },
        "membership": {name: _membership(found) for name, found in attackers.items() if found is not None},
        "n_train": result.n_train,
    }


def _nearness(result: Nearness) -> dict[str, Any]:
    figures = {name: _interval(getattr(result, name)) for name in ("median", "closest", "authenticity")}
    return figures | {"n_images": result.n_images}


def _copies(result: CopyResult) -> dict[str, Any]:
    return {
        "copied": int(result.copied.sum()),
        "n_images": len(result.copied),
        "least_ratio": _number(result.ratio.min()),
        "median_ratio": _number(np.median(result.ratio)),
    }


def _membership(result: MembershipResult) -> dict[str, Any]:
    return {
        "auroc": _interval(result.auroc),
        "true_positives": _interval(result.true_positives),
        "false_positives": FALSE_POSITIVES,
        "true_positives_floor": result.floor,
        "n_train": result.n_train,
        "n_held_out": result.n_held_out,
    }


def _shortcuts(result: ShortcutResult) -> dict[str, Any]:
    pairs = [
        {
            "groups": list(pair.groups),
            "auroc": {view: _interval(auroc) for view, auroc in pair.auroc.items()},
            "flagged": pair.flagged,
            "n_images": list(pair.n_images),
            "n_patients": list(pair.n_patients),
        }
        for pair in result.pairs
    ]
    return {"pairs": pairs, "left_out": list(result.left_out), "warning": result.warning()}


def _concordance(result: ConcordanceResult) -> dict[str, Any]:
    return asdict(result) | {"low": _number(result.low), "high": _number(result.high), "chance": CHANCE}


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
