"""Options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import Field
from typer.testing import CliRunner

from semiray.cli import main
from semiray.commands.options import OptionsOf, Reading, Space, TrainingOptions, with_groups
from semiray.errors import SemirayError
from semiray.radiographs import ReadingOptions
from semiray.settings import Section


def invoke(command: Any, *words: str) -> Any:
    app = typer.Typer()
    app.command()(with_groups(command))
    return CliRunner().invoke(app, words)


class Branch(Section):
    leaf: int = Field(1, description="Not on the command line")


class Tree(Section):
    kind: Literal["oak", "elm"] = Field("oak", description="Kind of tree")
    metres: float | None = Field(None, description="Height in metres")
    age: Literal[10, 20] = Field(10, description="Age in years")
    words: dict[str, str] | str | None = Field(None, description="Words about it")
    branch: Branch = Branch()


def test_a_model_declares_options_and_only_given_ones_arrive() -> None:
    seen: list[dict[str, Any]] = []

    def command(tree: Annotated[dict[str, Any], OptionsOf(Tree)]) -> None:
        seen.append(tree)

    assert invoke(command).exit_code == 0
    assert invoke(command, "--kind", "elm", "--metres", "2.5", "--age", "20", "--words", "tall").exit_code == 0
    assert seen == [{}, {"kind": "elm", "metres": 2.5, "age": 20, "words": "tall"}]
    assert invoke(command, "--kind", "ash").exit_code == 2
    shown = " ".join(invoke(command, "--help").stdout.split())
    for words in ("Height in metres.", "oak|elm", "10|20"):
        assert words in shown, words
    assert "leaf" not in shown


def test_reading_options_are_those_of_the_settings() -> None:
    seen: list[dict[str, Any]] = []

    def command(reading: Reading) -> None:
        seen.append(reading)

    assert invoke(command, "--label-from", "a|b", "--classes", "A=x, B", "--framing", "pad").exit_code == 0
    assert seen == [{"label_from": "a|b", "classes": "A=x, B", "framing": "pad"}]
    assert ReadingOptions(**seen[0]).classes == {"A": "x", "B": "B"}
    shown = " ".join(invoke(command, "--help").stdout.split())
    for name in ReadingOptions.model_fields:
        assert f"--{name.replace('_', '-')}" in shown


def test_training_options_have_the_settings_defaults() -> None:
    def command(options: TrainingOptions) -> None:
        raise AssertionError(options)

    shown = " ".join(invoke(command, "--help").stdout.split())
    for words in ("--resolution", "32|64|128|256|512", "(64)", "--checkpoint-seconds", "(60.0)"):
        assert words in shown, words


@dataclass(frozen=True)
class Pair:
    left: Annotated[int, typer.Option(help="The left one.")] = 1
    right: Annotated[str | None, typer.Option("--right", "-r")] = None


def test_a_group_of_options_arrives_as_one_value() -> None:
    app, seen = typer.Typer(), []

    @app.command()
    @with_groups
    def command(first: str, pair: Pair, last: Annotated[bool, typer.Option("--last")] = False) -> None:
        """What it does."""
        seen.append((first, pair, last))

    runner = CliRunner()
    assert runner.invoke(app, ["a", "--left", "7", "-r", "b", "--last"]).exit_code == 0
    assert runner.invoke(app, ["a"]).exit_code == 0
    assert seen == [("a", Pair(7, "b"), True), ("a", Pair(), False)]
    shown = runner.invoke(app, ["--help"]).stdout
    assert "The left one." in shown
    assert "What it does." in shown
    assert runner.invoke(app, ["a", "--left", "x"]).exit_code == 2


def test_a_space_is_opened_by_name_or_path(tmp_path: Path) -> None:
    assert Space().open("cpu") is None
    for said in (Space(download=True), Space(weights=tmp_path)):
        with pytest.raises(SemirayError, match="the default, has none"):
            said.open("cpu")
    for said, words in ((Space("absent.onnx"), "choose inception"), (Space("xrv"), "needs weights")):
        with pytest.raises(SemirayError, match=words):
            said.open("cpu")


def test_a_space_computes_on_the_device_that_was_asked_for() -> None:
    with pytest.raises(SemirayError, match="device 'absent'"):
        Space("xrv").open("absent")


def test_what_a_space_lacks_is_told_before_anything_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    absent = str(tmp_path / "absent")
    assert main(["judge", absent, absent, "--out", absent, "--space", "xrv"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "The space xrv needs" in said
