"""The processes that train one run together.

Every process draws what the whole batch needs from the same random stream and keeps its own rows; gradients and losses
are averaged. So the global batch defines the run, not the number of processes, and any number can resume it.

The collectives are torch.distributed's, without a wrapper around the networks: a step runs the discriminator three
times, differentiates it twice, normalises and sorts over the whole batch. DistributedDataParallel would only average
the gradients, which for networks of this size fit one message per network.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed

from semiray.errors import SemirayError

__all__ = ["ProcessGroup", "current_process_group", "join_process_group"]

PATIENCE = timedelta(hours=2)  # the first process may decode a large folder while the others wait


class LostProcessError(SemirayError):
    """Another process of the group ended before training did."""

    code = 3


class Gather(torch.autograd.Function):
    """Gather the rows of all processes, in their order.

    Each process computes the same loss from them, and gradients are averaged afterwards: hence the factor on their own.
    """

    @staticmethod
    def forward(context: Any, own: Tensor) -> Tensor:
        context.rows = len(own)
        parts = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, own.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        rank, size = distributed.get_rank(), distributed.get_world_size()
        return gradient[rank * context.rows : (rank + 1) * context.rows] * size


class ProcessGroup:
    """Process number `rank`'s view of the `size` processes that train together; a single one communicates nothing."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.rank == 0

    def rows(self, batch: int) -> slice:
        """This process's rows of a batch; SemirayError if it can't be divided evenly."""
        if batch % self.size:
            raise SemirayError(
                f"a batch of {batch} images can't be divided evenly among {self.size} processes: start a number "
                "of processes that divides it, or choose another optimisation.batch"
            )
        share = batch // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def gather(self, own: Tensor) -> Tensor:
        """All processes' rows (B, ...) from each one's own (B / size, ...)."""
        if self.size == 1:
            return own
        whole: Tensor = Gather.apply(own)  # type: ignore[no-untyped-call]
        return whole

    @torch.no_grad()
    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their means over the processes, in one message."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1).float() for tensor in tensors])
        distributed.all_reduce(flat)
        flat /= self.size
        for tensor, part in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))

    def agree(self, *values: float) -> tuple[float, ...]:
        """The largest of each value over the processes."""
        if self.size == 1:
            return values
        largest = torch.tensor(values, dtype=torch.float64)  # on the CPU: nothing waits for a GPU
        distributed.all_reduce(largest, op=distributed.ReduceOp.MAX)
        return tuple(largest.tolist())

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            distributed.barrier()

    def from_leader(self, value: Any) -> Any:
        """The value that the first process passes, in all of them."""
        if self.size == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    @contextmanager
    def one_first(self) -> Iterator[None]:
        """Let one process per machine go first; the others follow and find its work done."""
        first = int(os.environ.get("LOCAL_RANK", self.rank)) == 0
        if not first:
            self.wait()
        yield
        if first:
            self.wait()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turn the error of a lost connection into a message for people."""
        try:
            yield
        except RuntimeError as error:
            if self.size == 1 or isinstance(error, torch.OutOfMemoryError):
                raise
            raise LostProcessError(
                f"another of the {self.size} processes ended, and the job with it (see its output). What "
                "was saved last is kept: continue with the same command and resume=True, on any number of processes."
            ) from error


def current_process_group() -> ProcessGroup:
    """The group that this process has joined; otherwise a group of one."""
    if distributed.is_available() and distributed.is_initialized():
        return ProcessGroup(distributed.get_rank(), distributed.get_world_size())
    return ProcessGroup()


@contextmanager
def join_process_group() -> Iterator[ProcessGroup]:
    """Join the processes that torchrun started, if any; LostProcessError if another one ends."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ProcessGroup()
        return
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        backend = "cpu:gloo,cuda:nccl"
    distributed.init_process_group(backend, timeout=PATIENCE)
    group = current_process_group()
    try:
        with group.watched():
            yield group
    finally:
        distributed.destroy_process_group()
