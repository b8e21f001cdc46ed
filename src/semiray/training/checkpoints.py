"""Checkpoints that survive a kill at any instant and tell of any damage; never a pickle."""

import json
import math
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from semiray.errors import SemirayError, SemirayWarning
from semiray.files import write_whole
from semiray.structured import parse_json
from semiray.training.validation import Measurement

__all__ = [
    "Progress",
    "checksum",
    "latest_checkpoint",
    "load_tensors",
    "misfit",
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
        record: what was measured on validation patients, in order.
    """

    steps: int = 0
    images: int = 0
    seconds: float = 0.0
    record: tuple[Measurement, ...] = ()

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> "Progress":
        """What `asdict` made a tree of."""
        return cls(**{**tree, "record": tuple(Measurement(**one) for one in tree.get("record", ()))})

    @property
    def possible(self) -> bool:
        """Whether these are whole numbers, and a time, of at least 0."""
        whole = all(type(number) is int and 0 <= number < 10**15 for number in (self.steps, self.images))
        return (
            all(one.possible for one in self.record)
            and whole
            and type(self.seconds) in (int, float)
            and math.isfinite(self.seconds)
            and self.seconds >= 0
        )


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
            metadata = dict(parse_json(metadata[_KEY], "its metadata"))
    except FileNotFoundError as error:
        raise SemirayError(f"{path} is missing: is {path.parent} a run that has saved its first checkpoint?") from error
    # The last four: a header that is no JSON object, numbers of a kind that torch doesn't know.
    except (SafetensorError, SemirayError, OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise SemirayError(f"{path} is damaged or no safetensors file: {error}") from error
    noted = metadata.pop(_CHECKSUM, None)
    if not all(isinstance(value, str) for value in metadata.values()):
        raise SemirayError(f"{path} is damaged: what it says of itself isn't text")
    if noted is not None and noted != checksum(tensors, metadata):
        raise SemirayError(f"{path} is damaged: its content doesn't match its checksum")
    return tensors, metadata


def misfit(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Why tensors can't take the place of others: names, shapes, kinds, or numbers that aren't finite; empty: they can.

    Examples:
        >>> misfit({"weight": torch.zeros(2)}, {"weight": torch.zeros(3)})
        'weight is (2,), expected (3,)'
    """
    for name in sorted(tensors.keys() ^ expected.keys()):
        return f"{name} is missing" if name in expected else f"{name} is unknown"
    for name, mine in expected.items():
        found = tensors[name]
        if found.shape != mine.shape:
            return f"{name} is {tuple(found.shape)}, expected {tuple(mine.shape)}"
        if found.dtype != mine.dtype:
            return f"{name} is {found.dtype}, expected {mine.dtype}"
        if found.is_floating_point() and not bool(torch.isfinite(found).all()):
            return f"{name} holds numbers that aren't finite"
    return ""


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
            progress = Progress.from_dict(parse_json(metadata["progress"], str(path)))
            if not progress.possible:
                raise SemirayError(f"{path} is damaged: {progress} is impossible")
            random, random_cuda = tensors.pop("random.cpu"), tensors.pop("random.cuda", None)
            if why := misfit({"random.cpu": random}, {"random.cpu": torch.get_rng_state()}):
                raise SemirayError(f"{path} is damaged: {why}")
            torch.set_rng_state(random)
        except (SemirayError, KeyError, TypeError, ValueError, RuntimeError) as error:
            said = f"{error}. It is skipped; training continues from the one before."
            warnings.warn(said, SemirayWarning, stacklevel=2)
            continue
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
