"""Options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from semiray.cli import main
from semiray.commands.options import Reading, Space, with_groups
from semiray.errors import SemirayError
from semiray.radiographs import ReadingOptions


def test_only_what_was_said_is_given() -> None:
    assert Reading().given() == {}
    said = Reading.model_validate({"label_from": "a|b", "classes": "A=x, B", "framing": "pad", "cache": "cache"})
    assert said.given() == {"label_from": "a|b", "classes": {"A": "x", "B": "B"}, "framing": "pad"}
    assert said.cache == Path("cache")


def test_reader_options_are_those_of_the_model() -> None:
    app, seen = typer.Typer(), []

    @app.command()
    @with_groups
    def command(reading: Reading) -> None:
        seen.append(reading)

    runner = CliRunner()
    words = ["--label-from", "a", "--classes", "A=x, B", "--framing", "pad", "--cache", "c"]
    assert runner.invoke(app, words).exit_code == 0
    assert runner.invoke(app, []).exit_code == 0
    assert seen[0].given() == {"label_from": "a", "classes": {"A": "x", "B": "B"}, "framing": "pad"}
    assert (seen[0].cache, seen[1].cache, seen[1].given()) == (Path("c"), None, {})
    assert runner.invoke(app, ["--framing", "stretch"]).exit_code == 2
    shown = " ".join(runner.invoke(app, ["--help"], terminal_width=300, color=False).stdout.split())
    for name, field in ReadingOptions.model_fields.items():
        assert f"--{name.replace('_', '-')}" in shown
        assert field.description is not None
        assert field.description[1:25] in shown


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
    assert Space().open() is None
    for said in (Space(download=True), Space(weights=tmp_path)):
        with pytest.raises(SemirayError, match="trtr has none"):
            said.open()
    for said, words in ((Space("absent.onnx"), "no such file"), (Space("xrv"), "--weights FILE")):
        with pytest.raises(SemirayError, match=words):
            said.open()


def test_what_a_space_lacks_is_told_before_anything_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    absent = str(tmp_path / "absent")
    assert main(["judge", absent, absent, "--out", absent, "--space", "xrv"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "The space xrv needs --weights FILE" in said
