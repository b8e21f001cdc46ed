"""How DATA is read: every reader option declared once, with its type, default and meaning, and applied to records.

`load_radiographs` and its relatives take these options as keyword arguments, the settings of a run contain them as
`data`, and the command line makes its options from them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from semiray.errors import SemirayError

__all__ = [
    "ClassShares",
    "Framing",
    "ReadingKeywords",
    "ReadingOptions",
    "parse_classes",
    "reading_options",
    "write_class",
]

Framing = Literal["crop", "pad"]
_WORD = r'\s*+(?:"(?:[^"]|"")*+"|[^",=]*+)\s*+'  # possessive: no text takes longer than its length
_ENTRY = re.compile(rf"(?P<label>{_WORD})(?:=(?P<name>{_WORD}))?(?=,|$)")


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
    keep: str | None = Field(
        None, description="condition on the table's columns; other images are left out: \"view in {'PA', 'AP'}\""
    )
    findings: str | None = Field(
        None, description="all, none, or the findings to read where an image has several: 'Cardiomegaly, Effusion'"
    )
    uncertain: Literal["unknown", "positive", "negative"] = Field(
        "unknown", description="how a finding of -1, or one on which readers disagree, is read"
    )
    blank: Literal["unknown", "negative"] = Field("unknown", description="how an empty cell of a finding is read")
    read_synthetic: bool = Field(
        False, description="read images that are marked as synthetic, too; else they are left out"
    )
    framing: Framing = Field(
        "crop", description="cut the longer side at the centre (crop), or fill the shorter one with black (pad)"
    )

    @field_validator("classes", mode="before")
    @classmethod
    def _as_mapping(cls, classes: object) -> object:
        if isinstance(classes, str):
            return parse_classes(classes)
        if isinstance(classes, list | tuple) and all(isinstance(name, str) for name in classes):
            return {name: name for name in classes}
        return classes

    def selection(self) -> dict[str, Any]:
        """Return the options that decide on labels, patients and classes, as JSON types; None where not given."""
        names = [name for name in ReadingOptions.model_fields if name != "framing"]
        classes = None if self.classes is None else [list(pair) for pair in self.classes.items()]
        return {name: classes if name == "classes" else getattr(self, name) for name in names}

    @classmethod
    def from_selection(cls, selection: Mapping[str, Any], framing: Framing) -> ReadingOptions:
        """Make options of what ``selection`` returned and a framing."""
        classes = selection["classes"]
        return reading_options({**selection, "classes": classes and dict(classes), "framing": framing})


class ReadingKeywords(TypedDict, total=False):
    """The fields of `ReadingOptions` as keyword arguments; None is the same as not given."""

    label_from: str | None
    patient_from: str | None
    classes: Mapping[str, str] | Sequence[str] | None
    label_column: str | None
    patient_column: str | None
    path_column: str | None
    keep: str | None
    findings: str | None
    uncertain: Literal["unknown", "positive", "negative"] | None
    blank: Literal["unknown", "negative"] | None
    read_synthetic: bool | None
    framing: Framing | None


def reading_options(keywords: Mapping[str, Any]) -> ReadingOptions:
    """Make options of keyword arguments.

    Args:
        keywords: names and values; `classes` as a mapping, as a list of labels, or as text for `parse_classes`.

    Raises:
        SemirayError: if a name is unknown or a value is invalid.

    Examples:
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
                lines.append(f"{name} = {repr(item['input'])[:200]}: {item['msg'].removeprefix('Value error, ')}")
        raise SemirayError("\n".join(lines)) from error


def parse_classes(text: str, option: str = "classes") -> dict[str, str]:
    """Parse labels separated by commas, each LABEL or LABEL=NAME; labels with a comma or = stand in double quotes.

    Args:
        text: the labels; a double quote within quotes is written twice.
        option: the option that messages name.

    Raises:
        SemirayError: if an entry is empty, or a label is given twice.

    Examples:
        >>> parse_classes("Viral Pneumonia=pneumonia, Lung_Opacity=pneumonia, Normal")
        {'Viral Pneumonia': 'pneumonia', 'Lung_Opacity': 'pneumonia', 'Normal': 'Normal'}
        >>> parse_classes('"COVID-19, Atelectasis"=mixed, Normal')
        {'COVID-19, Atelectasis': 'mixed', 'Normal': 'Normal'}
    """
    names: dict[str, str] = {}
    at = 0
    while at <= len(text):
        match = _ENTRY.match(text, at)
        if (
            match is None
            or not (label := _unquoted(match["label"]))
            or (match["name"] is not None and not match["name"])
        ):
            raise SemirayError(
                f"{option}='{text}': '{text[at:].split(',')[0].strip()}' is neither a label nor LABEL=NAME. Labels "
                "with a comma or = are written in double quotes."
            )
        if label in names:
            raise SemirayError(f"{option}='{text}': {label} is given twice.")
        names[label] = label if match["name"] is None else _unquoted(match["name"])
        at = match.end() + 1
    return names


def write_class(label: str) -> str:
    """Write a label as `parse_classes` reads it.

    Examples:
        >>> write_class("COVID-19, Atelectasis")
        '"COVID-19, Atelectasis"'
    """
    return '"' + label.replace('"', '""') + '"' if set(label) & set(',="') or label != label.strip() else label


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text


def _read_shares(shares: object) -> object:
    return parse_classes(shares, "class_shares") if isinstance(shares, str) else shares


def _sum_to_one(shares: dict[str, float]) -> dict[str, float]:
    if not (min(shares.values(), default=0) > 0 and abs(sum(shares.values()) - 1) < 0.005):
        raise ValueError("shares must be above 0 and sum to 1, such as normal=0.7,pneumonia=0.3")
    return shares


ClassShares = Annotated[dict[str, float], BeforeValidator(_read_shares), AfterValidator(_sum_to_one)]
"""The share of each class, which sum to 1; as text, `CLASS=SHARE,...`."""
