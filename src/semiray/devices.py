"""Which device computes, and how much at once: one choice for training, generation, encoding and every judge."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from semiray.errors import SemirayError

if TYPE_CHECKING:
    import torch

__all__ = ["choose_device", "inference_batch"]


def choose_device(name: str | torch.device | None = "auto") -> torch.device:
    """The device of a name.

    Args:
        name: ``"auto"`` or None for the best there is (CUDA, then MPS, then the CPU; under torchrun each process of a
            machine its own GPU); ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; or a device, returned as it is.

    Raises:
        SemirayError: The name is not one of these, or this machine has no such device.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    import torch

    if isinstance(name, torch.device):
        return name
    if name in (None, "auto"):
        if torch.cuda.is_available():
            local = os.environ.get("LOCAL_RANK")
            return torch.device("cuda", int(local) if local else torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(str(name))
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise SemirayError(f"device {name!r}: choose auto, cpu, cuda, cuda:1 (the second GPU) or mps.")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SemirayError(f"device {name!r}: PyTorch sees no CUDA device on this machine; choose auto or cpu.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SemirayError(
            f"device {name!r}: this machine has {torch.cuda.device_count()} CUDA device(s), from cuda:0."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise SemirayError(f"device {name!r}: PyTorch sees no MPS device on this machine; choose auto or cpu.")
    return device


def inference_batch(device: torch.device, resolution: int, on_cpu: int) -> int:
    """How many images a network of ours computes at once where no gradients are needed.

    The batch is a function of its arguments alone, never of the memory that happens to be free: other batches can give
    other last bits, and the same call must give the same bytes. On a GPU it needs about 2 GiB at most.

    Args:
        device: Where the network is.
        resolution: Side of the images in pixels.
        on_cpu: The batch on the CPU, where larger ones are no faster.

    Returns:
        `on_cpu` on the CPU; on a GPU 512 at 64 pixels and below, 128 at 128 pixels, 32 at 256 pixels.
    """
    return on_cpu if device.type == "cpu" else max(16, min(512, 2**21 // resolution**2))
