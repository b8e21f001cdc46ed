"""The command line: what a person types, and what a person reads."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from semiray.cli import app, in_options, main
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


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("resolution=48: choose 32 or 64.", "--resolution 48: choose 32 or 64."),
        ("seed = -1: must be at least 0.", "--seed -1: must be at least 0."),
        ("n = 0: ask for at least one image.", "-n 0: ask for at least one image."),
        ("choose another folder with out=", "choose another folder with --out"),
        ("leave them out, or use another out=.", "leave them out, or use another --out."),
        ("it holds a run: `resume=True` continues it", "it holds a run: `--resume` continues it"),
        ("with real_images=False, benefit=False", "with --no-real-images, --no-benefit"),
        ("label_from='(' isn't valid", "--label-from '(' isn't valid"),
        ("lower it with optimisation.batch=16", "lower it with --set optimisation.batch=16"),
        ("--set optimisation.batch=x: a number", "--set optimisation.batch=x: a number"),
        ("the event 'seed == 1' never happens", "the event 'seed == 1' never happens"),
        ("--classes 'seed=1': fine", "--classes 'seed=1': fine"),
        ("no column 'who' (patient_column=)", "no column 'who' (--patient-column)"),
        ("run `Network(weights=None)` first", "run `Network(weights=None)` first"),
        ("data.csv has no column image=", "data.csv has no column image="),
    ],
)
def test_python_arguments_become_options(said: str, told: str) -> None:
    assert in_options(said) == told


def test_an_error_of_the_library_speaks_of_options(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(SemirayError("DATA: load it with resolution=32"))
    assert main(["fail"]) == 2
    assert capsys.readouterr().err == "semiray: DATA: load it with --resolution 32\n"


def test_nothing_that_is_echoed_moves_the_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = "\x1b[31m\x1b]0;title\x07\u202e"
    (tmp_path / bad).mkdir()
    Image.new("L", (20, 20)).save(tmp_path / bad / "a.png")
    for words in (
        ["data", "inspect", str(tmp_path), "--out", str(tmp_path.parent / "sheet.png")],
        ["data", "inspect", str(tmp_path), "--label-from", f"({bad}", "--out", "x.png"],
        ["compare", f"{tmp_path}/{bad}"],
        ["data", "phantom", f"--{bad}"],
        [bad],
        ["train", "a", "--out", "b", "--set", f"{bad}=1"],
    ):
        main(words)
        said = "".join(capsys.readouterr())
        assert said
        assert all(character.isprintable() or character in "\n\t" for character in said), words
