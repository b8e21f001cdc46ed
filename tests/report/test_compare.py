import json
from pathlib import Path
from typing import Any

import pytest

from semiray.errors import SemirayError
from semiray.radiographs import split_by_patient
from semiray.report import judge
from semiray.report.compare import compare_lines, plot_comparison, read_reports


@pytest.fixture(scope="module")
def folders(set_maker: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two reports of `judge`, one with a split and so with privacy."""
    work = tmp_path_factory.mktemp("reports")
    real = set_maker(240, per_patient=1)
    split = split_by_patient(real, fractions=(0.5, 0.0, 0.5), seed=0)
    for name, one in (("good", split), ("other", None)):
        judge(set_maker(120, seed=7), real, work / name, seeds=1, steps=5, batch=12, split=one, subject=name)
    return [work / "good", work / "other"]


def test_what_one_report_lacks_is_a_dash(folders: list[Path]) -> None:
    reports = read_reports([folders[0], folders[1] / "report.json"])
    assert [report.name for report in reports] == ["good", "other"]
    content = json.loads((folders[0] / "report.json").read_text())
    assert reports[0].figures["synthetic over real"].value == content["utility"]["ratio"]
    assert reports[0].figures["copies, per cent"].value == 0
    lines = compare_lines(reports)
    assert lines[0].split() == ["good", "other"]
    (membership,) = [line for line in lines if line.startswith("membership")]
    assert membership.split()[-1] == "-"
    (ratio,) = [line for line in lines if line.startswith("synthetic over real")]
    assert ratio.count("to") == 2
    assert "Judged on different images" in "\n".join(lines)  # the split decides who tests


def test_a_panel_a_figure_a_row_a_report(folders: list[Path]) -> None:
    reports = read_reports(folders)
    figure = plot_comparison(reports)
    figure.canvas.draw()
    shown = {axes.get_title(loc="left") for axes in figure.axes} - {""}
    assert shown == set(reports[0].figures)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["good", "other"]


def test_two_reports_of_one_name_are_told_apart_by_their_folders(folders: list[Path]) -> None:
    names = [report.name for report in read_reports([folders[0], folders[0]])]
    assert names == [str(folders[0])] * 2


def test_an_old_report_has_what_it_has(folders: list[Path], tmp_path: Path) -> None:
    content = json.loads((folders[0] / "report.json").read_text())
    for key in ("fidelity", "privacy", "shortcuts"):
        del content[key]
    (tmp_path / "report.json").write_text(json.dumps(content))
    (old,) = read_reports([tmp_path])
    assert set(old.figures) == {"trained on synthetic", "trained on real", "synthetic over real"}


def test_distances_of_two_spaces_are_no_figures_of_one(folders: list[Path], tmp_path: Path) -> None:
    content = json.loads((folders[0] / "report.json").read_text())
    content["fidelity"]["space"] = "xrv"
    (tmp_path / "report.json").write_text(json.dumps(content))
    other, same = (set(report.figures) for report in read_reports([tmp_path, folders[0]]))
    assert "Fréchet distance (xrv)" in other - same
    assert "Fréchet distance" in same - other


def test_a_report_of_a_newer_schema_is_refused_and_one_of_none_is_read(folders: list[Path], tmp_path: Path) -> None:
    content = json.loads((folders[0] / "report.json").read_text())
    (tmp_path / "report.json").write_text(json.dumps(content | {"schema": 99, "semiray": "9.9"}))
    with pytest.raises(SemirayError, match=r"schema 99, written by semiray 9\.9.*update semiray"):
        read_reports([tmp_path])
    assert content.pop("schema") == 1
    (tmp_path / "report.json").write_text(json.dumps(content))
    assert read_reports([tmp_path])[0].figures == read_reports([folders[0]])[0].figures


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"subject": 1, "data": 2, "utility": 3}'])
def test_what_is_no_report_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(SemirayError, match="isn't a report"):
        read_reports([tmp_path])
    with pytest.raises(SemirayError, match="no report"):
        read_reports([tmp_path / "nowhere"])
