"""Work in processes of its own, that can be killed at any moment."""

import multiprocessing
from collections.abc import Callable, Sequence

import pytest

Killable = Callable[[Sequence[object] | str, float | None], int | None]


@pytest.fixture(scope="session")
def killable() -> Killable:
    """(words after `semiray` or Python code, seconds or None) -> exit code; -9 if killed after so many seconds.

    The processes are forked from a server that has imported everything, so that a moment is one of the work.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["semiray.cli", "semiray.evaluation", "semiray.commands.console", "torch.utils.tensorboard"]
    )

    def run(work: Sequence[object] | str, seconds: float | None) -> int | None:
        if not isinstance(work, str):
            work = f"import sys; from semiray.cli import main; sys.exit(main({[str(word) for word in work]!r}))"
        process = context.Process(target=exec, args=(work, {}))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
        return process.exitcode

    return run
