"""The command line: the commands gathered, and every error that is meant for a person turned into one.

The commands themselves live in `semiray.commands`, thin: each calls one function that a notebook could call as well.
"""

import errno
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from semiray.commands import ask, assume, data, demo, prove, represent, train
from semiray.errors import SemirayError, SemirayWarning

__all__ = ["app", "main"]

app = typer.Typer(
    name="semiray",
    help="Assume distributions, train a generator of chest X-rays that obeys them, prove that it does.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_DEBUG = "--debug"


app.add_typer(data.app, name="data")
app.add_typer(assume.app, name="prior")
for command in (
    demo.demo,
    train.train,
    ask.generate,
    ask.traverse,
    represent.represent,
    ask.samples,
    ask.networks,
    prove.evaluate,
    prove.judge,
    prove.compare,
):
    app.command()(command)


def _show_version(asked: bool) -> None:
    if asked:
        from semiray import __version__

        print(f"semiray {__version__}")
        raise typer.Exit


@app.callback()
def _semiray(
    debug: bool = typer.Option(False, _DEBUG, help="Show the traceback of an error."),
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    """Assume distributions, train a generator of chest X-rays that obeys them, prove that it does."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 an error that says what to do, 130 interrupted.

    `--debug`, anywhere among the arguments, shows tracebacks in place of sentences.

    Args:
        arguments: the words after `semiray`; those of the process when None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = _DEBUG in words
    words = [word for word in words if word != _DEBUG]
    try:
        with _warnings_in_sentences():
            code = app(words, prog_name="semiray", standalone_mode=False)
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        if debug:
            raise
        return _explain(error)
    if code == 130:  # Typer turns Ctrl-C into this code and says nothing
        return _complain("Interrupted.", 130)
    return code if isinstance(code, int) else 0


def _explain(error: Exception) -> int:
    """Say what an error means, in a sentence where it is one that a person can act on."""
    # Typer brings its own copy of click, or uses the one installed, depending on its version: go by the shape.
    show, exit_code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if exit_code is not None:
        if callable(show):
            show()
        return int(exit_code) if type(error).__name__ != "Abort" else 130
    if isinstance(error, SemirayError):
        return _complain(str(error), error.code)
    if isinstance(error, MemoryError):
        return _complain("Out of memory: ask for fewer images or a smaller resolution.", 2)
    if isinstance(error, OSError):
        return _complain(_file_trouble(error), 2)
    raise error


def _file_trouble(error: OSError) -> str:
    """A sentence for what the operating system refused."""
    where = f": {error.filename}" if error.filename else ""
    advice = {
        errno.ENOSPC: "The disk is full; free some space or write elsewhere",
        errno.EROFS: "This file system is read-only; write elsewhere with --out",
        errno.EACCES: "Permission denied; choose a folder that you may write to, or files that you may read",
        errno.EPERM: "Permission denied; choose a folder that you may write to, or files that you may read",
        errno.ENOENT: "No such file or folder",
        errno.EDQUOT: "Your quota of the disk is used up; free some space or write elsewhere",
        errno.EEXIST: "A file stands where a folder is needed",
        errno.ENOTDIR: "A file stands where a folder is needed",
        errno.EISDIR: "A folder stands where a file is needed",
        errno.ENAMETOOLONG: "This name is too long for the file system",
    }.get(error.errno or 0, error.strerror or str(error) or type(error).__name__)
    return f"{advice}{where}"


@contextmanager
def _warnings_in_sentences() -> Iterator[None]:
    """Show warnings that are meant for a person without Python's file and line, and any other as Python does."""
    usual: Callable[..., None] = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *others: Any, **more: Any) -> None:
        if issubclass(category, SemirayWarning):
            print(f"semiray: warning: {message}", file=sys.stderr)
        else:
            usual(message, category, *others, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = usual


def _complain(message: str, code: int) -> int:
    print(f"semiray: {message}", file=sys.stderr)
    return code
