"""`semiray represent`: the reconstruction of one real image, then the same patient with one factor changed."""

from pathlib import Path
from typing import Annotated

import typer

from semiray.commands.options import Device, Figure, RunFolder, Seed

__all__ = ["represent"]


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
    from semiray.errors import SemirayError
    from semiray.generation import plot_representation, represent
    from semiray.training import Run

    if out.resolve() == image.resolve():
        raise SemirayError(f"--out {out} is the image itself, which the figure would overwrite: name another file.")
    loaded = Run.load(run, device)
    with progress_bar("Searching") as show:
        found = represent(loaded, image, move=move, steps=steps, label=label, seed=seed, progress=show)
    if found.label is not None:
        console.print(
            f"Class: {found.label}, {'estimated by the sorter' if found.label_guessed else 'given'}", markup=False
        )
    console.print(
        f"Reconstruction: SSIM {found.ssim:.3f} (by noise alone {found.noise_ssim:.3f}), "
        f"mean error {found.error:.1f} grey levels of 255",
        markup=False,
        soft_wrap=True,
    )
    save_figure(plot_representation(loaded, found), out)
