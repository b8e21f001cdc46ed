"""What the commands show: one console, progress bars, reports while training runs, words about data that was read."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from semiray.escaping import in_terminal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from semiray.radiographs import ImageArray, RadiographSet
    from semiray.training import TrainingReport

__all__ = [
    "Shown",
    "console",
    "describe_data",
    "live_reports",
    "progress_bar",
    "read_data",
    "report_line",
    "report_table",
    "save_figure",
    "wrote",
]

_PATIENCE = 2.0  # seconds; what is done sooner needs no bar
_LISTED = 5  # files that could not be read, named one by one
_LINE_SECONDS = 20.0  # between lines where there is no terminal to redraw
_BAR_LINE_SECONDS = 10.0  # the same of a bar
_BAR = 24  # characters


class CleanConsole(Console):
    """A console on which words of others are only words: no markup, no emoji codes, no control characters."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Text as it is shown."""
        return super().render_str(in_terminal(text), **options)


console = CleanConsole(highlight=False, markup=False, emoji=False)


class Shown:
    """A progress to be called with (done, total): a bar in a terminal, elsewhere a line every ten seconds or a stage.

    Nothing is shown of what takes less than two seconds.
    """

    def __init__(self, title: str) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self.title, self.task = title, self.bar.add_task(title, total=None)
        self.started = self.said = time.monotonic()
        self.left = ""

    def __call__(self, done: int, total: int) -> None:
        """Show how far the work is."""
        now = time.monotonic()
        if console.is_terminal and now - self.started > _PATIENCE:
            self.bar.start()
        self.bar.update(self.task, completed=done, total=total)
        left = (now - self.started) * (total - done) / done if done else None
        self.left = f", {100 * done // max(total, 1)} %" + ("" if left is None else f", {_clock(left)} left")
        if now - self.said >= _BAR_LINE_SECONDS and done < total:
            self._say()

    def stage(self, name: str) -> None:
        """Name what is worked on from now."""
        self.bar.update(self.task, description=f"{self.title}: {name}")
        self._say()

    def _say(self) -> None:
        if not console.is_terminal:
            console.print(f"{self.bar.tasks[0].description}{self.left}", soft_wrap=True)
            self.said = time.monotonic()


@contextmanager
def progress_bar(title: str) -> Iterator[Shown]:
    """Give a function (done, total) that shows how far its work is, and how long it still takes."""
    shown = Shown(title)
    try:
        yield shown
    finally:
        if shown.bar.live.is_started:  # else it writes an empty line
            shown.bar.stop()


def read_data(data: Path, *, resolution: int, cache: Path | None = None, **options: Any) -> "RadiographSet[ImageArray]":
    """Load DATA with a bar, and say what was read."""
    from semiray.radiographs import load_radiographs

    with progress_bar("Reading radiographs") as show:
        images = load_radiographs(data, resolution=resolution, cache=cache, progress=show, **options)
    console.print(describe_data(images), soft_wrap=True)
    return images


def describe_data(data: "RadiographSet[ImageArray]") -> str:
    """What was read and what was left out; and the files that could not be read."""
    import numpy as np

    from semiray.radiographs.reading.summary import counted

    if data.summary is not None:
        lines = data.summary.lines()
    else:
        counts = {name: int((data.labels == i).sum()) for i, name in enumerate(data.classes)}
        classes = ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "no labels"
        lines = [f"{len(data):,} images of {len(np.unique(data.patient_codes)):,} patients: {classes}"]
    if data.skipped:
        lines.append(f"{counted(len(data.skipped), 'file', 'files')} could not be read and were left out:")
        lines += [f"  {key}: {reason}" for key, reason in data.skipped[:_LISTED]]
        if len(data.skipped) > _LISTED:
            lines.append(f"  and {len(data.skipped) - _LISTED:,} more; `semiray data inspect` lists them all")
    return "\n".join(lines)


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure in one step, in the format that its name's ending says, and say where."""
    from semiray.errors import SemirayError
    from semiray.figures import check_replaceable
    from semiray.files import user_path, whole_file

    known = figure.canvas.get_supported_filetypes()
    kind = path.suffix.lower().removeprefix(".")
    if kind not in known:
        raise SemirayError(f"--out {path}: name a figure that ends in .png, .pdf or .svg.")
    path = user_path(path)
    check_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format=kind)
    wrote(path)


def wrote(path: Path) -> None:
    """Say what was written."""
    console.print(f"Wrote {path}", soft_wrap=True)


@contextmanager
def live_reports() -> Iterator[Callable[["TrainingReport"], None]]:
    """Show reports as they come: a table that redraws itself, or a line now and then where there is no terminal."""
    if not console.is_terminal:
        last = -_LINE_SECONDS

        def say(report: "TrainingReport") -> None:
            nonlocal last
            if report.note:
                console.print(report.note, soft_wrap=True)
            if time.monotonic() - last >= _LINE_SECONDS or report.seconds_left <= 0:
                last = time.monotonic()
                console.print(report_line(report), soft_wrap=True)

        yield say
        return
    with Live(console=console, refresh_per_second=2) as live:
        console.print("Training. Ctrl-C saves and stops.")

        def redraw(report: "TrainingReport") -> None:
            if report.note:
                console.print(report.note)
            live.update(report_table(report))

        yield redraw


def report_line(report: "TrainingReport") -> str:
    """A report in one line."""
    losses = " ".join(f"{name} {value:.3g}" for name, value in report.losses.items())
    commitment = " ".join(f"{name} {value:.2f}" for name, value in report.commitment.items())
    measured = _measured(report)
    return (
        f"{report.images:,} images, {report.images_per_second:.0f}/s, {_clock(report.seconds_left)} left"
        f" | losses: {losses}{' | commitment R²: ' * bool(commitment)}{commitment}"
        f"{' | validation: ' * bool(measured)}{measured}"
    )


def report_table(report: "TrainingReport") -> RenderableType:
    """A report as a table: how far, how fast, the losses, and a bar of R² for each factor."""
    whole = report.seconds + report.seconds_left
    table = Table.grid(padding=(0, 2))
    table.add_row(
        ProgressBar(total=max(whole, 1e-9), completed=report.seconds, width=_BAR),
        f"{_clock(report.seconds_left)} left, {report.images:,} images, {report.images_per_second:.0f} per second",
    )
    table.add_row("losses", "  ".join(f"{name} {value:.3g}" for name, value in report.losses.items()))
    for name, value in report.commitment.items():
        bar = ProgressBar(total=1.0, completed=min(1.0, max(0.0, value)), width=_BAR)
        table.add_row(bar, f"{name}: commitment R² {value:.2f}")
    if measured := _measured(report):
        table.add_row("validation", measured)
    return table


def _measured(report: "TrainingReport") -> str:
    return f"{report.validation}, best at {report.best:,} images" if report.validation and report.best else ""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
