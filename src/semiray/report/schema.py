"""report.json: its content, its published form as a JSON schema, and the version of that form."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Literal

from pydantic import ConfigDict, computed_field

from semiray.evaluation import Results
from semiray.report.headlines import headlines, verdict, warnings
from semiray.report.page import render_notebook
from semiray.report.section import Headline

__all__ = ["VERSION", "Report", "report_content", "report_schema"]

VERSION: Literal[2] = 2  # rises when a reader of the old form could fail or be misled: docs/evaluation.md


class Report(Results):
    """Results with what they come to: what `evaluate` and `judge` return, and what report.json holds.

    A notebook shows its verdict and its headline figures.
    """

    model_config = ConfigDict(
        title="The report.json of semiray",
        json_schema_serialization_defaults_required=True,
        json_schema_extra={"$id": f"urn:semiray:report:{VERSION}"},
    )

    @classmethod
    def of(cls, results: Results) -> Report:
        """Results as a report."""
        return results if isinstance(results, cls) else cls(**dict(results))

    @computed_field(alias="schema")  # type: ignore[prop-decorator]
    @property
    def schema_version(self) -> Literal[2]:
        """Version of this form."""
        return VERSION

    @computed_field  # type: ignore[prop-decorator]
    @property
    def semiray(self) -> str:
        """The release that wrote the report."""
        return version("semiray")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def verdict(self) -> list[str]:
        """What the results come to, in sentences."""
        return verdict(self)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def warnings(self) -> list[str]:
        """What a reader must know before anything else."""
        return warnings(self)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def headlines(self) -> list[Headline]:
        """The figures that matter."""
        return headlines(self)

    def _repr_html_(self) -> str:
        return render_notebook(self)


def report_content(results: Results) -> dict[str, Any]:
    """What report.json holds: every figure with its interval, floor or ceiling, and sample size."""
    content = Report.of(results).model_dump(mode="json", by_alias=True)
    judgements = content.pop("judgements")
    first = {name: content.pop(name) for name in ("schema", "semiray", "created")}
    return first | content | {"judgements": judgements}


def report_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of the reports that this release writes.

    Example:
        ``jsonschema.validate(json.loads(Path("REPORT/report.json").read_text()), report_schema())``
    """
    schema = Report.model_json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
