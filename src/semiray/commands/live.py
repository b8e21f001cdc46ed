"""Reports while training runs: a table that redraws itself in a terminal, lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from semiray.commands.console import console

if TYPE_CHECKING:
    from semiray.training import TrainingReport

__all__ = ["live_reports", "report_line", "report_table"]

_LINE_SECONDS = 20.0  # between lines where there is no terminal to redraw
_BAR = 24  # characters


@contextmanager
def live_reports() -> Iterator[Callable[["TrainingReport"], None]]:
    """Show reports as they come: a table that redraws itself, or a line now and then where there is no terminal."""
    if not console.is_terminal:
        last = -_LINE_SECONDS

        def say(report: "TrainingReport") -> None:
            nonlocal last
            if time.monotonic() - last >= _LINE_SECONDS or report.seconds_left <= 0:
                last = time.monotonic()
                console.print(report_line(report), markup=False, soft_wrap=True)

        yield say
        return
    with Live(console=console, refresh_per_second=2) as live:
        console.print("Training. Ctrl-C saves and stops.")
        yield lambda report: live.update(report_table(report))


def report_line(report: "TrainingReport") -> str:
    """A report in one line."""
    losses = " ".join(f"{name} {value:.3g}" for name, value in report.losses.items())
    commitment = " ".join(f"{name} {value:.2f}" for name, value in report.commitment.items())
    return (
        f"{report.images:,} images, {report.images_per_second:.0f}/s, {_clock(report.seconds_left)} left"
        f" | losses: {losses} | commitment R²: {commitment}"
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
    return table


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
