"""`semiray data`: counts, a contact sheet, shortcuts, a prepared set."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Semiray = Callable[..., tuple[int, str, str]]
Refuses = Callable[..., str]


def test_inspect_counts_and_draws(work: Path, tmp_path: Path, semiray_says: Semiray) -> None:
    code, said, _ = semiray_says(
        "data", "inspect", work / "data", "--out", tmp_path / "s.png", "--cache", tmp_path / "c"
    )
    assert code == 0
    assert "60 images" in said
    for name in ("normal", "lobar", "diffuse"):
        assert name in said
    assert Image.open(tmp_path / "s.png").width > 100


def test_inspect_tells_classes_and_sources_by_what_is_no_disease(
    work: Path, tmp_path: Path, semiray_says: Semiray
) -> None:
    words = ("data", "inspect", work / "data", "--out", tmp_path / "s.png", "--cache", tmp_path / "c")
    code, said, _ = semiray_says(*words)
    assert code == 0
    assert "shortcuts between classes" in said
    assert "diffuse / lobar" in said
    code, _, error = semiray_says(*words, "--source-column", "hospital")
    assert code == 2
    assert "'hospital'" in error


def test_a_prepared_set_stands_in_for_the_data(work: Path, tmp_path: Path, semiray_says: Semiray) -> None:
    words = ("--resolution", "32", "--classes", "normal, lobar=ill, diffuse=ill")
    code, said, _ = semiray_says("data", "prepare", work / "data", "--out", tmp_path / "prepared", *words)
    assert code == 0
    assert "60 images of 60 patients" in said
    out = ("--out", tmp_path / "out", "--reject-copies", tmp_path / "prepared")
    assert semiray_says("generate", work / "run", "-n", "10", *out)[0] == 0
    code, said, _ = semiray_says("data", "inspect", tmp_path / "prepared", "--out", tmp_path / "s.png")
    assert code == 0
    assert "a prepared set" in said
    code, _, error = semiray_says("train", tmp_path / "prepared", "--out", tmp_path / "new", "--images", "8")
    assert code == 2
    assert "give --resolution 32" in error


def test_inspect_writes_nothing_into_data(
    work: Path, tmp_path: Path, semiray_says: Semiray, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted((work / "data").rglob("*"))
    monkeypatch.chdir(work / "data")
    code, said, _ = semiray_says("data", "inspect", ".", "--cache", tmp_path / "c")
    assert code == 0
    assert "No contact sheet" in said
    code, _, error = semiray_says("data", "inspect", ".", "--out", "sheet.png", "--cache", tmp_path / "c")
    assert code == 2
    assert "into the data set" in error
    assert sorted((work / "data").rglob("*")) == before


def test_blanks_are_about_findings(tmp_path: Path, semiray_says: Semiray) -> None:
    code, _, error = semiray_says("data", "phantom", tmp_path / "new", "--blanks", "0.2")
    assert code == 2
    assert "give --findings" in error
    assert not (tmp_path / "new").exists()
