"""How a run shows itself in a notebook: its facts, and a sheet of generated images."""

import base64
import html
import io
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from semiray.networks import Generator
from semiray.priors import JointPrior

__all__ = ["run_page", "sample_sheet"]

COLUMNS = 8
SEED = 20


def run_page(
    title: str, facts: Mapping[str, str], generator: Generator, prior: JointPrior, classes: Sequence[str]
) -> str:
    """A table of facts and one row of generated images per class, as HTML that holds its images."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
        f"<td style='text-align:left'>{html.escape(fact)}</td></tr>"
        for name, fact in facts.items()
    )
    png = io.BytesIO()
    Image.fromarray(sample_sheet(generator, prior, len(classes))).save(png, format="PNG")
    image = base64.b64encode(png.getvalue()).decode("ascii")
    shown = f"generated images, one row per class: {', '.join(classes)}" if classes else "generated images"
    return (
        f"<table><caption style='text-align:left'><b>Run {html.escape(title)}</b></caption>{rows}</table>"
        f"<figure><img alt='{html.escape(shown, quote=True)}' src='data:image/png;base64,{image}'>"
        f"<figcaption>{html.escape(shown)}</figcaption></figure>"
    )


@torch.no_grad()
def sample_sheet(generator: Generator, prior: JointPrior, classes: int) -> NDArray[np.uint8]:
    """Generated images of `COLUMNS` patients under every class, (classes * H, COLUMNS * W) uint8.

    torch's global random state is left as it was.
    """
    draws = torch.Generator().manual_seed(SEED)
    device = next(generator.parameters()).device
    codes = prior.standardise(prior.sample(COLUMNS, draws)).float().to(device)
    z = torch.randn(COLUMNS, generator.shape.noise, generator=draws).to(device)
    rows = []
    for label in range(max(1, classes)):
        images = generator(z, codes, torch.full((COLUMNS,), label, device=device))[:, 0].float().cpu()
        rows.append(np.concatenate(list(((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()), axis=1))
    return np.concatenate(rows, axis=0)
