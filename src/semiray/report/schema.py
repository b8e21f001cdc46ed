"""The published form of report.json: a JSON schema that is shipped with the package, and its version."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

__all__ = ["VERSION", "report_schema"]

VERSION = 1  # rises when a reader of the old form could fail or be misled: docs/evaluation.md


def report_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of the reports that this release writes.

    Example:
        ``jsonschema.validate(json.loads(Path("REPORT/report.json").read_text()), report_schema())``
    """
    text = files("semiray.evaluation").joinpath("report.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
