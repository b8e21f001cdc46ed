"""`semiray explore`: a run in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from semiray.commands.options import Cache, Device, RunFolder

__all__ = ["explore"]


def explore(
    run: RunFolder,
    data: Annotated[
        Path | None,
        typer.Argument(metavar="[DATA]", help="What RUN was trained on, to find the nearest training image."),
    ] = None,
    port: Annotated[int, typer.Option(help="Where to listen on this machine; if in use, the next free one.")] = 8765,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser, where there is a desktop.")] = True,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Report of RUN; by default RUN/proof, or proof beside RUN."),
    ] = None,
    cache: Cache = None,
    device: Device = "auto",
) -> None:
    """Open a page in the browser that shows RUN's images while factors are moved; only this machine can open it."""
    from semiray.commands.console import console, read_data
    from semiray.explorer import explore
    from semiray.training import Run

    loaded = Run.load(run, device)
    images = None
    if data is not None:
        images = read_data(data, resolution=loaded.resolution, cache=cache, **loaded.settings.data.reading)
    explore(
        loaded,
        images,
        port=port,
        browser=browser,
        report=report,
        device=device,
        say=lambda line: console.print(line, soft_wrap=True),
    )
