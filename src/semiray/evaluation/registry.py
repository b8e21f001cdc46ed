"""Which judgements there are: adding one takes a file that measures, a file that shows, and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import Any, get_type_hints

__all__ = ["JUDGEMENTS", "judgement_module", "result_type"]

# Judgement NAME is measured by `semiray.evaluation.judgements.NAME.measure` and shown by
# `semiray.report.sections.NAME`. They are measured, and stand in the results, in this order.
JUDGEMENTS = (
    "utility",
    "benefit",
    "commitment",
    "probe",
    "effect",
    "sorting",
    "energy",
    "correlation",
    "grounding",
    "fidelity",
    "privacy",
    "shortcuts",
)


def judgement_module(name: str) -> Any:
    """The module that measures a judgement.

    Its ``measure(context)`` returns the judgement's result, a `Skipped` that says why there is none, or None where the
    judgement does not apply. Its ``cost(context)``, if it has one, says how much of the progress bar it takes, in
    training steps of the utility classifier.
    """
    return import_module(f"semiray.evaluation.judgements.{name}")


def result_type(name: str) -> Any:
    """What a judgement's ``measure`` returns, as annotated: a union of its result class, `Skipped` and None."""
    return get_type_hints(judgement_module(name).measure)["return"]
