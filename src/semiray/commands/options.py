"""Options that several commands share: the run's folder, how DATA is read, the feature space."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from pydantic import BaseModel, Field

from semiray.errors import SemirayError
from semiray.radiographs.reading.options import ReadingOptions

__all__ = [
    "Count",
    "Data",
    "Figure",
    "Out",
    "Reading",
    "RunFolder",
    "Seed",
    "Space",
    "read_ground",
    "with_groups",
]

Data = Annotated[
    Path, typer.Argument(help="A folder of radiographs or .tar shards, a table that lists them, or a prepared set.")
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a trained run.")]
Out = Annotated[Path, typer.Option("--out", help="The folder to write to.")]
Figure = Annotated[Path, typer.Option("--out", help="The figure to write: .png, .pdf or .svg.")]
Count = Annotated[int, typer.Option("-n", "--count", min=1, help="How many images.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same images.")]


class Reading(ReadingOptions):
    """How DATA is read, on the command line: the reader's options and the cache."""

    cache: Path | None = Field(None, description="the folder for decoded images; the user's cache if not given")

    def given(self) -> dict[str, Any]:
        """Return the reader's options that were given, as keyword arguments."""
        return self.model_dump(exclude_unset=True, exclude={"cache"})


@dataclass(frozen=True)
class Space:
    """The feature space that fidelity is measured in."""

    space: Annotated[
        str,
        typer.Option(
            help="Features for fidelity: trtr, inception, xrv, rad-dino, or a .pt, .onnx or .safetensors file."
        ),
    ] = "trtr"
    weights: Annotated[
        Path | None, typer.Option(help="Your copy of the space's weights: a file, for rad-dino a folder.")
    ] = None
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the space's published weights if they are missing.")
    ] = False

    def open(self) -> Any:
        """The feature space, its weights at hand; None for trtr, which is made on the way."""
        if self.space == "trtr":
            if self.weights is not None or self.download:
                raise SemirayError(
                    "--weights and --download go with a --space that has published weights; trtr has none."
                )
            return None
        from semiray.commands.console import progress_bar
        from semiray.evaluation import feature_space

        with progress_bar("Fetching weights (MB)") as show:
            return feature_space(self.space, weights=self.weights, download=self.download, progress=show)


def read_ground(text: str) -> Any:
    """What stands under `ground` in a file, or all of the file; or a recipe's name as it is."""
    from semiray.priors import RECIPES
    from semiray.settings import read_tree

    if text in RECIPES:
        return text
    if not Path(text).exists():
        raise SemirayError(f"--ground {text}: neither a file nor a recipe; the recipes are {', '.join(RECIPES)}")
    tree = read_tree(Path(text))
    return tree.get("ground", tree)


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take a group of options as one value: a dataclass, or a pydantic model.

    Typer reads a command's options from its signature. The wrapper's signature replaces every parameter whose type is
    such a group by the group's fields; a call puts the group together again. A model's options have its fields' names
    and descriptions; those that aren't given on the command line stay unset in it.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {name: _options(kind) for name, kind in hints.items() if is_dataclass(kind) or _is_model(kind)}
    shown: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        single = parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        shown += groups.get(name, [single])

    @wraps(command)
    def wrapper(**given: Any) -> None:
        for group, options in groups.items():
            kind, values = hints[group], {option.name: given.pop(option.name) for option in options}
            said = {name: value for name, value in values.items() if value is not None}
            given[group] = kind.model_validate(said) if _is_model(kind) else kind(**values)
        command(**given)

    wrapper.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    del wrapper.__wrapped__
    return wrapper


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _options(kind: Any) -> list[inspect.Parameter]:
    """A group's fields as parameters of a command."""
    if not _is_model(kind):
        kinds = get_type_hints(kind, include_extras=True)
        declared = [(field.name, field.default, kinds[field.name]) for field in fields(kind)]
    else:
        declared = []
        for name, field in kind.model_fields.items():
            text = str if field.annotation == dict[str, str] | None else field.annotation  # `classes`, which reads text
            says = f"{field.description[:1].upper()}{field.description[1:]}."
            declared.append((name, None, Annotated[text | None, typer.Option(help=says)]))
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, default, annotation in declared
    ]
