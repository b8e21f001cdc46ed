"""One progress over judgements of which each counts in units of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["Stages"]


class Stages:
    """One progress over several stages.

    Args:
        progress: Called with (done, total); None tells nobody.
        sizes: Stage -> what it takes, in one unit for all.
    """

    def __init__(self, progress: Callable[[int, int], None] | None, sizes: Mapping[str, int]) -> None:
        self.progress, self.sizes, self.total = progress, sizes, max(sum(sizes.values()), 1)

    def __getitem__(self, name: str) -> Callable[[int, int], None]:
        """The progress of one stage, whatever its own units are."""
        names = list(self.sizes)
        before, size = sum(self.sizes[other] for other in names[: names.index(name)]), self.sizes[name]

        def report(done: int, total: int) -> None:
            if self.progress is not None:
                self.progress(before + size * done // max(total, 1), self.total)

        return report
