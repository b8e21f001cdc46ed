"""A tiny data set and a run trained on it by the command itself, for all commands."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from semiray.cli import main

TINY = [
    *("--resolution", "32", "--set", "optimisation.batch=8", "--set", "optimisation.average=2"),
    *("--set", "networks.width=8", "--set", "networks.widest=16", "--set", "networks.noise=8"),
]
Semiray = Callable[..., tuple[int, str, str]]
Refuses = Callable[..., str]


@pytest.fixture
def semiray_says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Semiray:
    """Run one command; its exit code, and what it printed to standard output and to standard error."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("semiray.commands.console.console", Console(highlight=False, width=200))
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(scope="session")
def tiny() -> list[str]:
    """Options of `train` for networks that learn nothing, but within seconds."""
    return TINY


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data`, 60 phantoms of 32 px, and `run`, trained on them for five steps by the command itself."""
    work = tmp_path_factory.mktemp("work")
    assert main(["data", "phantom", str(work / "data"), "-n", "60", "--resolution", "32", "--seed", "3"]) == 0
    words = ["train", str(work / "data"), "--out", str(work / "run"), "--cache", str(work / "cache"), "--images", "40"]
    assert main([*words, "--classes", "normal, lobar=ill, diffuse=ill", *TINY]) == 0
    return work


@pytest.fixture
def refuses(work: Path, tmp_path: Path, semiray_says: Semiray, monkeypatch: pytest.MonkeyPatch) -> Refuses:
    """Run a command that fails (DATA, RUN and NEW stand for folders): its sentence. It must write nothing."""

    def run(*words: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SEMIRAY_CACHE", str(work / "cache"))
        places = {"DATA": work / "data", "RUN": work / "run", "NEW": tmp_path / "new"}
        code, _, error = semiray_says(*(places.get(word, word) for word in words))
        assert code == 2
        assert "Traceback" not in error
        assert list(tmp_path.iterdir()) == []
        return error

    return run
