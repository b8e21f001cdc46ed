"""One progress over judgements that each count in units of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["Progress", "Stages"]

Progress = Callable[[int, int], None]


class Stages:
    """One progress over several stages, whatever their order.

    Args:
        progress: Called with (done, total); None reports nothing.
        sizes: Stage -> what it takes, in one unit for all.
    """

    def __init__(self, progress: Progress | None, sizes: Mapping[str, int]) -> None:
        self.progress, self.sizes, self.total = progress, sizes, max(sum(sizes.values()), 1)
        self.done = dict.fromkeys(sizes, 0)

    def __getitem__(self, name: str) -> Progress:
        """The progress of one stage, in its own units."""

        def report(done: int, total: int) -> None:
            if self.progress is not None:
                self.done[name] = max(self.done[name], self.sizes[name] * done // max(total, 1))
                self.progress(sum(self.done.values()), self.total)

        return report

    def finish(self, *names: str) -> None:
        """Report some stages as done, also those that were not needed."""
        for name in names:
            self[name](1, 1)
