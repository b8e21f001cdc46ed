"""glibc's allocator is told once; others are left alone."""

import platform
import subprocess
import sys

import pytest

from semiray.memory import keep_freed_memory

CODE = """
import resource, numpy as np
from semiray.memory import keep_freed_memory
if {keep}: keep_freed_memory()
np.ones(2_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20): np.ones(2_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators are left as they are")
def test_freed_memory_serves_the_next_array() -> None:
    faults = [
        int(subprocess.run([sys.executable, "-c", CODE.format(keep=keep)], capture_output=True, check=True).stdout)
        for keep in (False, True)
    ]
    assert faults[1] < faults[0] / 10


def test_other_allocators_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", lambda _: called.append("CDLL"))
    keep_freed_memory()
    assert called == []
