"""Options that several commands share, declared once; those of settings are read from their typed tree."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from semiray.errors import SemirayError
from semiray.radiographs.reading.options import ReadingOptions
from semiray.settings import Settings

__all__ = [
    "Cache",
    "Count",
    "Data",
    "Device",
    "Figure",
    "OfficialSplit",
    "OptionsOf",
    "Out",
    "Reading",
    "RunFolder",
    "Seed",
    "Space",
    "TrainingOptions",
    "with_groups",
]

Data = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="A folder of radiographs or .tar shards, a table of files, or a prepared set."),
]
RunFolder = Annotated[
    Path,
    typer.Argument(
        metavar="RUN", help="The folder of a trained run, a name that `semiray runs` lists, or hf://OWNER/NAME."
    ),
]
Out = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The folder to write to.")]
Figure = Annotated[Path, typer.Option("--out", metavar="FILE", help="The figure to write: .png, .pdf or .svg.")]
Count = Annotated[int, typer.Option("-n", "--count", min=1, help="Number of images.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same images.")]
DEVICES = "auto|cpu|cuda|cuda:1|mps"
Device = Annotated[
    str,
    typer.Option(
        "--device", metavar=DEVICES, help="Where to compute. auto: a GPU if there is one, else the processor."
    ),
]
READING = "How DATA is read"
Cache = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", rich_help_panel=READING, help="Folder for decoded images; by default the user's cache folder."
    ),
]
OfficialSplit = Annotated[
    bool,
    typer.Option(
        "--official-split",
        rich_help_panel=READING,
        help="Keep the parts that the data came with: train, val and test folders, a table's column, lists of files.",
    ),
]


@dataclass(frozen=True)
class OptionsOf:
    """Marks a parameter that receives, as keyword arguments, the options of a typed model that were given."""

    model: type[BaseModel]
    panel: str | None = None
    show_defaults: bool = True


Reading = Annotated[dict[str, Any], OptionsOf(ReadingOptions, READING, show_defaults=False)]
TrainingOptions = Annotated[dict[str, Any], OptionsOf(Settings)]


@dataclass(frozen=True)
class Space:
    """The feature space in which fidelity is measured."""

    space: Annotated[str, typer.Option(help="Features for fidelity: trtr, inception, xrv or rad-dino.")] = "trtr"
    weights: Annotated[
        Path | None, typer.Option(help="Your copy of the weights of --space: a file; for rad-dino a folder.")
    ] = None
    download: Annotated[
        bool, typer.Option("--download", help="Download the published weights of --space if they are missing.")
    ] = False

    def open(self, device: str) -> Any:
        """The feature space with its weights, on a device; None for trtr, which is trained during the evaluation."""
        if self.space == "trtr":
            if self.weights is not None or self.download:
                raise SemirayError(
                    "--weights and --download need a --space with published weights; trtr, the default, has none."
                )
            return None
        from semiray.evaluation import feature_space

        return feature_space(self.space, weights=self.weights, download=self.download, device=device)


METAVARS = {
    "classes": "LABEL[=NAME],...",
    "class_shares": "CLASS=SHARE,...",
    "keep": "CONDITION",
    "findings": "all|none|NAME,...",
    "prior": "FILE|findings",
    "ground": "FILE|RECIPE",
}


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take a group of options as one parameter.

    Typer reads a command's options from its signature. Here it sees a signature in which every parameter that is a
    dataclass is replaced by the fields of the dataclass, and every parameter marked by `OptionsOf` by the options of
    the model. When the command is called, the groups are put together again.
    """
    hints = get_type_hints(command, include_extras=True)
    dataclasses: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    models: dict[str, OptionsOf] = {name: kind.__metadata__[0] for name, kind in hints.items() if _is_model(kind)}
    shown: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in models:
            group = models[name]
            shown += [_parameter(key, None, _typer_type(key, one, group)) for key, one in _leaves(group.model).items()]
        elif name in dataclasses:
            kinds = get_type_hints(dataclasses[name], include_extras=True)
            shown += [_parameter(field.name, field.default, kinds[field.name]) for field in fields(dataclasses[name])]
        else:
            shown.append(_parameter(name, parameter.default, hints[name]))

    @wraps(command)
    def wrapper(**given: Any) -> None:
        for name, group in models.items():
            words = {key: given.pop(key) for key in _leaves(group.model)}
            given[name] = {key: word for key, word in words.items() if word is not None}
        for name, kind in dataclasses.items():
            given[name] = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
        command(**given)

    wrapper.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    del wrapper.__wrapped__
    return wrapper


def _is_model(kind: Any) -> bool:
    return get_origin(kind) is Annotated and isinstance(kind.__metadata__[0], OptionsOf)


def _parameter(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _leaves(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The options of a model that aren't branches."""
    return {
        name: field
        for name, field in model.model_fields.items()
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel))
    }


def _typer_type(name: str, field: FieldInfo, group: OptionsOf) -> Any:
    """The annotation that makes Typer declare an option of a model."""
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType]
    if choices:
        word = field.annotation if isinstance(choices[0], str) else int
    elif kinds[0] is bool:
        word = bool
    else:
        word = kinds[0] if kinds[0] in (int, float) else str
    metavar = METAVARS.get(name) or "|".join(map(str, choices)) or None
    default = False if field.default is None or not group.show_defaults else str(field.default)
    meaning = f"{str(field.description)[:1].upper()}{str(field.description)[1:]}."
    option = typer.Option(help=meaning, metavar=metavar, show_default=default, rich_help_panel=group.panel)
    return Annotated[word | None, option]  # type: ignore[operator]
