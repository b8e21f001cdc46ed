"""What the page may ask: checked before anything is computed; and why not, at the place where it was typed."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from semiray.errors import SemirayError
from semiray.expressions import PointingError

__all__ = ["MOST_IMAGES", "Ask", "read_ask", "say_problem"]

MOST_IMAGES = 64
"""Images of a grid."""

Name = Annotated[str, Field(max_length=200)]


class Ask(BaseModel):
    """What the page asks.

    Attributes:
        label: the class; None for all, in turn.
        where: the event; empty for none.
        seed: of the sample.
        count: images of the grid.
        hold: factors or dimensions, and the values that they are set to.
        difference: whether pictures show what changed against the patients as drawn.
        index: the patient, in the sample of the seed.
        factor: the one along which the patient's neighbours lie.
        upload: the patient was uploaded under this name.
        form: of a download: png, dicom, zip or dicom-zip.
        page: which of several open pages asks: what it asked before is dropped.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    label: Name | None = None
    where: Annotated[str, Field(max_length=2000)] = ""
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0  # JavaScript's whole numbers
    count: Annotated[int, Field(ge=1, le=MOST_IMAGES)] = 12
    hold: Annotated[dict[Name, float], Field(max_length=300)] = Field(default_factory=dict)
    difference: bool = False
    index: Annotated[int, Field(ge=0, le=10**9)] = 0
    factor: Name = ""
    upload: Name = ""
    form: Name = ""
    page: Name = ""


def read_ask(body: bytes) -> Ask:
    """Read what the page asks.

    Raises:
        SemirayError: It can't be read, or a value is out of range; names the field.
    """
    try:
        return Ask.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the request"
        raise SemirayError(f"{where}: {first['msg']}.") from None


def say_problem(error: SemirayError) -> dict[str, Any]:
    """An error as the page shows it: its sentence; for an event the text and the place in it, too."""
    if isinstance(error, PointingError) and error.line:
        return {"error": error.problem, "line": error.line, "place": list(error.place)}
    return {"error": str(error)}
