"""The command line: all commands, and errors turned into sentences.

The commands are in `semiray.commands`; each calls one function that a notebook can call as well. The library's errors
speak of Python arguments (`out=`); here they become options (`--out`).
"""

import errno
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from semiray.commands import ask, assume, data, explore, prove, share, train
from semiray.errors import SemirayError, SemirayWarning
from semiray.escaping import in_terminal

__all__ = ["app", "in_options", "main"]

app = typer.Typer(
    name="semiray",
    help="Assume distributions, train a generator of chest X-rays that follows them, measure whether it does.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_DEBUG = "--debug"
_LONGEST = 20_000  # characters of a message

app.add_typer(data.app, name="data")
app.add_typer(assume.app, name="prior")
for command in (
    train.demo,
    train.train,
    ask.generate,
    ask.traverse,
    ask.represent,
    ask.encode,
    ask.samples,
    ask.networks,
    share.runs,
    share.export,
    explore.explore,
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
    """Assume distributions, train a generator of chest X-rays that follows them, measure whether it does."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 for success, 2 for an error that was explained, 130 if interrupted.

    `arguments` are the words after `semiray`; `--debug`, anywhere among them, shows tracebacks instead of sentences.
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
    """Explain an error in a sentence; raise it again if it is a bug."""
    # Some versions of Typer bring a copy of click, others use the installed one: recognise errors by their attributes.
    show, exit_code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if exit_code is not None:
        if callable(show):
            said = getattr(error, "message", None)
            if isinstance(said, str):
                error.message = in_terminal(said)  # type: ignore[attr-defined]
            show()
        return int(exit_code) if type(error).__name__ != "Abort" else 130
    if isinstance(error, SemirayError):
        return _complain(in_options(str(error)[:_LONGEST]), error.code)
    if isinstance(error, MemoryError):
        return _complain("Out of memory: use fewer images or a smaller --resolution.", 2)
    if isinstance(error, OSError):
        return _complain(_file_trouble(error), 2)
    raise error


def in_options(message: str) -> str:
    """Replace Python arguments in a message by options of the command line.

    Where a command has such an option, `name=value` becomes `--name value`; `name = value` too, at the beginning.
    `name=True` and `name=False` become the flags `--name` and `--no-name`, and settings such as `objectives.sort=1`
    become `--set objectives.sort=1`.

    Examples:
        >>> in_options("resolution=48: choose 32 or 64, or another out=")
        '--resolution 48: choose 32 or 64, or another --out'
    """
    from semiray.settings import Settings, known_options

    options, flags = _known_words()
    settings = {name for name in known_options(Settings) if "." in name}
    before, after = r"(?<![\w.=<>!'\"-])(?<!\w\()(?<!--set )", r"=(?!=)"

    def option(match: re.Match[str]) -> str:
        name, value = match.group("name"), match.group("value") or ""
        if name in flags:
            return flags[name][value == "False"]
        return options[name] + (f" {value}" if value else "")

    names = "|".join(map(re.escape, sorted(options.keys() | flags.keys(), key=len, reverse=True)))
    message = re.sub(rf"^({names}) = ", r"\1=", message)
    message = re.sub(rf"{before}(?P<name>{names}){after}(?P<value>[^\s,;:.)`][^\s,;:)`]*)?", option, message)
    dotted = "|".join(map(re.escape, sorted(settings, key=len, reverse=True)))
    return re.sub(rf"{before}(?=(?:{dotted}){after})", "--set ", message)


def _known_words() -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Options of all commands by their name in Python; flags as (word for True, word for False)."""
    options: dict[str, str] = {}
    flags: dict[str, tuple[str, str]] = {}
    groups = [typer.main.get_command(app)]
    for command in groups:
        groups += getattr(command, "commands", {}).values()
        for parameter in command.params:
            long = next((word for word in parameter.opts if word.startswith("--")), "")
            name = long.removeprefix("--").replace("-", "_")
            if getattr(parameter, "is_flag", False):
                flags[name] = (long, next(iter(parameter.secondary_opts), long))
            elif long:
                options |= {name: long, str(parameter.name): parameter.opts[0]}
    return options, flags


def _file_trouble(error: OSError) -> str:
    """A sentence for an error of the operating system."""
    where = f": {error.filename}" if error.filename else ""
    denied = "Permission denied; choose a folder that you may write to, or files that you may read"
    no_folder = "There is a file where a folder is needed"
    advice = {
        errno.ENOSPC: "The disk is full; free some space or write elsewhere",
        errno.EROFS: "This file system is read-only; write elsewhere with --out",
        errno.EACCES: denied,
        errno.EPERM: denied,
        errno.ENOENT: "No such file or folder",
        errno.EDQUOT: "Your disk quota is used up; free some space or write elsewhere",
        errno.EEXIST: no_folder,
        errno.ENOTDIR: no_folder,
        errno.EISDIR: "There is a folder where a file is needed",
        errno.ENAMETOOLONG: "This name is too long for the file system",
    }.get(error.errno or 0, error.strerror or str(error) or type(error).__name__)
    return f"{advice}{where}"


@contextmanager
def _warnings_in_sentences() -> Iterator[None]:
    """Show the library's warnings without Python's file and line, and all other warnings as Python does."""
    usual: Callable[..., None] = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *others: Any, **more: Any) -> None:
        if issubclass(category, SemirayWarning):
            print(f"semiray: warning: {in_terminal(in_options(str(message)[:_LONGEST]))}", file=sys.stderr)
        else:
            usual(message, category, *others, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", SemirayWarning)  # not once a process: tests and notebooks run several commands
        warnings.showwarning = show
        yield


def _complain(message: str, code: int) -> int:
    print(f"semiray: {in_terminal(message)}", file=sys.stderr)
    return code
