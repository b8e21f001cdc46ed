"""Reuse of freed memory."""

import ctypes
import platform

__all__ = ["keep_freed_memory"]

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # mallopt's names in glibc's malloc.h


def keep_freed_memory() -> None:
    """Let freed memory serve the next array, instead of returning it to the system.

    glibc's allocator then takes arrays of any size from its own heap and keeps it (mallopt(3)). Otherwise each large
    array costs a page fault every 4 KiB: measured, half of the time of a phantom, 3 to 4 % of a training step at 64 px
    and a third of one at 256 px, a fifth of a classifier's step, a tenth of what the explorer needs for a dozen
    images. Other allocators are not changed. It concerns the whole process: programs call it, or `train`, `evaluate`,
    `judge`, `explore` and the rendering of phantoms do.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(MMAP_MAX, 0)
        libc.mallopt(TRIM_THRESHOLD, -1)
