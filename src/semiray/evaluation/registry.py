"""Which judgements there are: adding one takes a file that measures, a file that shows, and one line here."""

from __future__ import annotations

from importlib import import_module
from types import NoneType
from typing import Any, get_args, get_type_hints

__all__ = ["JUDGEMENTS", "judgement_module", "result_types"]

# Judgement NAME is measured by `semiray.evaluation.judgements.NAME.measure` and shown by
# `semiray.report.sections.NAME`. They are measured, and stand in the results, in this order.
JUDGEMENTS = (
    "utility",
    "benefit",
    "findings",
    "commitment",
    "probe",
    "effect",
    "content",
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


def result_types(name: str) -> tuple[Any, ...]:
    """What stands in the results of a judgement, as its ``measure`` is annotated: its own class first, then `Skipped`.

    `Skipped` is missing where the judgement can always be made if it applies.
    """
    returned = get_type_hints(judgement_module(name).measure)["return"]
    return tuple(kind for kind in get_args(returned) or (returned,) if kind is not NoneType)
