"""Ctrl-C and the system's request to end, noted and left to the loop, so that no step is cut in two."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

__all__ = ["catch_stop"]


@contextmanager
def catch_stop() -> Iterator[list[int]]:
    """A list that fills when the user presses Ctrl-C or the system asks to end, so that a step is never cut in two.

    A second Ctrl-C interrupts at once. Outside the main thread, where signals can't be caught, nothing is.
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
