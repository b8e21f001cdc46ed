"""Reports on training: means over the last steps, for the log and TensorBoard."""

import os
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from semiray.errors import SemirayError
from semiray.files import write_whole
from semiray.structured import parse_json
from semiray.training.validation import Measurement

__all__ = ["TrainingReport", "Window", "open_tensorboard", "trim_log"]


@dataclass(frozen=True)
class TrainingReport:
    """Progress of training (`steps`, `images`, `seconds` as in `Progress`), and means over the last steps.

    Attributes:
        seconds_left: an estimate.
        images_per_second: over the last steps.
        losses: the means of the named losses.
        commitment: factor -> R² of codes estimated from generated images, as the discriminator saw them (augmented).
        validation: the newest measurement on validation patients; None before the first.
        best: the number of images of the measurement whose weights are kept.
        note: what a person should know now, if anything; a line each.
    """

    steps: int
    images: int
    seconds: float
    seconds_left: float
    images_per_second: float
    losses: Mapping[str, float] = field(default_factory=dict)
    commitment: Mapping[str, float] = field(default_factory=dict)
    validation: Measurement | None = None
    best: int | None = None
    note: str = ""


class Window:
    """Sums of the losses since the last report, kept on the device so that no step waits for them."""

    def __init__(self) -> None:
        self.count, self.images, self.started = 0, 0, time.monotonic()
        self.sums: dict[str, Tensor] = {}
        self.counts: Counter[str] = Counter()

    def add(self, losses: Mapping[str, Tensor], images: int) -> None:
        """Add one step's losses."""
        self.count += 1
        self.images += images
        self.counts.update(losses.keys())
        for name, value in losses.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value

    def means(self) -> tuple[dict[str, float], Tensor, float]:
        """Mean losses, mean squared error per code dimension, and images per second, so far."""
        means = {name: value / self.counts[name] for name, value in self.sums.items()}
        error = means.pop("error", torch.zeros(0)).cpu()
        speed = self.images / max(1e-9, time.monotonic() - self.started)
        return {name: float(value) for name, value in means.items()}, error, speed


def open_tensorboard(folder: Path, images: int) -> Any:
    """A TensorBoard writer that goes on after `images`, or None where the extra isn't installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=images or None)


def trim_log(path: Path, steps: int) -> None:
    """Drop reports that are newer than the checkpoint to resume from, and an incomplete last line."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(SemirayError, KeyError, TypeError):
            if parse_json(line, str(path))["steps"] <= steps:
                kept.append(line + "\n")
    write_whole(path, "".join(kept))
