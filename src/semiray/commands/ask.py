"""`semiray generate`, `traverse`, `represent`, `encode`, `samples`, `networks`: what a run gives."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from semiray.commands.options import Cache, Count, Data, Device, Figure, Out, Reading, RunFolder, Seed, with_groups

if TYPE_CHECKING:
    from semiray.settings import Settings
    from semiray.training import Run

__all__ = ["encode", "generate", "networks", "represent", "samples", "traverse"]

Where = Annotated[
    str | None,
    typer.Option(metavar="EVENT", help="Event that all codes obey, e.g. 'survival == 1 and duration <= 14'."),
]


@dataclass(frozen=True)
class Scale:
    """How a large sample is divided and stored."""

    form: Annotated[
        Literal["png", "dicom", "imagefolder", "webdataset", "parquet"],
        typer.Option(
            "--format",
            metavar="png|dicom|imagefolder|webdataset|parquet",
            help="A file per image: PNG, DICOM, PNG as Hugging Face's datasets read them; or shards of many images.",
        ),
    ] = "png"
    per_shard: Annotated[
        int | None,
        typer.Option(help="Images per shard, a multiple of 64 (10240); without shards, images saved at a time (1024)."),
    ] = None
    shard: Annotated[
        str, typer.Option(metavar="K/OF", help="Share of the images that this process makes: 0/4 is the first of four.")
    ] = "0/1"
    start: Annotated[int, typer.Option(min=0, help="Index of the first image.")] = 0
    bf16: Annotated[
        bool,
        typer.Option("--bf16", help="Compute in bfloat16: twice as fast where supported; grey levels differ a little."),
    ] = False


@with_groups
def generate(
    run: RunFolder,
    out: Out,
    scale: Scale,
    n: Count = 600,
    label: Annotated[
        str | None, typer.Option(help="Class of all images; by default all classes in equal shares.")
    ] = None,
    where: Where = None,
    hold: Annotated[
        list[str] | None,
        typer.Option(metavar="FACTOR=VALUE", help="Set a factor, or a dimension, of every image; may be repeated."),
    ] = None,
    seed: Seed = 0,
    reject_copies: Annotated[
        Path | None,
        typer.Option(metavar="DATA", help="What RUN was trained on: drop and count images that copy one of them."),
    ] = None,
    cache: Cache = None,
    device: Device = "auto",
) -> None:
    """Generate images whose codes follow the prior, or the prior given an event: files, and a manifest of the codes.

    The same command again continues where it was stopped. For large samples use shards, written by many processes.
    """
    from semiray.commands.console import console, progress_bar, read_data, wrote
    from semiray.generation import CopyFilter, Request, Share, parse_hold, write_sample
    from semiray.training import Run

    share = Share.parse(scale.shard)
    loaded = Run.load(run, device)
    request = Request(loaded, label=label, where=where, seed=seed, hold=parse_hold(hold or ()), bf16=scale.bf16)
    copies = None
    if reject_copies is not None:
        options = loaded.settings.data.reading
        copies = CopyFilter(loaded, read_data(reject_copies, resolution=loaded.resolution, cache=cache, **options))
    with progress_bar("Generating") as show:
        found = write_sample(
            request,
            n,
            out,
            start=scale.start,
            form=scale.form,
            per_part=scale.per_shard,
            share=share,
            reject_copies=copies,
            progress=show,
        )
    if copies is not None and copies.seen:
        console.print(copies.summary(), soft_wrap=True)
    if request.event_probability is not None:
        console.print(f"P({where}) = {request.event_probability:.4g} under the prior", soft_wrap=True)
    if found is None:
        console.print(f"Share {scale.shard} of {out} is complete; other shares are missing.")
    else:
        wrote(found)


def traverse(
    run: RunFolder,
    out: Figure = Path("traversal.png"),
    patients: Annotated[int, typer.Option(min=1, help="Rows per class, each a patient with fixed noise.")] = 2,
    steps: Annotated[int, typer.Option(min=2, help="Columns per factor, over its quantiles.")] = 7,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Draw the same patients while one factor at a time changes."""
    from semiray.commands.console import save_figure
    from semiray.generation import traverse
    from semiray.training import Run

    save_figure(traverse(Run.load(run, device), patients=patients, steps=steps, seed=seed), out)


def represent(
    run: RunFolder,
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A radiograph: PNG, JPEG, TIFF, BMP or WebP.")],
    move: Annotated[
        str, typer.Option(metavar="FACTOR", help="Factor to change, or one of its dimensions, e.g. 'duration[3]'.")
    ],
    steps: Annotated[int, typer.Option(min=2, help="Number of steps, over the factor's quantiles.")] = 8,
    label: Annotated[
        str | None, typer.Option(help="The image's class; by default the one that the discriminator estimates.")
    ] = None,
    out: Figure = Path("represent.png"),
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Encode a radiograph, show its reconstruction and error, then the same patient while one factor changes."""
    from semiray.commands.console import console, progress_bar, save_figure
    from semiray.files import check_not_input
    from semiray.generation import plot_representation, represent
    from semiray.training import Run

    check_not_input(out, image)
    loaded = Run.load(run, device)
    with progress_bar("Searching") as show:
        found = represent(loaded, image, move=move, steps=steps, label=label, seed=seed, progress=show)
    if found.label is not None:
        console.print(f"Class: {found.label}, {'estimated by the sorter' if found.label_guessed else 'given'}")
    console.print(
        f"Reconstruction: SSIM {found.ssim:.3f} (by noise alone {found.noise_ssim:.3f}), "
        f"mean error {found.error:.1f} grey levels of 255",
        markup=False,
        soft_wrap=True,
    )
    save_figure(plot_representation(loaded, found), out)


@with_groups
def encode(
    run: RunFolder,
    data: Data,
    reading: Reading,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The table to write: .csv.")] = Path("codes.csv"),
    cache: Cache = None,
    device: Device = "auto",
) -> None:
    """Estimate class and codes of every image of DATA, and write them as a table beside what is known of the images.

    DATA is read as it was for training; reading options replace the run's.
    """
    from semiray.commands.console import console, progress_bar, read_data, wrote
    from semiray.errors import SemirayError
    from semiray.files import check_not_input
    from semiray.generation import write_codes
    from semiray.training import Run

    if out.suffix.lower() != ".csv":
        raise SemirayError(f"out={out}: name a table that ends in .csv.")
    check_not_input(out, data)
    loaded = Run.load(run, device)
    images = read_data(data, resolution=loaded.resolution, cache=cache, **loaded.settings.data.reading | reading)
    with progress_bar("Estimating") as show:
        table = write_codes(loaded, images, out, progress=show)
    console.print(loaded.meaning, soft_wrap=True)
    wrote(table)


def samples(
    run: RunFolder,
    out: Figure = Path("samples.png"),
    where: Where = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Draw generated images of every class."""
    from semiray.commands.console import save_figure
    from semiray.generation import plot_samples
    from semiray.training import Run

    save_figure(plot_samples(Run.load(run, device), where=where, seed=seed), out)


def networks(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="The folder of a trained run.")] = None,
    preset: Annotated[
        Literal["default", "study"], typer.Option(metavar="default|study", help="Without RUN: the preset to draw.")
    ] = "default",
    resolution: Annotated[int, typer.Option(metavar="32|64|128|256|512", help="Without RUN: the images' side.")] = 64,
    out: Figure = Path("networks.png"),
) -> None:
    """Draw generator and discriminator of a run or of a preset: layers, shapes, parameters."""
    from semiray.commands.console import save_figure
    from semiray.generation import plot_networks
    from semiray.settings import make_settings
    from semiray.training import Run

    settings = make_settings({"preset": preset, "resolution": resolution})
    save_figure(plot_networks(_untrained(settings) if run is None else Run.load(run, "cpu")), out)


def _untrained(settings: "Settings") -> "Run":
    from semiray.networks import build_networks
    from semiray.training import Run, network_shape, run_prior

    prior = run_prior(settings)
    generator, discriminator = build_networks(settings.networks.architecture, network_shape(settings, prior, 0))
    return Run(Path(settings.preset), settings, prior, (), generator, discriminator)
