from pathlib import Path
from typing import Any

import pytest

from semiray.errors import SemirayError
from semiray.files import hold_folder
from semiray.report import Report, judge

FEW: dict[str, Any] = {"seeds": 1, "steps": 3, "batch": 12, "benefit": False}


def test_a_run_gets_a_report_and_a_card(whole: Any) -> None:
    report, folder = whole
    assert isinstance(report, Report)
    assert {"report.html", "report.json", "figures", "cache"} <= {path.name for path in folder.iterdir()}
    assert "# RUN" in (folder.parent / "RUN" / "README.md").read_text(encoding="utf-8")


def test_a_folder_by_any_name_of_it(set_maker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    files: list[Path] = []
    real = set_maker(120)
    judge(set_maker(60, seed=7), real, "~/proof", on_file=files.append, **FEW)
    assert files == [tmp_path / "proof" / "report.html"]
    assert files[0].exists()


def test_without_a_folder_nothing_is_written(set_maker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = judge(set_maker(60, seed=7), set_maker(120), **FEW)
    assert report.utility.trtr.n_images
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_writes_to_is_left_alone(set_maker: Any, tmp_path: Path) -> None:
    with hold_folder(tmp_path / "proof"), pytest.raises(SemirayError, match="another process"):
        judge(set_maker(60, seed=7), set_maker(120), tmp_path / "proof", **FEW)
    assert not (tmp_path / "proof" / "report.json").exists()


def test_a_notebook_shows_verdict_and_headlines(whole: Any) -> None:
    text = whole[0]._repr_html_()
    assert "<strong>RUN</strong>" in text
    assert "Utility: synthetic / real" in text
    assert "ceiling" in text
