"""What the commands show: one console, progress bars for what takes long, and the words about data that was read."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from semiray.radiographs import ImageArray, RadiographSet

__all__ = ["console", "describe_data", "progress_bar", "read_data", "save_figure", "wrote"]

_PATIENCE = 2.0  # seconds; what is done sooner needs no bar
_LISTED = 5  # files that could not be read, named one by one

console = Console(highlight=False)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function (done, total) that draws a bar once its work has taken two seconds."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
    )
    task = bar.add_task(title, total=None)
    started = time.monotonic()

    def show(done: int, total: int) -> None:
        if time.monotonic() - started > _PATIENCE and console.is_terminal:
            bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield show
    finally:
        bar.stop()


def read_data(data: Path, *, resolution: int, cache: Path | None = None, **options: Any) -> "RadiographSet[ImageArray]":
    """Load DATA with a bar, and say what was read."""
    from semiray.radiographs import load_radiographs

    with progress_bar("Reading radiographs") as show:
        images = load_radiographs(data, resolution=resolution, cache=cache, progress=show, **options)
    console.print(describe_data(images), markup=False)
    return images


def describe_data(data: "RadiographSet[ImageArray]") -> str:
    """What was read, in a line: images, patients, classes; and the files that could not be read."""
    import numpy as np

    counts = {name: int((data.labels == i).sum()) for i, name in enumerate(data.classes)}
    unlabelled = int((data.labels < 0).sum())
    classes = ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "no labels"
    more = f", unlabelled {unlabelled:,}" if counts and unlabelled else ""
    lines = [f"{len(data):,} images of {len(np.unique(data.patient_codes)):,} patients: {classes}{more}"]
    lines += [f"note: {note}" for note in data.notes]
    if data.skipped:
        lines.append(f"{len(data.skipped):,} files could not be read and are left out:")
        lines += [f"  {key}: {reason}" for key, reason in data.skipped[:_LISTED]]
        if len(data.skipped) > _LISTED:
            lines.append(f"  and {len(data.skipped) - _LISTED:,} more; `semiray data inspect` lists them all")
    return "\n".join(lines)


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure in one step, in the format that its name's ending says, and say where."""
    from semiray.errors import SemirayError
    from semiray.files import whole_file

    known = figure.canvas.get_supported_filetypes()
    kind = path.suffix.lower().removeprefix(".")
    if kind not in known:
        raise SemirayError(f"--out {path}: name a figure that ends in .png, .pdf or .svg.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format=kind)
    wrote(path)


def wrote(path: Path) -> None:
    """Say what was written."""
    console.print(f"Wrote {path}", markup=False, soft_wrap=True)
