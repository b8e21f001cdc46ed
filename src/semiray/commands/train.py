"""`semiray train`: options turned into settings, and training watched."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semiray.commands.options import Data, Out, Reading, read_ground, with_groups
from semiray.errors import SemirayError

if TYPE_CHECKING:
    from semiray.settings import Settings

__all__ = ["train"]


@with_groups
def train(
    data: Data,
    out: Out,
    reading: Reading,
    resolution: Annotated[int | None, typer.Option(metavar="32|64|128|256", help="Side of the images; 64.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Minutes to train; 30 if neither this nor images.")] = None,
    images: Annotated[int | None, typer.Option(help="Images to train on, each counted each time it is shown.")] = None,
    preset: Annotated[str | None, typer.Option(metavar="default|study", help="Where all other settings start.")] = None,
    prior: Annotated[Path | None, typer.Option(help="What is assumed, in YAML; the study's prior otherwise.")] = None,
    ground: Annotated[
        str | None, typer.Option(help="Columns that ground factors: a YAML or TOML file, or hannover or ieee8023.")
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="Settings in YAML or TOML.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, e.g. objectives.sort=0.5; any number of times.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the split, the first weights and every draw; 0.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in OUT, after an interruption.")] = False,
) -> None:
    """Train on DATA's training patients, and write the run. Ctrl-C saves; --resume goes on.

    On several GPUs or machines: torchrun --nproc-per-node K -m semiray train ..., any K for the same run.
    """
    from semiray.commands.console import console, read_data, wrote
    from semiray.commands.live import live_reports
    from semiray.priors import JointPrior, read_grounds
    from semiray.settings import load_settings
    from semiray.training import RunFiles, train
    from semiray.training.loop import check_unused
    from semiray.training.process_group import join_process_group
    from semiray.training.run import read_run_record, run_prior

    tree = None if prior is None else JointPrior.from_yaml(prior).to_dict()
    chosen = load_settings(
        settings,
        assignments or (),
        resolution=resolution,
        minutes=minutes,
        images=images,
        preset=preset,
        prior=tree,
        ground=None if ground is None else read_ground(ground),
        seed=seed,
        data=reading.given() or None,
    )
    with join_process_group() as team:
        console.quiet = not team.leads
        if not resume and team.leads:
            check_unused(RunFiles(out))  # before anything is read: decoding a large folder takes minutes
            read_grounds(chosen.ground, run_prior(chosen))
        read = read_run_record(out)[0] if resume else chosen
        if resume and (assignments or settings or preset or prior or ground or resolution or seed is not None):
            check_same(chosen, read)
        options = read.data.model_dump(exclude={"fractions"}) | reading.given()
        with team.one_first():
            radiographs = read_data(data, resolution=read.resolution, cache=reading.cache, **options)
        with live_reports() as show:
            run = train(radiographs, out, chosen, resume=resume, on_report=show)
    console.print(run.meaning, markup=False, soft_wrap=True)
    wrote(out)
    words = shlex.join(["semiray", "evaluate", str(out), str(data), "--out", "proof"])
    console.print(f"Next: {words}", markup=False, soft_wrap=True)


def check_same(asked: "Settings", run: "Settings") -> None:
    """Raise if options given with --resume aren't those that the run was started with; its budget may differ."""
    budget = {"minutes", "images", "data"}
    ours, theirs = asked.model_dump(exclude=budget), run.model_dump(exclude=budget)
    differing = [name for name in ours if ours[name] != theirs[name]]
    if differing:
        raise SemirayError(
            f"--resume goes on with the run's own settings, and these options change its {', '.join(differing)}: "
            "leave them out, or train anew with another --out."
        )
