"""Note Ctrl-C and the system's request to end, so that training stops between two steps."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

__all__ = ["catch_stop"]


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
