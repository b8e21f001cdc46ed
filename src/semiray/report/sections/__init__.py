"""The sections of the report, one file per judgement, in the order of the registry of judgements."""

from functools import cache
from importlib import import_module
from typing import Any

from semiray.evaluation.registry import JUDGEMENTS
from semiray.report.section import Section

__all__ = ["sections"]


@cache
def sections() -> tuple[Section[Any], ...]:
    """``SECTION`` of `semiray.report.sections.NAME`, for every judgement NAME."""
    return tuple(import_module(f"{__name__}.{name}").SECTION for name in JUDGEMENTS)
