"""Signals that end training early."""

import os
import signal
import sys
import threading

import pytest

from semiray.training.interruption import catch_stop


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
def test_a_signal_is_noted_and_a_second_ctrl_c_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with catch_stop() as caught:
        os.kill(os.getpid(), signal.SIGTERM)
        assert caught == [signal.SIGTERM]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_nothing_is_caught() -> None:
    found: list[list[int]] = []

    def work() -> None:
        with catch_stop() as caught:
            found.append(caught)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [[]]
