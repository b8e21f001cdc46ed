"""The command line: what a person types, and what a person reads."""

import errno
import subprocess
import sys

import pytest

from semiray.cli import app, main
from semiray.errors import SemirayError


def test_help_is_shown_by_the_module() -> None:
    shown = subprocess.run([sys.executable, "-m", "semiray", "--help"], capture_output=True, text=True, check=True)
    assert "semiray" in shown.stdout


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command `fail` that raises what is put into this list."""
    errors: list[BaseException] = []

    def fail() -> None:
        raise errors[0]

    monkeypatch.setattr(app, "registered_commands", list(app.registered_commands))
    app.command("fail")(fail)
    return errors


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (SemirayError("row 3: no label"), 2, "row 3: no label"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/y.png"), 2, "disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "/x/y.png"), 2, "read-only"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/x/y.png"), 2, "/x/y.png"),
        (KeyboardInterrupt(), 130, "Interrupted"),
    ],
)
def test_errors_become_sentences(
    failing: list[BaseException], error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(error)
    assert main(["fail"]) == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize("words", [["--debug", "fail"], ["fail", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(failing: list[BaseException], words: list[str]) -> None:
    failing.append(SemirayError("row 3: no label"))
    with pytest.raises(SemirayError, match="row 3"):
        main(words)


def test_a_bug_keeps_its_traceback(failing: list[BaseException]) -> None:
    failing.append(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        main(["fail"])


@pytest.mark.parametrize("words", [["no-such-command"], ["--no-such-option"]])
def test_a_wrong_word_is_named(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert words[0] in capsys.readouterr().err
