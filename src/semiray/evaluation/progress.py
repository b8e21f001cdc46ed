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
        on_stage: Called with the name of each stage when it is begun, or gone on with.
    """

    def __init__(
        self, progress: Progress | None, sizes: Mapping[str, int], on_stage: Callable[[str], None] | None = None
    ) -> None:
        self.progress, self.sizes, self.total = progress, sizes, max(sum(sizes.values()), 1)
        self.done = dict.fromkeys(sizes, 0)
        self.on_stage, self.current = on_stage, ""

    def __getitem__(self, name: str) -> Progress:
        """The progress of one stage, in its own units."""

        def report(done: int, total: int) -> None:
            if done < total:
                self.begin(name)
            if self.progress is not None:
                self.done[name] = max(self.done[name], self.sizes[name] * done // max(total, 1))
                self.progress(sum(self.done.values()), self.total)

        return report

    def begin(self, name: str) -> None:
        """Say which stage is worked on, unless it takes nothing or was said last."""
        if self.on_stage is not None and self.sizes.get(name) and name != self.current:
            self.on_stage(name)
            self.current = name

    def finish(self, *names: str) -> None:
        """Report some stages as done, also those that were not needed."""
        for name in names:
            self[name](1, 1)
