"""Options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from semiray.cli import main
from semiray.commands.options import Framing, Reading, Space, parse_classes, with_groups
from semiray.errors import SemirayError


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("COVID", {"COVID": "COVID"}),
        ("B,A , Viral Pneumonia", {"B": "B", "A": "A", "Viral Pneumonia": "Viral Pneumonia"}),
        ("A=x, B=x, C", {"A": "x", "B": "x", "C": "C"}),
        ("A = x", {"A": "x"}),
    ],
)
def test_classes_are_kept_renamed_and_merged(text: str, read: dict[str, str]) -> None:
    assert list(parse_classes(text).items()) == list(read.items())


@pytest.mark.parametrize("text", ["", ",", "A,,B", "=x", "A=", "A, A", "A=x, A=y"])
def test_classes_that_make_no_sense_are_named(text: str) -> None:
    with pytest.raises(SemirayError, match="--classes"):
        parse_classes(text)


def test_only_what_was_said_is_given() -> None:
    assert Reading().given() == {}
    said = Reading(label_from="a|b", classes="A=x, B", framing=Framing.pad, cache=Path("cache")).given()
    assert said == {"label_from": "a|b", "classes": {"A": "x", "B": "B"}, "framing": "pad"}


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
    for said, words in ((Space("absent.onnx"), "choose inception"), (Space("xrv"), "needs weights")):
        with pytest.raises(SemirayError, match=words):
            said.open()


def test_what_a_space_lacks_is_told_before_anything_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    absent = str(tmp_path / "absent")
    assert main(["judge", absent, absent, "--out", absent, "--space", "xrv"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "The space xrv needs --weights FILE" in said
