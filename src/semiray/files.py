"""Files written in one step, and folders that one process at a time may write to."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from semiray.errors import SemirayError

__all__ = ["check_not_input", "check_not_installed", "check_unused", "hold_folder", "is_installed"]
__all__ += ["sweep", "user_path", "whole_file", "write_whole"]

LOCK = ".lock"
PARTIAL = ".partial"


def user_path(path: Path | str) -> Path:
    """A path as a user named it, with the home folder for a leading ~.

    Raises:
        SemirayError: no file can have this name, or there is no such user.

    Examples:
        >>> user_path("set/images").as_posix()
        'set/images'
    """
    shown = repr(str(path)[:80])
    try:
        found = Path(path).expanduser()
        found.lstat()
    except FileNotFoundError:
        return found
    except RuntimeError:
        raise SemirayError(f"{shown}: there is no user of this name, and so no home folder") from None
    except ValueError:
        raise SemirayError(f"{shown}: no file can have this name") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise SemirayError(f"{shown}...: this name is too long for the file system") from None
    return found


@contextmanager
def whole_file(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Give a path beside `path` to write to, and move it to `path` at the end: a file is complete or absent.

    After an error the old file is unchanged. A killed process leaves a file named `.NAME.*.partial`. Without `sync`
    thousands of small files are written faster, but a power cut can leave them empty.

    Raises:
        OSError: With `path` as its file, if the folder is missing or can't be written to, or the disk is full.
    """
    temporary = path
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        if sync:
            with temporary.open("r+b") as file:  # Windows syncs only what is open for writing
                os.fsync(file.fileno())  # otherwise a power cut after the move could leave an empty file
        temporary.chmod(0o644)  # mkstemp's files are for their owner alone
        temporary.replace(path)
    except OSError as error:
        if error.errno and (error.filename is None or Path(error.filename).name.startswith(f".{path.name}.")):
            error.filename = str(path)  # the name that a person knows
        raise
    finally:
        if temporary != path:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str, *, sync: bool = True) -> None:
    """Write a file in one step; text as UTF-8. Arguments and errors as `whole_file`."""
    with whole_file(path, sync=sync) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def check_not_input(out: Path, *inputs: Path | str | None) -> None:
    """Raise SemirayError where a result would be written over one of the files that it is made from."""
    out = user_path(out)
    for one in inputs:
        if one is not None and out.exists() and (path := user_path(one)).exists() and out.samefile(path):
            raise SemirayError(f"out={out} is {one}, which is read here and would be lost: name another file.")


def is_installed(folder: Path) -> bool:
    """Whether a folder lies in the installed package, as those of the runs that come with semiray do."""
    return folder.resolve().is_relative_to(Path(__file__).resolve().parent)


def check_not_installed(folder: Path) -> None:
    """Raise SemirayError for a folder in the installed package, which stays as it is."""
    if is_installed(folder):
        raise SemirayError(f"{folder} came with semiray and stays as it is: choose another folder with out=.")


def check_unused(folder: Path) -> None:
    """Raise SemirayError unless a folder is new, or empty except for hidden files; changes nothing."""
    check_not_installed(folder)
    if folder.exists() and not folder.is_dir():
        raise SemirayError(f"{folder} is a file: choose another folder with out=.")
    if folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
        raise SemirayError(f"{folder} is not empty: choose another folder with out=, or empty this one.")


def sweep(folder: Path) -> None:
    """Remove what killed processes left half written, except in subfolders that are held: they may be in use."""
    for place, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if not any(Path(place, name).glob(f"*{LOCK}"))]
        for left in Path(place).glob(f".*{PARTIAL}"):
            if left.is_file():
                left.unlink(missing_ok=True)


@contextmanager
def hold_folder(folder: Path, share: str = "") -> Iterator[Callable[[], None]]:
    """Lock a folder, created if missing, against other processes; the lock ends with the process at the latest.

    Files that a killed process left half written are removed. With a name for a `share`, only processes that write the
    same share are kept out, and nothing is removed: it may belong to others. Gives a function that raises SemirayError
    if the folder was removed, moved or replaced meanwhile; long jobs call it before they write.

    Raises:
        SemirayError: Another process holds the folder, or it is in the installed package.
    """
    check_not_installed(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (f".{share}{LOCK}" if share else LOCK)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise SemirayError(
            f"another process is writing {share or 'files'} to {folder}: wait until it ends, or choose another folder "
            "with out=."
        ) from error
    mark = path.stat()

    def is_ours() -> bool:
        try:
            return os.path.samestat(path.stat(), mark)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def check() -> None:
        if not is_ours():
            raise SemirayError(
                f"{folder} was removed, moved or replaced while a process wrote to it: it stops. What it had saved is "
                "where the folder was moved to, if it was."
            )

    try:
        if not share:
            sweep(folder)
        yield check
    finally:
        with suppress(OSError):
            # Before it is released: afterwards it may be another's.
            if is_ours() and (share or [entry.name for entry in folder.iterdir()] == [LOCK]):
                path.unlink()
        lock.release()
        with suppress(OSError):
            folder.rmdir()  # nothing came of it: leave no trace
