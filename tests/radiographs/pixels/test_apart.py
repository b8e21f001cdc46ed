from __future__ import annotations

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from semiray.radiographs.pixels import apart
from semiray.radiographs.pixels.apart import EndedError, call_apart

WORK = """
import os, sys, time
def double(content):
    print("not an answer")
    return content * 2
def which(content): return str(os.getpid()).encode()
def end(content): os.abort()
def fail(content): raise ValueError("broken")
def hang(content): time.sleep(600)
def nothing(content): return b""
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    (tmp_path / "work_apart.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    return lambda name, content=b"x": call_apart(f"work_apart:{name}", content)


def test_a_function_is_called_in_another_process_that_is_kept(work):
    assert work("double", b"ab\0" * 100_000) == b"ab\0" * 200_000
    first = work("which")
    assert first != str(os.getpid()).encode()
    assert work("which") == first


@pytest.mark.parametrize("name", ["end", "fail", "nothing", "missing"])
def test_a_call_without_an_answer_harms_nothing_else(work, name):
    with pytest.raises(EndedError):
        work(name)
    assert work("double") == b"xx"


def test_a_call_that_does_not_end_is_given_up(work, monkeypatch):
    monkeypatch.setattr(apart, "_SECONDS", 1)
    start = time.monotonic()
    with pytest.raises(EndedError):
        work("hang")
    assert time.monotonic() - start < 20


def test_a_process_that_was_killed_while_it_waited_is_replaced(work):
    first = int(work("which"))
    os.kill(first, signal.SIGTERM)
    time.sleep(0.2)
    assert int(work("which")) != first


def test_threads_do_not_get_each_others_answers(work):
    together = threading.Barrier(3)

    def ask(number: int) -> bytes:
        together.wait()
        return work("double", str(number).encode())

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, range(3))) == [b"00", b"11", b"22"]


def test_a_process_that_cannot_be_started_is_no_answer(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(EndedError):
        call_apart("nowhere:nothing", b"x")
