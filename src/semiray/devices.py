"""Which device computes, and how much at once: one choice for training, generation, encoding and every judge."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from functools import cache
from typing import TYPE_CHECKING

from semiray.errors import SemirayError

if TYPE_CHECKING:
    import torch

__all__ = ["bf16_is_fast", "choose_device", "fast_autocast", "inference_batch"]


def choose_device(name: str | torch.device | None = "auto") -> torch.device:
    """The device of a name.

    Args:
        name: ``"auto"`` or None for the best there is (CUDA, then MPS, then the CPU; under torchrun each process of a
            machine its own GPU); ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; or a device, returned as it is.

    Raises:
        SemirayError: The name is not one of these, or this machine has no such device.

    Examples:
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
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[device.type]:
        kind = device.type.upper()
        raise SemirayError(f"device {name!r}: PyTorch sees no {kind} device on this machine; choose auto or cpu.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SemirayError(
            f"device {name!r}: this machine has {torch.cuda.device_count()} CUDA device(s), from cuda:0."
        )
    return device


def inference_batch(device: torch.device, resolution: int, on_cpu: int) -> int:
    """How many images a network of ours computes at once where no gradients are needed; on a GPU in about 2 GiB.

    It never depends on the memory that happens to be free: other batches can give other last bits, and the same call
    must give the same bytes. On the CPU, where larger ones are no faster, it is `on_cpu`.
    """
    return on_cpu if device.type == "cpu" else max(8, min(512, 2**21 // resolution**2))


def bf16_is_fast(device: torch.device) -> bool:
    """Whether networks compute in bfloat16: on CUDA where the hardware has it, on a CPU where that is faster."""
    import torch

    if device.type == "cuda":
        return torch.cuda.is_available() and bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and _cpu_is_faster_in_bf16()


@cache
def _cpu_is_faster_in_bf16() -> bool:
    """Measured by a convolution in one thread, as the instructions alone don't make it faster; 0.1 s per process.

    An Intel Xeon with AVX-512 in bfloat16, but without matrix units, trains 1.5 times as fast in float32
    (docs/results.md).
    """
    import torch

    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    # Half a millisecond each: other programs rarely interrupt it, and the fastest of many counts.
    images = torch.linspace(-1, 1, 4 * 64 * 16 * 16, device="cpu").view(4, 64, 16, 16)
    weight = torch.linspace(-1, 1, 64 * 64 * 3 * 3, device="cpu").view(64, 64, 3, 3)
    dtypes = (torch.float32, torch.bfloat16)
    images, weight = (x.contiguous(memory_format=torch.channels_last) for x in (images, weight))
    inputs = [(images.to(dtype), weight.to(dtype)) for dtype in dtypes]
    fastest, threads = [float("inf"), float("inf")], torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode(), torch.autocast("cpu", enabled=False):
            for turn in range(50):
                x, w = inputs[turn % 2]
                start = time.perf_counter()
                torch.nn.functional.conv2d(x, w, padding=1)
                fastest[turn % 2] = min(fastest[turn % 2], time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return fastest[1] < fastest[0]


def fast_autocast(device: torch.device) -> torch.autocast | nullcontext[None]:
    """bfloat16 autocast where `bf16_is_fast`, otherwise a context that does nothing."""
    import torch

    return torch.autocast(device.type, dtype=torch.bfloat16) if bf16_is_fast(device) else nullcontext()
