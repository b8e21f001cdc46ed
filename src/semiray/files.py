"""Files written in one step, and folders that one process at a time may write to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from semiray.errors import SemirayError

__all__ = ["hold_folder", "sweep", "whole_file", "write_whole"]

LOCK = ".lock"
PARTIAL = ".partial"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, moved to `path` at the end: readers see the old file or the new one, whole.

    After an error the old file is as it was. What a kill leaves is named `.NAME.*.partial`.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("r+b") as file:  # Windows syncs only what is open for writing
            os.fsync(file.fileno())  # else a power cut after the move could leave an empty file under the final name
        temporary.chmod(0o644)  # mkstemp's files are for their owner alone
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file in one step; text as UTF-8. OSError where the folder can't be written to or the disk is full."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def sweep(folder: Path) -> None:
    """Remove what a kill left half written."""
    for left in folder.rglob(f".*{PARTIAL}"):
        if left.is_file():
            left.unlink(missing_ok=True)


@contextmanager
def hold_folder(folder: Path, share: str = "") -> Iterator[None]:
    """Hold a folder, made here, against other processes that would write to it; the system lets go when we die.

    What a kill left half written in it is removed. With a name for a `share`, only those who write the same share are
    kept out, and nothing is removed, for it may be others'.

    Raises:
        SemirayError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f".{share}{LOCK}" if share else LOCK
    lock = FileLock(folder / name, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise SemirayError(
            f"another process is writing {share or 'files'} to {folder}: wait until it ends, or choose another folder "
            "with --out."
        ) from error
    try:
        if not share:
            sweep(folder)
        yield
    finally:
        lock.release()
        with suppress(OSError):
            if share or [path.name for path in folder.iterdir()] == [LOCK]:  # nothing came of it: leave no trace
                (folder / name).unlink()
                folder.rmdir()
