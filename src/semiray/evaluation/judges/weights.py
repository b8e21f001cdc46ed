"""Weights of published networks: the user's own copy, or a download that the user asked for; never a pickle."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors.torch import load_file
from torch import Tensor

from semiray.errors import SemirayError
from semiray.radiographs import cache_folder

__all__ = ["INCEPTION", "RAD_DINO", "Published", "download_file", "find_weights", "first_line", "read_tensors"]

TIMEOUT = 20.0  # seconds without an answer


@dataclass(frozen=True)
class Published:
    """A file as its makers publish it: its name below the folder of weights, and its digest in hex if published."""

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


def find_weights(space: str, published: Sequence[Published], *, weights: Path | None, download: bool) -> Path:
    """Find the file or folder of a space's weights: as given, in the user's cache, or downloaded into it.

    Args:
        space: The space's name, for errors.
        published: Its files; all in one folder.
        weights: The user's copy; None looks in the cache.
        download: Whether missing files may be downloaded.

    Raises:
        SemirayError: There are none, or they can't be downloaded.
    """
    if weights is not None:
        if not Path(weights).exists():
            raise SemirayError(f"weights {weights}: there is no such file or folder.")
        return Path(weights)
    folder = cache_folder() / "weights"
    missing = [one for one in published if not (folder / one.name).is_file()]
    if missing and not download:
        names = ", ".join(Path(one.name).name for one in missing)
        raise SemirayError(
            f"The space {space} needs {names} from {missing[0].address.rsplit('/', 1)[0]}/, which semiray downloads "
            "only when asked to: set download=True, or give your own copy as weights."
        )
    for one in missing:
        download_file(one, folder / one.name)
    place = folder / published[0].name
    return place if len(published) == 1 else place.parent


def download_file(published: Published, target: Path, *, timeout: float = TIMEOUT) -> None:
    """Download a file, whole or not at all, into a folder that is made if necessary; torch.hub shows the progress.

    Raises:
        SemirayError: The address doesn't answer, or not with that file; the folder can't be written to.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(timeout)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(published.address, str(target), hash_prefix=published.sha256 or None)
        if target.suffix == ".safetensors":
            load_file(target)  # no digest is published: a download that was cut short fails here
    except Exception as error:  # of the network, the digest, the disk or the file
        with suppress(OSError):
            target.unlink()
        raise SemirayError(
            f"{published.address} could not be downloaded into {target.parent} ({first_line(error)}). Check the "
            "network, or download it by other means and give it as weights."
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def read_tensors(path: Path, *, advice: str = "") -> dict[str, Tensor]:
    """Named tensors of a .safetensors file, or of a PyTorch file that holds nothing else.

    Raises:
        SemirayError: It can't be read, or is a pickle of more than tensors, about which ``advice`` says what to do.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise SemirayError(
            f"{path} is a pickle of more than tensors, which can run any program: semiray does not load it. "
            + (advice or "Give a state_dict, preferably as .safetensors.")
        ) from error
    except Exception as error:  # which exception a damaged file raises depends on its parser
        raise SemirayError(f"{path} can't be read as weights ({first_line(error)}).") from error
    if not isinstance(found, dict) or not all(isinstance(part, Tensor) for part in found.values()):
        raise SemirayError(f"{path} holds no table of named tensors (a state_dict).")
    return dict(found)


def first_line(error: Exception) -> str:
    """The first line of another package's exception, or its type where it has no message."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
