"""`semiray data`: look at radiographs before training on them, and make a phantom where there are none."""

from pathlib import Path
from typing import Annotated, Any

import typer

from semiray.commands.options import Cache, Count, Data, Reading, Seed, with_groups

__all__ = ["app"]

app = typer.Typer(help="Look at radiographs before training on them; make phantoms.", no_args_is_help=True)


@app.command("inspect")
@with_groups
def inspect_data(
    data: Data,
    reading: Reading,
    cache: Cache = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The contact sheet to write; contact-sheet.png, but nothing inside DATA."),
    ] = None,
    resolution: Annotated[
        int | None, typer.Option(min=16, help="Side of the images compared and shown; 64, or a prepared set's own.")
    ] = None,
    source_column: Annotated[
        str | None, typer.Option(help="The table's column of sources: hospitals, scanners or collections.")
    ] = None,
) -> None:
    """Count classes, patients, sizes, unreadable files and duplicates, and write a contact sheet.

    Then measure how well classes, and sources where a column names them, can be told from what isn't disease: the
    images' border, their intensities, a thumbnail of 8 x 8 pixels.
    """
    from semiray.commands.console import console, progress_bar, wrote
    from semiray.evaluation import measure_shortcuts
    from semiray.radiographs import inspect
    from semiray.report.sections.shortcuts import shortcut_lines

    inside = data.is_dir() and Path.cwd().is_relative_to(data.resolve())
    sheet = out or (None if inside else Path("contact-sheet.png"))
    with progress_bar("Reading radiographs") as show:
        inspection = inspect(data, resolution=resolution, sheet=sheet, cache=cache, progress=show, **reading)
    console.print("\n".join(inspection.lines()), soft_wrap=True)
    if sheet is None:
        console.print("No contact sheet, since this folder is inside DATA: name a file elsewhere with --out.")
    else:
        wrote(sheet)
    xrays = inspection.data.radiographs
    groups = {} if source_column is None else {"sources": xrays.groups(source_column)}
    if len(xrays.classes) > 1:
        groups["classes"] = (xrays.labels, xrays.classes)
    for kind, (group, names) in groups.items():
        with progress_bar(f"Looking for shortcuts between {kind}") as show:
            found = measure_shortcuts(xrays.images, group, names, xrays.patients, progress=show)
        head = f"shortcuts between {kind}: area under the ROC curve of one view alone; chance level 0.5"
        console.print("\n".join(["", head, *shortcut_lines(found)]), soft_wrap=True)


@app.command("prepare")
@with_groups
def prepare_data(
    data: Data,
    out: Annotated[Path, typer.Option("--out", metavar="PREPARED", help="A new or empty folder.")],
    reading: Reading,
    resolution: Annotated[int, typer.Option(min=16, help="Side of the images in pixels.")] = 64,
) -> None:
    """Decode DATA once into a folder that every command accepts as DATA, for sets larger than memory.

    After an interruption, the same command continues where it stopped.
    """
    from semiray.commands.console import console, describe_data, progress_bar, wrote
    from semiray.radiographs import prepare_radiographs

    with progress_bar("Decoding radiographs") as show:
        prepared = prepare_radiographs(data, out, resolution=resolution, progress=show, **reading)
    console.print(describe_data(prepared), soft_wrap=True)
    wrote(out)


@app.command("phantom")
def phantom(
    out: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    n: Count = 3000,
    resolution: Annotated[int, typer.Option(min=16, max=1024, help="Side of the images in pixels.")] = 64,
    seed: Seed = 0,
    findings: Annotated[
        bool, typer.Option("--findings", help="Phantoms of four findings, there or not, in place of three classes.")
    ] = False,
    blanks: Annotated[
        float, typer.Option(min=0, max=1, help="With --findings: share of the table's cells that are empty.")
    ] = 0.0,
    disagreement: Annotated[
        float, typer.Option(min=0, max=1, help="With --findings: share of the cells on which two readers disagree.")
    ] = 0.0,
) -> None:
    """Render phantoms: toy radiographs of three classes with known factors, which are saved with the images."""
    from semiray.commands.console import console, progress_bar, wrote
    from semiray.demo import make_finding_phantoms, make_phantoms
    from semiray.errors import SemirayError

    if (blanks or disagreement) and not findings:
        raise SemirayError("--blanks and --disagreement are about findings: give --findings, too.")
    with progress_bar("Rendering phantoms") as show:
        how: dict[str, Any] = {"resolution": resolution, "seed": seed, "progress": show}
        if findings:
            make_finding_phantoms(out, n, blanks=blanks, disagreement=disagreement, **how)
        else:
            make_phantoms(out, n, **how)
    console.print(f"{n:,} phantoms: toy images for trying semiray, not radiographs of anyone.")
    wrote(out / ("findings.csv" if findings else "factors.csv"))
