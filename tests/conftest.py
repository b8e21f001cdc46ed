"""Commands in processes of their own, that can be killed at any moment."""

import multiprocessing
from collections.abc import Callable, Sequence

import pytest

Killable = Callable[[Sequence[object], float | None], int | None]


@pytest.fixture(scope="session")
def killable() -> Killable:
    """(words after `semiray`, seconds or None) -> exit code; -9 where the command was killed after so many seconds.

    The processes are forked from a server that has imported everything, so that a moment is one of the command's work.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["semiray.cli", "semiray.evaluation", "semiray.commands.console", "torch.utils.tensorboard"]
    )

    def run(words: Sequence[object], seconds: float | None) -> int | None:
        code = f"import sys; from semiray.cli import main; sys.exit(main({[str(word) for word in words]!r}))"
        process = context.Process(target=exec, args=(code,))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
        return process.exitcode

    return run
