"""How fast a step could be: its operations over what the machine's library achieves on nothing but them.

Two floors, both from the same eight steps (the gradient penalty comes every eighth):

- ideal: floating-point operations, as torch.utils.flop_counter counts them, over the best rate of a large matrix
  product or of any of the step's convolutions in the dtype in which it ran;
- measured: every convolution and matrix product of the step timed alone at its very shape, layout and dtype.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

STEPS = 8


@dataclass(frozen=True)
class Shape:
    """A tensor but for its values."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    def make(self) -> Tensor:
        """A tensor of this shape, layout and type."""
        room = sum((n - 1) * s for n, s in zip(self.size, self.stride, strict=True)) + 1
        return torch.randn(room).to(self.dtype).as_strided(self.size, self.stride)


class Recorder(TorchDispatchMode):
    """Counts the operations that cost floating-point work, by their arguments' shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[tuple[Any, ...]] = Counter()
        self.flops: dict[tuple[Any, ...], int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func.overloadpacket)
        if count is not None:
            key = (func, tuple(frozen(value) for value in args), tuple((kwargs or {}).items()))
            self.calls[key] += 1
            self.flops[key] = count(*args, **(kwargs or {}), out_val=out)
        return out


def frozen(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Shape(tuple(value.shape), value.stride(), value.dtype)
    return tuple(value) if isinstance(value, list) else value


def thawed(value: Any) -> Any:
    if isinstance(value, Shape):
        return value.make()
    return list(value) if isinstance(value, tuple) else value


def seconds_of(call: Callable[[], Any], patience: float = 0.12) -> float:
    """The median time of a call, hot in cache."""
    call()
    times = []
    begun = time.perf_counter()
    while time.perf_counter() - begun < patience or len(times) < 3:
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2]


def matrix_rate(dtype: torch.dtype, side: int = 1024) -> float:
    """Operations a second of a matrix product."""
    a, b = torch.randn(side, side).to(dtype), torch.randn(side, side).to(dtype)
    return 2 * side**3 / seconds_of(lambda: a @ b, 0.5)


def floors(step: Callable[[], Any]) -> dict[str, float]:
    """Of eight steps: operations, both floors in seconds, and the best rates found.

    Args:
        step: makes one step; the next eight hold one penalty.
    """
    with Recorder() as recorder:
        for _ in range(STEPS):
            step()
    rates = {dtype: matrix_rate(dtype) for dtype in (torch.float32, torch.bfloat16)}
    flops: Counter[torch.dtype] = Counter()
    measured = 0.0
    for key, times in recorder.calls.items():
        func, args, kwargs = key
        dtype = next(value.dtype for value in args if isinstance(value, Shape))
        made, named = [thawed(value) for value in args], dict(kwargs)
        with torch.no_grad():
            seconds = seconds_of(lambda func=func, made=made, named=named: func(*made, **named))
        measured += times * seconds
        if dtype not in rates:
            rates[dtype] = matrix_rate(dtype)
        flops[dtype] += times * recorder.flops[key]
        if recorder.flops[key] > 1e7:  # small ones are all overhead
            rates[dtype] = max(rates[dtype], recorder.flops[key] / seconds)
    return {
        "gflop_a_step": sum(flops.values()) / STEPS / 1e9,
        "ideal_seconds": sum(flops[dtype] / rates[dtype] for dtype in flops) / STEPS,
        "measured_seconds": measured / STEPS,
        "gflops_float32": rates[torch.float32] / 1e9,
        "gflops_bfloat16": rates[torch.bfloat16] / 1e9,
    }
