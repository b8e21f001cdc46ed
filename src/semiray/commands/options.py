"""Options that several commands share, declared once: where the run lies, how DATA is read."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from semiray.errors import SemirayError

__all__ = [
    "Count",
    "Data",
    "Figure",
    "Framing",
    "Out",
    "Reading",
    "RunFolder",
    "Seed",
    "Space",
    "parse_classes",
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


class Framing(StrEnum):
    """How a radiograph that isn't square becomes one."""

    crop = "crop"
    pad = "pad"


@dataclass(frozen=True)
class Reading:
    """How DATA is read: the options of `semiray.radiographs.load_radiographs`, as words on the command line."""

    label_from: Annotated[
        str | None,
        typer.Option(help="Regular expression searched in each path below DATA; what matches is the label."),
    ] = None
    patient_from: Annotated[
        str | None,
        typer.Option(help="Likewise for the patient; or the name of a preset: kermany, hannover."),
    ] = None
    classes: Annotated[
        str | None,
        typer.Option(help="Labels to keep, in order; A=B renames, equal names merge. E.g. 'COVID, Normal=healthy'."),
    ] = None
    label_column: Annotated[str | None, typer.Option(help="The table's column of labels.")] = None
    patient_column: Annotated[str | None, typer.Option(help="The table's column of patients.")] = None
    path_column: Annotated[str | None, typer.Option(help="The table's column of image names.")] = None
    framing: Annotated[
        Framing | None, typer.Option(help="Cut the longer side at the centre (crop), or fill the shorter one (pad).")
    ] = None
    cache: Annotated[Path | None, typer.Option(help="The folder for decoded images; the user's cache otherwise.")] = (
        None
    )

    def given(self) -> dict[str, Any]:
        """What was said about labels, patients, classes and framing, as keyword arguments; not what was left open."""
        said: dict[str, Any] = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != "cache" and getattr(self, field.name) is not None
        }
        if "classes" in said:
            said["classes"] = parse_classes(said["classes"])
        if "framing" in said:
            said["framing"] = str(said["framing"])
        return said


@dataclass(frozen=True)
class Space:
    """The feature space that fidelity is measured in."""

    space: Annotated[
        str,
        typer.Option(help="Features for fidelity: trtr, inception, xrv or rad-dino."),
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
        from semiray.evaluation import feature_space

        return feature_space(self.space, weights=self.weights, download=self.download)


def parse_classes(text: str) -> dict[str, str]:
    """Read `--classes`: labels between commas, each optionally `label=name to call it by`, into label -> name.

    Raises:
        SemirayError: if a label is empty or stands twice.

    Example:
        >>> parse_classes("COVID, Normal")
        {'COVID': 'COVID', 'Normal': 'Normal'}
        >>> parse_classes("Viral Pneumonia=pneumonia, Lung_Opacity=pneumonia, Normal")
        {'Viral Pneumonia': 'pneumonia', 'Lung_Opacity': 'pneumonia', 'Normal': 'Normal'}
    """
    names: dict[str, str] = {}
    for entry in text.split(","):
        label, _, name = (part.strip() for part in entry.partition("="))
        name = name or label
        if not label or ("=" in entry and not entry.partition("=")[2].strip()):
            raise SemirayError(f"--classes '{text}': '{entry.strip()}' is not a label, nor label=name.")
        if label in names:
            raise SemirayError(f"--classes '{text}': {label} stands twice.")
        names[label] = name
    return names


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
    """Let a command take a group of options as one dataclass: on the command line its fields stand in its place.

    Typer reads a command's options off its signature; this one hands it a signature in which every parameter whose type
    is a dataclass is replaced by that dataclass's fields, and puts the dataclass together again when it is called.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    shown: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name not in groups:
            shown.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        kinds = get_type_hints(groups[name], include_extras=True)
        shown += [
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=kinds[field.name]
            )
            for field in fields(groups[name])
        ]

    @wraps(command)
    def wrapper(**given: Any) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
        command(**given)

    wrapper.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    del wrapper.__wrapped__
    return wrapper
