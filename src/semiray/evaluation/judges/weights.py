"""Weights of published networks: the user's own copy, or one fetched because the user said so; never a pickle."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from semiray.errors import SemirayError
from semiray.files import whole_file
from semiray.radiographs import cache_folder

__all__ = ["INCEPTION", "RAD_DINO", "Published", "fetch", "find_weights", "first_line", "read_tensors"]

Progress = Callable[[int, int], None] | None
TIMEOUT = 20.0  # seconds without a byte
PIECE = 1 << 20  # bytes read at once
SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class Published:
    """A file as its makers publish it.

    Attributes:
        name: Of the file, below the folder of weights.
        address: The one place it is fetched from.
        sha256: In hex, where it is known.
    """

    name: str
    address: str
    sha256: str = ""


# The file's name holds the first eight digits of its digest.
_INCEPTION_FILE = "weights-inception-2015-12-05-6726825d.pth"
INCEPTION = (
    Published(
        _INCEPTION_FILE,
        f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{_INCEPTION_FILE}",
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    ),
)
RAD_DINO = tuple(
    Published(f"rad-dino/{name}", f"https://huggingface.co/microsoft/rad-dino/resolve/main/{name}")
    for name in ("config.json", "preprocessor_config.json", "model.safetensors")
)


def find_weights(
    space: str, published: Sequence[Published], *, weights: Path | None, download: bool, progress: Progress = None
) -> Path:
    """Where a space's weights lie: as given, in the user's cache, or fetched into it.

    Args:
        space: The space's name, for errors.
        published: Its files; all in one folder.
        weights: The user's copy; None looks in the cache.
        download: Whether files that are missing may be fetched.
        progress: Called with (done, total) megabytes while a file is fetched.

    Returns:
        The file, or the folder of several.

    Raises:
        SemirayError: There are none, or they can't be fetched.
    """
    if weights is not None:
        if not Path(weights).exists():
            raise SemirayError(f"--weights {weights}: there is no such file or folder.")
        return Path(weights)
    folder = cache_folder() / "weights"
    missing = [one for one in published if not (folder / one.name).is_file()]
    if missing and not download:
        names = ", ".join(Path(one.name).name for one in missing)
        kind = "FILE" if len(published) == 1 else "FOLDER"
        raise SemirayError(
            f"The space {space} needs {names}, from {missing[0].address.rsplit('/', 1)[0]}/, which semiray fetches "
            f"only when told: add --download (in Python download=True), or give your own copy with --weights {kind}."
        )
    for one in missing:
        fetch(one, folder / one.name, progress=progress)
    place = folder / published[0].name
    return place if len(published) == 1 else place.parent


def fetch(published: Published, target: Path, *, timeout: float = TIMEOUT, progress: Progress = None) -> None:
    """Fetch a file into its place, in one step: an interrupted or false one leaves nothing behind.

    Args:
        published: What is fetched, and its digest.
        target: Where to; its folder is made.
        timeout: Seconds to wait for a connection, and for each piece.
        progress: Called with (done, total) megabytes.

    Raises:
        SemirayError: The address doesn't answer, or not with that file; the folder can't be written to.
    """
    if not published.address.startswith(SCHEMES):
        raise SemirayError(f"{published.address}: files are fetched from web addresses only.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as temporary:
            with temporary.open("wb") as file:
                digest = _copy(published.address, file, timeout, progress)
            if published.sha256 and digest != published.sha256:
                raise SemirayError(
                    f"{published.address}: what came isn't the file that was published (its sha256 is {digest}, not "
                    f"{published.sha256}). Nothing was kept."
                )
    except (OSError, http.client.HTTPException) as error:  # URLError and TimeoutError are OSErrors
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise SemirayError(
            f"{published.address} could not be fetched into {target.parent} ({reason}). Check the "
            "network, or fetch it by other means and give it with --weights."
        ) from error


def _copy(address: str, file: Any, timeout: float, progress: Progress) -> str:
    """Write what an address gives into an open file; its sha256."""
    digest = hashlib.sha256()
    with urllib.request.urlopen(address, timeout=timeout) as answer:
        total, done = int(answer.headers.get("Content-Length") or 0), 0
        while piece := answer.read(PIECE):
            file.write(piece)
            digest.update(piece)
            done += len(piece)
            if progress is not None:
                progress(done >> 20, max(total, done) >> 20)
    if done < total:
        raise http.client.IncompleteRead(b"", total - done)
    return digest.hexdigest()


def read_tensors(path: Path, *, advice: str = "") -> dict[str, Tensor]:
    """Named tensors of a .safetensors file, or of a PyTorch file that holds nothing else.

    Args:
        path: The file.
        advice: What to do about a file that holds more, for the error.

    Raises:
        SemirayError: It can't be read, or is a pickle of more than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise SemirayError(
            f"{path} is a pickle of more than tensors, which may run any program as it is read: semiray doesn't. "
            + (advice or "Give a state_dict, or better its .safetensors.")
        ) from error
    except Exception as error:  # a damaged file raises whatever its parser trips over
        raise SemirayError(f"{path} can't be read as weights ({first_line(error)}).") from error
    if not isinstance(found, dict) or not all(isinstance(part, Tensor) for part in found.values()):
        raise SemirayError(f"{path} holds no table of named tensors (a state_dict).")
    return dict(found)


def first_line(error: Exception) -> str:
    """What an exception of another package says first, or its kind where it says nothing."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
