"""Threads: fewer where other programs use the cores, all again when they are free. The clock is a fake one."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator

import pytest
import torch

from semiray.training import threads as module
from semiray.training.threads import PAUSE, Threads


class Machine:
    """A clock on which a step takes what the machine needs with PyTorch's number of threads."""

    def __init__(self) -> None:
        self.now, self.busy = 1000.0, 0.0
        self.free = True  # whether no other program uses the cores

    def step(self) -> None:
        used = torch.get_num_threads()
        seconds = 0.5 / used if self.free else (0.5 if used == 1 else 3.0)
        self.now += seconds
        self.busy += seconds * (used if self.free else min(used, 1.4))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    found, before = Machine(), torch.get_num_threads()
    monkeypatch.setattr(time, "monotonic", lambda: found.now)
    monkeypatch.setattr(time, "process_time", lambda: found.busy)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    torch.set_num_threads(2)
    yield found
    torch.set_num_threads(before)


def train(threads: Threads, machine: Machine, until: Callable[[], bool], most: int = 20_000) -> list[str]:
    """Steps until something is so; what was said."""
    said = []
    for _ in range(most):
        with threads:
            machine.step()
        if words := threads.review():
            said.append(words)
        if until():
            return said
    raise AssertionError("it never came to that")


def passed(machine: Machine, moment: float) -> bool:
    return machine.now > moment


def test_all_threads_are_kept_on_a_free_machine(machine: Machine) -> None:
    threads, start = Threads(), machine.now
    assert train(threads, machine, lambda: machine.now > start + 300) == []
    assert torch.get_num_threads() == 2


def test_one_thread_trains_beside_another_program_and_two_when_it_has_ended(machine: Machine) -> None:
    threads, start = Threads(), machine.now
    machine.free = False
    (said,) = train(threads, machine, lambda: machine.now > start + 0.8 * PAUSE)
    assert said == (
        "1 thread from here on: other programs use the processor, and steps are 6.0 times as fast as with 2."
    )
    assert torch.get_num_threads() == 1
    machine.free = True
    (said,) = train(threads, machine, lambda: machine.now > start + 3 * PAUSE)
    assert said.startswith("2 threads from here on: the processor is free again, and steps are 2.0 times as fast")
    assert torch.get_num_threads() == 2


def test_more_threads_are_tried_less_often_after_each_try_in_vain(machine: Machine) -> None:
    threads, tries = Threads(), [0]
    machine.free = False
    used = module.Threads._try

    def counted(self: Threads, number: int, speed: float) -> None:
        tries[0] += 1
        used(self, number, speed)

    threads._try = counted.__get__(threads)  # type: ignore[method-assign]
    start = machine.now
    train(threads, machine, lambda: machine.now > start + 3600)
    assert 4 <= tries[0] <= 10
    assert torch.get_num_threads() == 1


def test_a_chosen_number_stays_and_every_number_is_set_back(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.free = False
    threads, start = Threads(), machine.now
    train(threads, machine, lambda: machine.now > start + 0.8 * PAUSE)
    threads.close()
    assert torch.get_num_threads() == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    for kept in (Threads(), Threads(steady=True)):
        end = machine.now + 3 * PAUSE
        assert train(kept, machine, functools.partial(passed, machine, end)) == []
        assert torch.get_num_threads() == 2


def test_what_lies_between_steps_does_not_count(machine: Machine) -> None:
    threads, start = Threads(), machine.now

    def ended() -> bool:
        machine.now += 1.0  # a measurement, say, on one core
        return machine.now > start + 300

    assert train(threads, machine, ended) == []
    assert torch.get_num_threads() == 2
