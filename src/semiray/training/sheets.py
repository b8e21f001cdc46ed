"""Sheets of images: real above generated ones while a run trains, generated ones alone on its page in a notebook."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from semiray.files import whole_file
from semiray.networks import Generator
from semiray.networks.intensities import to_grey
from semiray.priors import JointPrior
from semiray.radiographs.pixels.marks import png_text

__all__ = ["COLUMNS", "progress_sheet", "run_page", "sample_sheet", "save_sheet"]

COLUMNS = 12  # of the sheet while training
PAGE_COLUMNS = 8
SEED = 20  # the same codes and noise in every sheet of a run, so that they can be compared


def save_sheet(pixels: NDArray[np.uint8], path: Path) -> None:
    """Write what `progress_sheet` made as a PNG whose text says that it holds real images."""
    note = "CONTAINS REAL TRAINING IMAGES: for each class a row of them above two rows generated"
    mark = png_text({"Synthetic": "in part", "Description": note})
    with whole_file(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG", pnginfo=mark)


def progress_sheet(generator: Generator, prior: JointPrior, examples: Sequence[Tensor]) -> NDArray[np.uint8]:
    """For each class a row of real images above two rows of generated ones.

    Args:
        generator: in evaluation mode.
        prior: draws the codes.
        examples: for each class real images (K, H, W) uint8, of which at most `COLUMNS` are shown.

    torch's global random state is left as it was.
    """
    draws = torch.Generator().manual_seed(SEED)
    rows = []
    for label, images in enumerate(examples):
        real = images[:COLUMNS]
        rows.append(torch.cat([real, real.new_zeros(COLUMNS - len(real), *images.shape[1:])]))
        rows += _generated(generator, label, *_drawn(generator, prior, 2 * COLUMNS, draws)).chunk(2)
    return _tiled(rows)


def sample_sheet(generator: Generator, prior: JointPrior, classes: int) -> NDArray[np.uint8]:
    """Generated images of `PAGE_COLUMNS` patients under every class, (classes * H, PAGE_COLUMNS * W) uint8.

    torch's global random state is left as it was.
    """
    patients = _drawn(generator, prior, PAGE_COLUMNS, torch.Generator().manual_seed(SEED))
    return _tiled([_generated(generator, label, *patients) for label in range(max(1, classes))])


def _drawn(generator: Generator, prior: JointPrior, n: int, draws: torch.Generator) -> tuple[Tensor, Tensor]:
    codes = prior.standardise(prior.sample(n, draws)).float()
    return torch.randn(n, generator.shape.noise, generator=draws), codes


@torch.no_grad()
def _generated(generator: Generator, label: int, z: Tensor, codes: Tensor) -> Tensor:
    device = next(generator.parameters()).device
    images = generator(z.to(device), codes.to(device), torch.full((len(z),), label, device=device))
    return to_grey(images.cpu())


def _tiled(rows: Sequence[Tensor]) -> NDArray[np.uint8]:
    return np.concatenate([np.concatenate(list(row.numpy()), axis=1) for row in rows], axis=0)


def run_page(
    title: str, facts: Mapping[str, str], generator: Generator, prior: JointPrior, classes: Sequence[str]
) -> str:
    """A table of facts and one row of generated images per class, as HTML that holds its images."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
        f"<td style='text-align:left'>{html.escape(fact)}</td></tr>"
        for name, fact in facts.items()
    )
    png, mark = io.BytesIO(), png_text({"Synthetic": "true"})
    Image.fromarray(sample_sheet(generator, prior, len(classes))).save(png, format="PNG", pnginfo=mark)
    image = base64.b64encode(png.getvalue()).decode("ascii")
    shown = f"generated images, one row per class: {', '.join(classes)}" if classes else "generated images"
    return (
        f"<table><caption style='text-align:left'><b>Run {html.escape(title)}</b></caption>{rows}</table>"
        f"<figure><img alt='{html.escape(shown, quote=True)}' src='data:image/png;base64,{image}'>"
        f"<figcaption>{html.escape(shown)}</figcaption></figure>"
    )
