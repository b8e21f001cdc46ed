"""How many of PyTorch's threads train: fewer where other programs want the processor's cores.

Every operation waits for the slowest thread. Where one of two cores is shared with another program, a step can take
ten times as long with two threads as with one (docs/results.md).
"""

import os
import time

import torch

__all__ = ["Threads"]

SECONDS = 5.0  # how long a number of threads is measured
STEPS = 4  # at least
SHORT = 0.85  # of the processor time that the threads would get: with less, other programs use the cores
FASTER = 1.1  # a number of threads is kept if its steps are that much faster
PAUSE, LONGEST = 60.0, 960.0  # seconds until the next try; twice as long after each try in vain


class Threads:
    """The number of threads while training; `close` sets it back.

    Each step is made within `with threads:`, and `review` follows it. A number of threads is tried for five seconds of
    steps, and kept where it is faster. Where `OMP_NUM_THREADS` is set, the number stays: the order of sums depends on
    it, and so do the last bits of the weights.

    Args:
        steady: keep the number in any case.
    """

    def __init__(self, steady: bool = False) -> None:
        self.most = self.used = torch.get_num_threads()
        self.steady = steady or self.most == 1 or "OMP_NUM_THREADS" in os.environ
        self.pause, self.until = PAUSE, 0.0  # no other number is tried before
        self.before: tuple[int, float] | None = None  # threads and steps per second before the one that is tried
        self.steps, self.seconds, self.busy = 0, 0.0, 0.0

    def __enter__(self) -> None:
        self.seconds -= time.monotonic()
        self.busy -= time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.monotonic()
        self.busy += time.process_time()
        self.steps += 1

    def review(self) -> str:
        """Change the number of threads where that may help; what was changed for good, in words."""
        if self.steady or self.steps < STEPS or self.seconds < SECONDS:
            return ""
        speed, cores, said = self.steps / self.seconds, self.busy / self.seconds, ""
        self.steps, self.seconds, self.busy = 0, 0.0, 0.0
        if self.before is not None:
            said = self._decide(speed)
        elif time.monotonic() >= self.until:
            if self.used > 1 and cores < SHORT * self.used:
                self._try(max(1, int(cores)), speed)
            elif self.used < self.most:
                self._try(self.most, speed)
        return said

    def close(self) -> None:
        """Set PyTorch's number of threads to what it was."""
        self._use(self.most)

    def _try(self, threads: int, speed: float) -> None:
        self.before = self.used, speed
        self._use(threads)

    def _decide(self, speed: float) -> str:
        """Keep the number of threads that is tried, or go back to the one before."""
        assert self.before is not None
        (threads, known), self.before, said = self.before, None, ""
        if speed > FASTER * known:
            self.pause = PAUSE
            number = f"{self.used} thread" + "s" * (self.used > 1)
            why = "other programs use the processor" if self.used < threads else "the processor is free again"
            said = f"{number} from here on: {why}, and steps are {speed / known:.1f} times as fast as with {threads}."
        else:
            self._use(threads)
            self.pause = min(LONGEST, 2 * self.pause)
        self.until = time.monotonic() + self.pause
        return said

    def _use(self, threads: int) -> None:
        if threads != self.used:
            torch.set_num_threads(threads)
            self.used = threads
