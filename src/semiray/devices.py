"""Which device computes: one choice for training, generation, encoding and every judge."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from semiray.errors import SemirayError

if TYPE_CHECKING:
    import torch

__all__ = ["choose_device"]


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
