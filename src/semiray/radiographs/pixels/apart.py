"""Calls a function on bytes in a process of its own, for decoders that end their process when a file is broken."""

from __future__ import annotations

import atexit
import importlib
import os
import subprocess
import sys
import threading
from collections import defaultdict
from contextlib import suppress
from typing import IO

__all__ = ["EndedError", "call_apart", "serve"]

_SECONDS = 60  # after which a call is given up
_LENGTH = 8  # bytes of the length before each message
_START = "import sys; sys.path[:] = sys.argv[2:]; from {} import serve; serve(sys.argv[1])"
# Processes that wait for a call, per function, and per process that started them: a fork must not share them.
_waiting: defaultdict[tuple[int, str], list[subprocess.Popen[bytes]]] = defaultdict(list)


class EndedError(Exception):
    """The process of a call ended before it answered, or could not be started."""


def call_apart(function: str, content: bytes) -> bytes:
    """Call a function in another process, which is kept for the next call.

    Args:
        function: ``module:name`` of a function that takes bytes and returns bytes.
        content: what to call it with.

    Raises:
        EndedError: if it ended its process, raised an error, or took more than a minute.
    """
    waiting = _waiting[os.getpid(), function]
    try:
        process = _take(waiting) or _start(function)
    except OSError as error:
        raise EndedError from error
    timer = threading.Timer(_SECONDS, process.kill)
    timer.start()
    answer = None
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        _send(process.stdin, content)
        answer = _receive(process.stdout)
    except OSError as error:
        raise EndedError from error
    finally:
        timer.cancel()
        if answer is None:
            _end(process)
        else:
            waiting.append(process)
    if answer is None:
        raise EndedError
    return answer


def serve(function: str) -> None:
    """Answer calls of a function until standard input ends: what the other process does."""
    module, _, name = function.partition(":")
    work = getattr(importlib.import_module(module), name)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get among the answers
    while (content := _receive(sys.stdin.buffer)) is not None:
        _send(answers, work(content))


def _take(waiting: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes] | None:
    """Take a process that waits, unless it was killed meanwhile; other threads may take some at the same time."""
    with suppress(IndexError):
        while True:
            process = waiting.pop()
            if process.poll() is None:
                return process
    return None


def _start(function: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _START.format(__name__), function, *sys.path]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # an interrupt of this process doesn't reach it
    )


def _send(stream: IO[bytes], message: bytes) -> None:
    stream.write(len(message).to_bytes(_LENGTH, "little") + message)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes | None:
    """Read a message; None if the stream ends before it does."""
    length = int.from_bytes(stream.read(_LENGTH), "little")
    message = stream.read(length) if length else b""
    return message if message and len(message) == length else None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with suppress(OSError):
        process.communicate()


@atexit.register
def _end_all() -> None:
    for (starter, _), processes in _waiting.items():
        if starter == os.getpid():
            while processes:
                _end(processes.pop())
