"""A run by its name: a folder of one's own first, then what comes with semiray."""

from pathlib import Path

import pytest

from semiray.errors import SemirayError
from semiray.pretrained import called, describe_shipped, find_run, shipped_runs
from semiray.training import Run


def test_a_shipped_run_is_found_by_its_name(shipped: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped_runs() == {"tiny-32": shipped.path}
    assert find_run("tiny-32") == find_run(Path("tiny-32")) == shipped.path
    assert Run.load("tiny-32").classes == shipped.classes
    assert find_run("./elsewhere/tiny-32") == Path("elsewhere/tiny-32")
    with pytest.raises(SemirayError, match=r"tiny-3 isn't a run.*or take one that comes with semiray: tiny-32"):
        Run.load("tiny-3")


def test_a_folder_of_ones_own_goes_first(shipped: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "tiny-32").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert find_run("tiny-32") == Path("tiny-32")
    assert called(shipped.path) == str(shipped.path)


def test_a_command_calls_a_shipped_run_by_its_name(
    shipped: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert called(shipped.path) == "tiny-32"
    assert called(tmp_path / "own") == str(tmp_path / "own")


@pytest.mark.parametrize("name", sorted(shipped_runs()) or [pytest.param("", marks=pytest.mark.skip("none is there"))])
def test_what_is_shipped_is_whole_and_small(name: str) -> None:
    run = Run.load(name, "cpu")
    assert run.traces() is not None
    assert run.data["trained"]["images"] <= len(run.traces() or ())
    card = (run.path / "README.md").read_text(encoding="utf-8")
    assert all(words in card for words in ("license: ", "not a medical device", "## Privacy audit", f'load("{name}")'))
    assert any(line.startswith(f"{name}: ") for line in describe_shipped())
    files = [file for folder in shipped_runs().values() for file in folder.iterdir()]
    assert {file.name for file in files} <= {"settings.yaml", "model.safetensors", "README.md", "traces.npy"}
    assert sum(file.stat().st_size for file in files) <= 12_000_000
