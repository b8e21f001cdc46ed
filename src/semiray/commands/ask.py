"""`semiray generate`, `traverse`, `networks`: images from a run, and looks at it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semiray.commands.options import Count, Figure, Out, RunFolder, Seed, with_groups

if TYPE_CHECKING:
    from semiray.generation import CopyFilter
    from semiray.settings import Settings
    from semiray.training import Run

__all__ = ["generate", "networks", "samples", "traverse"]


@dataclass(frozen=True)
class Scale:
    """How a large sample is dealt out and stored."""

    format: Annotated[
        str, typer.Option(metavar="png|webdataset|parquet", help="PNG files, or shards of many images each.")
    ] = "png"
    per_shard: Annotated[
        int | None, typer.Option(help="Images a shard, a multiple of 64; 10240. Of PNG files: saved at a time; 1024.")
    ] = None
    shard: Annotated[
        str, typer.Option(metavar="K/OF", help="This process's share of the images: 0/4 is the first of four.")
    ] = "0/1"
    start: Annotated[int, typer.Option(help="Index of the first image.")] = 0
    bf16: Annotated[
        bool, typer.Option("--bf16", help="Twice as fast where the processor has it; grey levels differ by one.")
    ] = False


@with_groups
def generate(
    run: RunFolder,
    out: Out,
    scale: Scale,
    n: Count = 600,
    label: Annotated[str | None, typer.Option(help="A class of the run; all in equal shares otherwise.")] = None,
    where: Annotated[
        str | None, typer.Option(help="What the codes must obey, e.g. 'survival == 1 and duration <= 14'.")
    ] = None,
    seed: Seed = 0,
    reject_copies: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA", help="What RUN was trained on: drop and count images that come too near to one of them."
        ),
    ] = None,
) -> None:
    """Generate images that obey the prior, or the prior given an event: PNG files and a manifest of their codes.

    Killed and called again, it goes on where it was. Large samples belong in shards, written by many processes at once.
    """
    from semiray.commands.console import console, progress_bar, wrote
    from semiray.generation import Request, Share, write_sample

    share = Share.parse(scale.shard)
    request = Request(_load(run), label=label, where=where, seed=seed, bf16=scale.bf16)
    copies = None if reject_copies is None else _copy_filter(request.run, reject_copies)
    with progress_bar("Generating") as show:
        found = write_sample(
            request,
            n,
            out,
            start=scale.start,
            form=scale.format,
            per_part=scale.per_shard,
            share=share,
            reject_copies=copies,
            progress=show,
        )
    if copies is not None and copies.seen:
        console.print(copies.summary(), soft_wrap=True)
    if request.event_probability is not None:
        console.print(f"P({where}) = {request.event_probability:.4g} under the prior", markup=False, soft_wrap=True)
    if found is None:
        console.print(f"Share {scale.shard} of {out} is complete; parts of others are missing.", markup=False)
    else:
        wrote(found)


def traverse(
    run: RunFolder,
    out: Figure = Path("traversal.png"),
    patients: Annotated[int, typer.Option(min=1, help="Rows a class, each a patient with fixed noise.")] = 2,
    steps: Annotated[int, typer.Option(min=2, help="Columns a factor, over its quantiles.")] = 7,
    seed: Seed = 0,
) -> None:
    """Draw the same patients under changing factors, one factor at a time."""
    from semiray.commands.console import save_figure
    from semiray.generation import traverse

    save_figure(traverse(_load(run), patients=patients, steps=steps, seed=seed), out)


def samples(
    run: RunFolder,
    out: Figure = Path("samples.png"),
    where: Annotated[str | None, typer.Option(help="What the codes must obey.")] = None,
    seed: Seed = 0,
) -> None:
    """Draw generated images of every class."""
    from semiray.commands.console import save_figure
    from semiray.generation import plot_samples

    save_figure(plot_samples(_load(run), where=where, seed=seed), out)


def networks(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="The folder of a trained run.")] = None,
    preset: Annotated[str, typer.Option(metavar="default|study", help="Without a run: of this preset.")] = "default",
    resolution: Annotated[int, typer.Option(metavar="32|64|128|256", help="Without a run: at this size.")] = 64,
    out: Figure = Path("networks.png"),
) -> None:
    """Draw generator and discriminator of a run or of a preset: layers, shapes, parameters."""
    from semiray.commands.console import save_figure
    from semiray.generation import plot_networks
    from semiray.settings import make_settings

    if run is None:
        shown = _untrained(make_settings({"preset": preset, "resolution": resolution}, "semiray networks"))
    else:
        shown = _load(run)
    save_figure(plot_networks(shown), out)


def _copy_filter(run: "Run", data: Path) -> "CopyFilter":
    from semiray.commands.console import read_data
    from semiray.generation import CopyFilter

    images = read_data(data, resolution=run.resolution, **run.settings.data.model_dump(exclude={"fractions"}))
    return CopyFilter(run, images)


def _untrained(settings: "Settings") -> "Run":
    from semiray.networks import build_networks
    from semiray.training import Run, network_shape, run_prior

    prior = run_prior(settings)
    generator, discriminator = build_networks(settings.networks.architecture, network_shape(settings, prior, 0))
    return Run(Path(settings.preset), settings, prior, (), generator, discriminator)


def _load(run: Path) -> "Run":
    from semiray.training import Run

    return Run.load(run)
