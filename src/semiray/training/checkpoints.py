"""Checkpoints that survive a kill at any instant: written beside, then renamed; never a pickle."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from semiray.errors import SemirayError

__all__ = ["Progress", "latest_checkpoint", "load_tensors", "read_checkpoint", "save_tensors", "write_checkpoint"]

_KEPT = 2  # the newest, and the one before it should the newest turn out to be damaged


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        steps: moves of the game.
        images: real images shown, repeats counted.
        seconds: time spent in training, over all sittings.
    """

    steps: int = 0
    images: int = 0
    seconds: float = 0.0


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file in one step: readers see the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, temporary, dict(metadata))
        with temporary.open("r+b") as file:  # Windows syncs only what is open for writing
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise SemirayError(
            f"{path} can't be written: {error.strerror or error}. What was there is untouched."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file.

    Raises:
        SemirayError: the file is missing or damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError as error:
        raise SemirayError(f"{path} is missing: is {path.parent} a run that has saved its first checkpoint?") from error
    except (SafetensorError, OSError) as error:
        raise SemirayError(f"{path} is damaged or no safetensors file: {error}") from error


def write_checkpoint(folder: Path, tensors: Mapping[str, Tensor], progress: Progress) -> None:
    """Add a checkpoint with the random state of this instant, and drop all but the newest two."""
    everything = dict(tensors) | {"random.cpu": torch.get_rng_state()}
    if any(tensor.is_cuda for tensor in tensors.values()):
        everything["random.cuda"] = torch.cuda.get_rng_state()
    save_tensors(
        folder / f"step-{progress.steps:09d}.safetensors", everything, {"progress": json.dumps(asdict(progress))}
    )
    for old in (*sorted(folder.glob("step-*.safetensors"))[:-_KEPT], *folder.glob(".step-*.partial")):
        old.unlink(missing_ok=True)  # the latter are what a kill in the middle of a write left


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], Progress]:
    """Tensors and progress of a checkpoint; torch's random state is set to what it was."""
    tensors, metadata = load_tensors(path)
    torch.set_rng_state(tensors.pop("random.cpu"))
    cuda = tensors.pop("random.cuda", None)
    if cuda is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(cuda)
    return tensors, Progress(**json.loads(metadata["progress"]))


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that can be read; one that is damaged is passed over."""
    for path in sorted(folder.glob("step-*.safetensors"), reverse=True):
        try:
            with safe_open(path, "pt") as file:
                if "progress" in (file.metadata() or {}):
                    return path
        except (SafetensorError, OSError):
            continue
    return None
