"""`semiray demo`: everything, on phantoms."""

from pathlib import Path
from typing import Annotated

import typer

from semiray.commands.options import Device, Out, Seed

__all__ = ["demo"]


def demo(
    out: Out = Path("demo"),
    minutes: Annotated[float, typer.Option(help="Minutes for everything, on 2 cores.")] = 10.0,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Assume, train, generate, look and measure, on phantoms, in ten minutes."""
    from semiray.commands.console import console, progress_bar, wrote
    from semiray.commands.live import live_reports
    from semiray.demo import run_demo
    from semiray.report import summarise

    steps = iter(range(1, 100))

    def say(line: str) -> None:
        console.print(f"{next(steps)}. {line}", markup=False)

    report = run_demo(out, minutes=minutes, seed=seed, device=device, say=say, bar=progress_bar, watch=live_reports)
    console.print()
    console.print("\n".join(summarise(report)), markup=False, soft_wrap=True)
    console.print(
        "\nThese are phantoms, toy images with known factors: the report is about semiray, not about a disease."
    )
    wrote(out / "proof" / "report.html")
