"""Checkpoints that survive a kill at any instant and tell of any damage; never a pickle."""

import json
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from semiray.errors import SemirayError, SemirayWarning
from semiray.files import write_whole

__all__ = [
    "Progress",
    "checksum",
    "latest_checkpoint",
    "load_tensors",
    "read_checkpoint",
    "save_tensors",
    "set_aside",
    "write_checkpoint",
]

_KEY = "semiray"  # all metadata under one key: safetensors writes several in any order, and bytes would differ
_CHECKSUM = "crc32"
_KEPT = 2  # the newest, and the one before it should the newest turn out to be damaged


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        steps: training steps.
        images: real images shown, repeats counted.
        seconds: seconds of training, resumptions included.
    """

    steps: int = 0
    images: int = 0
    seconds: float = 0.0


def checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """CRC-32 of tensors and metadata: it detects damage by a disk or a copy, not forgery."""
    total = zlib.crc32(json.dumps(dict(metadata), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        total = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), total)
        total = zlib.crc32(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data, total)
    return f"{total:08x}"


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file with a checksum, in one step. The same content gives the same bytes."""
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    said = json.dumps({**metadata, _CHECKSUM: checksum(content, metadata)}, sort_keys=True)
    write_whole(path, save(content, {_KEY: said}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file; SemirayError if it is missing or damaged."""
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = dict(file.metadata() or {})
        if _KEY in metadata:  # older versions wrote a key each, and the first ones no checksum
            metadata = dict(json.loads(metadata[_KEY]))
    except FileNotFoundError as error:
        raise SemirayError(f"{path} is missing: is {path.parent} a run that has saved its first checkpoint?") from error
    except (SafetensorError, OSError, ValueError, TypeError) as error:  # the last two: a header that is no JSON object
        raise SemirayError(f"{path} is damaged or no safetensors file: {error}") from error
    noted = metadata.pop(_CHECKSUM, None)
    if noted is not None and noted != checksum(tensors, metadata):
        raise SemirayError(f"{path} is damaged: its content doesn't match its checksum")
    return tensors, metadata


def write_checkpoint(folder: Path, tensors: Mapping[str, Tensor], progress: Progress) -> None:
    """Add a checkpoint with the current random state, and remove all but the newest two."""
    folder.mkdir(exist_ok=True)
    everything = dict(tensors) | {"random.cpu": torch.get_rng_state()}
    if any(tensor.is_cuda for tensor in tensors.values()):
        everything["random.cuda"] = torch.cuda.get_rng_state()
    said = {"progress": json.dumps(asdict(progress))}
    save_tensors(folder / f"step-{progress.steps:09d}.safetensors", everything, said)
    for old in sorted(folder.glob("step-*.safetensors"))[:-_KEPT]:
        old.unlink(missing_ok=True)


def read_checkpoint(folder: Path) -> tuple[dict[str, Tensor], Progress] | None:
    """Tensors and progress of the newest complete checkpoint, and restore torch's random state; None if there is none.

    A damaged checkpoint is skipped with a warning.

    Raises:
        SemirayError: all are damaged.
    """
    paths = sorted(folder.glob("step-*.safetensors"), reverse=True)
    for path in paths:
        try:
            tensors, metadata = load_tensors(path)
            progress = Progress(**json.loads(metadata["progress"]))
            random, random_cuda = tensors.pop("random.cpu"), tensors.pop("random.cuda", None)
        except (SemirayError, KeyError, TypeError, ValueError) as error:
            said = f"{error}. It is skipped; training continues from the one before."
            warnings.warn(said, SemirayWarning, stacklevel=2)
            continue
        torch.set_rng_state(random)
        if random_cuda is not None and torch.cuda.is_available():
            torch.cuda.set_rng_state(random_cuda)
        return tensors, progress
    if paths:
        raise SemirayError(
            f"no checkpoint in {folder} can be read: {' and '.join(path.name for path in paths)} are damaged. "
            f"Train anew with another out=, or remove {folder} and begin this run again with resume=True."
        )
    return None


def set_aside(folder: Path, steps: int) -> None:
    """Rename checkpoints newer than `steps`, which are damaged, so that they no longer count among those kept."""
    for path in folder.glob("step-*.safetensors"):
        if path.name > f"step-{steps:09d}.safetensors":
            path.replace(path.with_suffix(".damaged"))


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint; None where there is none yet."""
    return max(folder.glob("step-*.safetensors"), default=None)
