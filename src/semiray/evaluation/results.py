"""The results of an evaluation as plain, typed data: what report.json holds, and what the figures are drawn from."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from math import isfinite
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    InstanceOf,
    PlainSerializer,
    SerializeAsAny,
    TypeAdapter,
    computed_field,
)
from pydantic.dataclasses import dataclass
from pydantic.json_schema import JsonSchemaValue

from semiray.evaluation import registry
from semiray.generation import Traversal
from semiray.priors import JointPrior, factor_of

__all__ = ["ByDimension", "Counts", "Hidden", "ImageSamples", "Number", "Overlap", "Result", "Results", "Skipped"]

Number = Annotated[
    float, PlainSerializer(lambda x: x if isfinite(x) else None, return_type=float | None, when_used="json")
]
"""A float. JSON has no NaN and no infinity: both become null."""

Counts = Annotated[NDArray[Any], PlainSerializer(lambda x: x.tolist(), return_type=list[list[int]], when_used="json")]
"""A small table of whole numbers, written as nested lists."""

Hidden = Annotated[NDArray[Any], Field(exclude=True)]
"""An array that figures are drawn from; it is not written."""

R = TypeVar("R", bound="Result")


@dataclass(frozen=True)
class Result:
    """What all results are: frozen, typed, and written as JSON by pydantic."""

    __pydantic_config__ = ConfigDict(arbitrary_types_allowed=True, extra="forbid")


@dataclass(frozen=True)
class ByDimension(Result):
    """A figure of every code dimension, in the order of the codes."""

    dimensions: tuple[Any, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def means(self) -> dict[str, float]:
        """Factor -> the mean of its dimensions."""
        groups = groupby(self.dimensions, key=lambda dimension: factor_of(dimension.name))
        return {name: float(np.mean([dimension.value for dimension in group])) for name, group in groups}


@dataclass(frozen=True)
class Skipped(Result):
    """A judgement that could not be made, and why."""

    reason: str


@dataclass(frozen=True)
class ImageSamples(Result):
    """A few images of every class, to look at; one empty name where there are no classes."""

    names: tuple[str, ...]
    real: tuple[NDArray[np.uint8], ...]
    synthetic: tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True)
class Overlap(Result):
    """How real images compare, by content, with those that the generator was trained on.

    Attributes:
        n_trained: Images that the generator was trained on.
        n_compared: Real images that were compared with them: the split's test images, or all of another data set.
        n_recognised: Those that are among them, or are copies of one.
        n_left_out: Images that test nothing: those recognised, and all others of their patients.
        n_patients_left_out: Patients of these.
    """

    n_trained: int
    n_compared: int
    n_recognised: int
    n_left_out: int
    n_patients_left_out: int


class _Concrete:
    """Lists every judgement's own type in the JSON schema."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        kinds = {name: registry.result_types(name) for name in registry.JUDGEMENTS}
        properties = {
            name: {"anyOf": [handler(TypeAdapter(kind).core_schema) for kind in found]} for name, found in kinds.items()
        }
        return {"type": "object", "properties": properties, "additionalProperties": False}


class Results(BaseModel):
    """All judgements of one run, or of one folder of synthetic images.

    A judgement is found by its class, ``results.get(UtilityResult)``, or by its name, ``results.utility``; both give
    None where it does not apply, and `Skipped` where it could not be made. ``model_dump(mode="json")`` has all figures.

    Attributes:
        subject: What was judged: the name of the run or of the folder.
        data: What it was judged on, in words.
        phantom: Whether the images are phantoms.
        judgements: Name -> result, in the order of the registry; a judgement that does not apply is absent.
        grounded: Factor -> number of images whose metadata, or whose pixels, ground it; the names of all others are
            assumed.
        measured: Factor -> the measure of pixels that grounds it, for those that no metadata ground.
        notes: What a reader must know to trust the figures.
        overlap: Images that the generator was trained on, found among the real ones; None where they couldn't be
            compared.
        created: When, in ISO 8601.
        samples: Images to look at; not written.
        prior: The assumed prior; None where there is no run. Not written.
        traversal: What each factor does to the same patients; None where there is no run. Not written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    subject: str
    data: str
    phantom: bool = False
    judgements: Annotated[dict[str, SerializeAsAny[Result]], _Concrete] = Field(default_factory=dict)
    grounded: dict[str, int] = Field(default_factory=dict)
    measured: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    overlap: Overlap | None = None
    created: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    samples: ImageSamples = Field(default=ImageSamples(("",), (), ()), exclude=True)
    prior: InstanceOf[JointPrior] | None = Field(default=None, exclude=True)
    traversal: InstanceOf[Traversal] | None = Field(default=None, exclude=True)

    def get(self, kind: type[R]) -> R | Skipped | None:
        """The result of a judgement by its class; `Skipped` where it could not be made, None where it doesn't apply."""
        found = self.judgements.get(kind.__module__.rpartition(".")[2])  # a judgement is called like its file
        if found is None or isinstance(found, kind | Skipped):
            return found
        raise TypeError(f"{kind.__name__} is not the result of a judgement")

    def __getattr__(self, name: str) -> Any:
        if name in registry.JUDGEMENTS:
            return self.judgements.get(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.judgements]

    @property
    def assumed(self) -> tuple[str, ...]:
        """The factors whose names are assumed: nothing grounds them. Empty where there is no run."""
        factors = () if self.prior is None else self.prior.factors
        return tuple(factor.name for factor in factors if not self.grounded.get(factor.name))
