"""A figure during training: real radiographs, and generated ones below them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from semiray.files import whole_file
from semiray.networks import Generator
from semiray.networks.intensities import to_grey
from semiray.priors import JointPrior

__all__ = ["COLUMNS", "Sheet", "progress_sheet"]

COLUMNS = 12
SHEET_SEED = 20  # the same codes and noise in every figure of a run, so that they can be compared


class Sheet:
    """A grey image whose file says what it holds: generated images, and real ones that must not be shared unseen."""

    def __init__(self, pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> None:
        self.pixels = pixels

    def save(self, path: Path) -> None:
        """Write a PNG whose text says what it shows."""
        mark = PngImagePlugin.PngInfo()
        mark.add_text("Software", "semiray")
        mark.add_text("Synthetic", "in part")
        mark.add_text(
            "Description", "CONTAINS REAL TRAINING IMAGES: for each class a row of them above two rows generated"
        )
        with whole_file(path) as temporary:
            Image.fromarray(self.pixels).save(temporary, format="PNG", pnginfo=mark)


@torch.no_grad()
def progress_sheet(generator: Generator, prior: JointPrior, examples: Sequence[Tensor]) -> Sheet:
    """For each class a row of real images above two rows of generated ones.

    Args:
        generator: in evaluation mode.
        prior: draws the codes.
        examples: for each class real images (K, H, W) uint8, of which at most `COLUMNS` are shown.

    torch's global random state is left as it was.
    """
    draws = torch.Generator().manual_seed(SHEET_SEED)
    device = next(generator.parameters()).device
    rows = []
    for label, images in enumerate(examples):
        real = images[:COLUMNS]
        blank = real.new_zeros(COLUMNS - len(real), *images.shape[1:])
        rows.append(torch.cat([real, blank]))
        codes = prior.standardise(prior.sample(2 * COLUMNS, draws)).to(device)
        z = torch.randn(2 * COLUMNS, generator.shape.noise, generator=draws).to(device)
        generated = generator(z, codes, torch.full((2 * COLUMNS,), label, device=device))
        rows += to_grey(generated.cpu()).chunk(2)
    return Sheet(np.concatenate([np.concatenate(list(row.numpy()), axis=1) for row in rows], axis=0))
