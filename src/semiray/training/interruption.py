"""How training ends before its budget: the signals that ask for it, and the errors that say how to continue."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from semiray.errors import SemirayError

__all__ = ["TrainingInterruptedError", "TrainingStoppedError", "catch_stop"]


class TrainingStoppedError(SemirayError):
    """Training ended before its budget; the message says why and how to continue."""


class TrainingInterruptedError(TrainingStoppedError):
    """Training was interrupted from outside: Ctrl-C, or the system's request to end."""

    code = 130


@contextmanager
def catch_stop() -> Iterator[list[int]]:
    """Give a list that receives the signals SIGINT (Ctrl-C) and SIGTERM.

    A second Ctrl-C interrupts at once. Outside the main thread signals can't be caught: the list stays empty.
    """
    caught: list[int] = []
    previous: dict[signal.Signals, Any] = {}

    def note(number: int, _frame: FrameType | None) -> None:
        if caught and number == signal.SIGINT:
            raise KeyboardInterrupt
        caught.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError):
            previous[number] = signal.signal(number, note)
    try:
        yield caught
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
