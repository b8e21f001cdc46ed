"""How DATA is read: every reader option declared once, with its type, default and meaning.

`load_radiographs` and its relatives take these options as keyword arguments, the settings of a run contain them as
`data`, and the command line makes its options from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from semiray.errors import SemirayError

__all__ = ["Framing", "ReadingKeywords", "ReadingOptions", "parse_classes", "reading_options"]

Framing = Literal["crop", "pad"]


class ReadingOptions(BaseModel):
    """How labels and patients are found, which classes are kept, and how an image becomes square."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label_from: str | None = Field(
        None, description="regular expression searched in each path below DATA; the match, or its group 1, is the label"
    )
    patient_from: str | None = Field(
        None, description="the same for the patient; or the name of a preset: kermany, hannover"
    )
    classes: dict[str, str] | None = Field(
        None,
        description="labels to keep, in order; A=B renames A, equal names merge; for example 'COVID, Normal=healthy'",
    )
    label_column: str | None = Field(None, description="the table's column of labels")
    patient_column: str | None = Field(None, description="the table's column of patients")
    path_column: str | None = Field(None, description="the table's column of image paths")
    framing: Framing = Field(
        "crop", description="cut the longer side at the centre (crop), or fill the shorter one with black (pad)"
    )

    @field_validator("classes", mode="before")
    @classmethod
    def _as_mapping(cls, classes: object) -> object:
        if isinstance(classes, str):
            return parse_classes(classes)
        return {name: name for name in classes} if isinstance(classes, list | tuple) else classes

    def selection(self) -> dict[str, Any]:
        """Return the options that decide on labels, patients and classes, as JSON types; None where not given."""
        names = [name for name in ReadingOptions.model_fields if name != "framing"]
        classes = None if self.classes is None else [list(pair) for pair in self.classes.items()]
        return {name: classes if name == "classes" else getattr(self, name) for name in names}

    @classmethod
    def from_selection(cls, selection: Mapping[str, Any], framing: Framing) -> ReadingOptions:
        """Make options of what ``selection`` returned and a framing."""
        classes = selection["classes"]
        given = {**selection, "classes": classes and dict(classes), "framing": framing}
        return reading_options(given)


class ReadingKeywords(TypedDict, total=False):
    """The fields of `ReadingOptions` as keyword arguments; None is the same as not given."""

    label_from: str | None
    patient_from: str | None
    classes: Mapping[str, str] | Sequence[str] | None
    label_column: str | None
    patient_column: str | None
    path_column: str | None
    framing: Framing | None


def reading_options(keywords: Mapping[str, Any]) -> ReadingOptions:
    """Make options of keyword arguments.

    Args:
        keywords: names and values; `classes` as a mapping, as a list of labels, or as text for `parse_classes`.

    Raises:
        SemirayError: if a name is unknown or a value is invalid.

    Example:
        >>> reading_options({"classes": ["COVID", "Normal"]}).classes
        {'COVID': 'COVID', 'Normal': 'Normal'}
    """
    try:
        return ReadingOptions.model_validate({name: value for name, value in keywords.items() if value is not None})
    except ValidationError as error:
        lines = []
        for item in error.errors():
            name = ".".join(str(part) for part in item["loc"])
            if item["type"] == "extra_forbidden":
                lines.append(f"{name}: no such option; the options are {', '.join(ReadingOptions.model_fields)}")
            else:
                lines.append(f"{name} = {item['input']!r}: {item['msg']}")
        raise SemirayError("\n".join(lines)) from error


def parse_classes(text: str) -> dict[str, str]:
    """Read classes from text: labels between commas, each optionally `label=class name`.

    Raises:
        SemirayError: if a label is empty or given twice.

    Example:
        >>> parse_classes("Viral Pneumonia=pneumonia, Lung_Opacity=pneumonia, Normal")
        {'Viral Pneumonia': 'pneumonia', 'Lung_Opacity': 'pneumonia', 'Normal': 'Normal'}
    """
    names: dict[str, str] = {}
    for entry in text.split(","):
        label, equals, name = (part.strip() for part in entry.partition("="))
        if not label or (equals and not name):
            raise SemirayError(f"classes='{text}': '{entry.strip()}' is neither a label nor LABEL=NAME.")
        if label in names:
            raise SemirayError(f"classes='{text}': {label} is given twice.")
        names[label] = name or label
    return names
