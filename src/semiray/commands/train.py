"""`semiray train` and `demo`: training watched as it goes."""

import shlex
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from semiray.commands.options import (
    Cache,
    Data,
    Device,
    OfficialSplit,
    Out,
    Reading,
    Seed,
    TrainingOptions,
    with_groups,
)
from semiray.errors import SemirayError

__all__ = ["demo", "train"]


@with_groups
def train(
    data: Data,
    out: Out,
    options: TrainingOptions,
    reading: Reading,
    cache: Cache = None,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings in YAML or TOML; options given here win.")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting, e.g. objectives.sort=0.5; can be repeated."),
    ] = None,
    official_split: OfficialSplit = False,
    thin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS=SHARE",
            help="For experiments: keep this share of a class's training patients; can be repeated.",
        ),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Start from a run's weights, also one of `semiray runs` or the Hub; its sizes and prior unless set.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in OUT after an interruption.")] = False,
    device: Device = "auto",
) -> None:
    """Train on DATA and write the run to OUT. Ctrl-C saves; --resume continues.

    On several GPUs or machines: torchrun --nproc-per-node K -m semiray train ...; the same run may continue on any K.
    """
    from semiray.commands.console import console, live_reports, read_data, wrote
    from semiray.settings import load_settings
    from semiray.training import join_process_group, plan_training, train

    chosen = reading | {"official_split": True} if official_split else reading
    chosen = chosen | {"thin": dict(map(_share, thin))} if thin else chosen
    asked = load_settings(settings, assignments or (), **options, data=chosen or None)
    with join_process_group() as group:
        console.quiet = not group.leads
        # Before a large folder is decoded.
        planned = plan_training(out, asked, start_from=start_from, resume=resume, device=device)
        with group.one_first():
            reading = planned.data.reading | reading
            radiographs = read_data(data, resolution=planned.resolution, cache=cache, **reading)
        with live_reports() as show:
            run = train(
                radiographs,
                out,
                asked,
                start_from=start_from,
                resume=resume,
                device=device,
                on_report=show,
                on_start=partial(console.print, soft_wrap=True),
            )
    console.print(run.meaning, soft_wrap=True)
    wrote(out)
    words = shlex.join(["semiray", "evaluate", str(out), str(data), "--out", "proof"])
    console.print(f"Next: {words}", soft_wrap=True)


def _share(text: str) -> tuple[str, float]:
    """Read CLASS=SHARE."""
    name, _, share = text.rpartition("=")
    try:
        return name, float(share)
    except ValueError:
        raise SemirayError(f"--thin {text}: expected CLASS=SHARE, such as virus=0.1.") from None


def demo(
    out: Out = Path("demo"),
    minutes: Annotated[float, typer.Option(help="Minutes for the phantoms, on 2 cores.")] = 4.0,
    full: Annotated[
        bool, typer.Option("--full", help="Ten minutes for the phantoms: better images, narrower intervals.")
    ] = False,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Show images of a trained run; then assume, train, generate, look and measure, on phantoms, in four minutes."""
    from semiray.commands.console import console, live_reports, progress_bar, wrote
    from semiray.demo import FULL, run_demo
    from semiray.report import summarise

    minutes = FULL if full else minutes
    steps = iter(range(1, 100))

    def say(line: str) -> None:
        console.print(f"{next(steps)}. {line}", soft_wrap=True)

    report = run_demo(out, minutes=minutes, seed=seed, device=device, say=say, bar=progress_bar, watch=live_reports)
    console.print()
    console.print("\n".join(summarise(report)), soft_wrap=True)
    console.print(
        "\nThese are phantoms, toy images with known factors: the report is about semiray, not about a disease."
    )
    wrote(out / "proof" / "report.html")
