"""The recipe of shipped runs: what it makes, and what it refuses."""

import sys
from pathlib import Path
from typing import Any

import pytest

from semiray.errors import SemirayError
from semiray.radiographs import RadiographSet
from semiray.training import Run

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import make_pretrained
from make_pretrained import LARGEST, make, size, size_of, train_run


def test_a_run_is_put_into_its_place_and_replaced(
    trained: Run, real: RadiographSet, report_maker: Any, tmp_path: Path
) -> None:
    home, report = tmp_path / "home", report_maker(tmp_path / "report", "RUN")
    home.mkdir()
    for _ in range(2):
        made = make("phantom-32", trained, report, real, home)
    assert made == home / "phantom-32"
    assert [path.name for path in home.iterdir()] == ["phantom-32"]
    assert size(home) == size_of(made) > 10_000
    assert "license: mit" in (made / "README.md").read_text(encoding="utf-8")


def test_a_run_that_leaks_or_is_too_large_is_not_shipped(
    trained: Run, real: RadiographSet, report_maker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SemirayError, match="are copies of training images"):
        make("phantom-32", trained, report_maker(tmp_path / "leaking", "RUN", copies=0.1), real, tmp_path)
    silent = report_maker(tmp_path / "silent", "RUN")
    text = (silent / "report.json").read_text(encoding="utf-8").replace("copies of", "pieces of")
    (silent / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match="doesn't say whether"):
        make("phantom-32", trained, silent, real, tmp_path)
    monkeypatch.setattr("make_pretrained.LARGEST", 1000)
    with pytest.raises(SystemExit, match="more than 1,000 together"):
        make("phantom-32", trained, report_maker(tmp_path / "report", "RUN"), real, tmp_path)
    assert not (tmp_path / "phantom-32").exists()
    assert LARGEST == 12_000_000


@pytest.mark.slow
def test_it_trains_once(tmp_path: Path, real: RadiographSet, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"resolution": 32, "images": 16, "networks": {"width": 4, "widest": 8}, "optimisation": {"batch": 8}}
    recipe = make_pretrained.Recipe(make_pretrained.PHANTOM, settings)
    monkeypatch.setitem(make_pretrained.RECIPES, "tiny", recipe)
    run = train_run("tiny", real, tmp_path)
    changed = (run.path / "model.safetensors").stat().st_mtime_ns
    assert (train_run("tiny", real, tmp_path).path / "model.safetensors").stat().st_mtime_ns == changed
