"""`semiray generate`, `traverse`, `networks`: images from a run, and looks at it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semiray.commands.options import Count, Figure, Out, RunFolder, Seed
from semiray.errors import SemirayError

if TYPE_CHECKING:
    from semiray.generation import Synthetic
    from semiray.radiographs import RadiographSet
    from semiray.settings import Settings
    from semiray.training import Run

__all__ = ["generate", "networks", "samples", "traverse"]


def generate(
    run: RunFolder,
    out: Out,
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
    """Generate images that obey the prior, or the prior given an event: PNG files and a manifest of their codes."""
    from semiray.commands.console import console, progress_bar, wrote
    from semiray.generation import check_out, generate, write_images

    check_out(out)
    loaded = _load(run)
    trained_on = None if reject_copies is None else _training_images(loaded, reject_copies)
    with progress_bar("Generating") as show:
        synthetic = generate(loaded, n, label=label, where=where, seed=seed, progress=show)
    if trained_on is not None:
        synthetic = _without_copies(synthetic, trained_on)
    with progress_bar("Writing") as show:
        manifest = write_images(synthetic, out, run_name=run.resolve().name, progress=show)
    if synthetic.event_probability is not None:
        console.print(
            f"P({synthetic.event}) = {synthetic.event_probability:.4g} under the prior", markup=False, soft_wrap=True
        )
    wrote(manifest)


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


def _training_images(run: "Run", data: Path) -> "RadiographSet":
    """The images of DATA, read as for training, that the run's split names for training."""
    from semiray.commands.console import read_data
    from semiray.radiographs import Split

    images = read_data(data, resolution=run.resolution, **run.settings.data.model_dump(exclude={"fractions"}))
    return images.take(images.labelled(Split.load(run.path / "split.json", images.keys).train))


def _without_copies(synthetic: "Synthetic", trained_on: "RadiographSet") -> "Synthetic":
    from semiray.commands.console import console, progress_bar
    from semiray.radiographs import find_copies

    with progress_bar("Looking for copies") as show:
        found = find_copies(synthetic.images, trained_on.images, trained_on.patients, progress=show)
    dropped = int(found.copied.sum())
    if dropped == len(synthetic):
        raise SemirayError("every image that was generated is a copy of a training image: this run can't be shared.")
    console.print(
        f"{dropped:,} of {len(synthetic):,} images are copies of training images and were dropped", soft_wrap=True
    )
    return synthetic.take(~found.copied)


def _untrained(settings: "Settings") -> "Run":
    from semiray.networks import build_networks
    from semiray.training import Run, network_shape, run_prior

    prior = run_prior(settings)
    generator, discriminator = build_networks(settings.networks.architecture, network_shape(settings, prior, 0))
    return Run(Path(settings.preset), settings, prior, (), generator, discriminator)


def _load(run: Path) -> "Run":
    from semiray.training import Run

    return Run.load(run)
