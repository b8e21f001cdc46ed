"""`semiray data`: look at radiographs before training on them, and make a phantom where there are none."""

from pathlib import Path
from typing import Annotated

import typer

from semiray.commands.options import Count, Data, Reading, Seed, with_groups

__all__ = ["app"]

app = typer.Typer(help="Look at radiographs before training on them; make phantoms.", no_args_is_help=True)


@app.command("inspect")
@with_groups
def inspect_data(
    data: Data,
    reading: Reading,
    out: Annotated[Path, typer.Option("--out", help="The contact sheet to write.")] = Path("contact-sheet.png"),
    resolution: Annotated[int, typer.Option(min=16, help="Side of the squares that are compared and shown.")] = 64,
) -> None:
    """Count classes, patients, sizes, unreadable files and duplicates, and write a contact sheet."""
    from semiray.commands.console import console, progress_bar, wrote
    from semiray.radiographs import inspect

    with progress_bar("Reading radiographs") as show:
        inspection = inspect(
            data, resolution=resolution, sheet=out, cache=reading.cache, progress=show, **reading.given()
        )
    console.print("\n".join(inspection.lines()), markup=False, soft_wrap=True)
    wrote(out)


@app.command("phantom")
def phantom(
    out: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    n: Count = 3000,
    resolution: Annotated[int, typer.Option(min=16, max=1024, help="Side of the images in pixels.")] = 64,
    seed: Seed = 0,
) -> None:
    """Render phantoms: toy radiographs of three classes whose factors are known, saved beside the images."""
    from semiray.commands.console import console, progress_bar, wrote
    from semiray.demo import make_phantoms

    with progress_bar("Rendering phantoms") as show:
        make_phantoms(out, n, resolution=resolution, seed=seed, progress=show)
    console.print(f"{n:,} phantoms: toy images for trying semiray, not radiographs of anyone.")
    wrote(out / "factors.csv")
