import json
import math
from pathlib import Path
from typing import Any

import pytest

from semiray.errors import SemirayError
from semiray.radiographs import split_by_patient
from semiray.report import judge
from semiray.report.compare import compare_lines, old_headlines, plot_comparison, read_reports
from semiray.report.sections import sections
from semiray.report.theme import png


@pytest.fixture(scope="module")
def folders(set_maker: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two reports of `judge`, one with a split and so with privacy."""
    work = tmp_path_factory.mktemp("reports")
    real = set_maker(240, per_patient=1)
    split = split_by_patient(real, fractions=(0.5, 0.0, 0.5), seed=0)
    few: dict[str, Any] = {"seeds": 1, "steps": 5, "batch": 12, "benefit": False}
    for name, one in (("good", split), ("other", None)):
        judge(set_maker(120, seed=7), real, work / name, split=one, subject=name, **few)
    return [work / "good", work / "other"]


def test_what_one_report_lacks_is_a_dash(folders: list[Path]) -> None:
    reports = read_reports([folders[0], str(folders[1] / "report.json")])
    assert [report.name for report in reports] == ["good", "other"]
    content = json.loads((folders[0] / "report.json").read_text())
    ratio = reports[0].figures["Utility: synthetic / real"].value
    assert ratio == content["judgements"]["utility"]["ratio"]["mean"]
    assert reports[0].figures["Privacy: copies of training images, per cent"].value == 0
    lines = compare_lines(reports)
    assert lines[0].split() == ["good", "other"]
    (membership,) = [line for line in lines if line.startswith("Privacy: AUROC")]
    assert membership.split()[-1] == "-"
    (row,) = [line for line in lines if line.startswith("Utility: synthetic / real")]
    assert row.count(" to ") == 2
    assert "Evaluated on different images" in "\n".join(lines)  # the split decides which images test


def test_a_panel_per_figure_a_row_per_report(folders: list[Path]) -> None:
    reports = read_reports(folders)
    figure = plot_comparison(reports)
    figure.canvas.draw()
    shown = {axes.get_title(loc="left").replace("\n", ": ") for axes in figure.axes} - {""}
    assert shown == set(reports[0].figures)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["good", "other"]


def test_two_reports_of_one_name_are_named_by_their_folders(folders: list[Path]) -> None:
    names = [report.name for report in read_reports([folders[0], folders[0]])]
    assert names == [str(folders[0])] * 2


def test_a_report_of_a_newer_schema_is_refused(folders: list[Path], tmp_path: Path) -> None:
    content = json.loads((folders[0] / "report.json").read_text())
    (tmp_path / "report.json").write_text(json.dumps(content | {"schema": 99, "semiray": "9.9"}))
    with pytest.raises(SemirayError, match=r"schema 99, written by semiray 9\.9.*update semiray"):
        read_reports([tmp_path])


def test_one_of_version_1_and_one_of_none_are_read(folders: list[Path], tmp_path: Path) -> None:
    content = json.loads(Path(__file__).with_name("version1.json").read_text(encoding="utf-8"))
    (tmp_path / "report.json").write_text(json.dumps(content))
    first, _ = read_reports([tmp_path, folders[0]])
    del content["schema"]
    (tmp_path / "report.json").write_text(json.dumps(content))
    assert read_reports([tmp_path])[0].figures == first.figures
    assert "Utility: synthetic / real" in first.figures


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"subject": 1, "data": 2, "utility": 3}', '{"schema": 2}'])
def test_what_is_no_report_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(SemirayError, match="isn't a report"):
        read_reports([tmp_path])
    with pytest.raises(SemirayError, match="no report"):
        read_reports([tmp_path / "nowhere"])


OLD = Path(__file__).with_name("version1.json")


def test_a_report_of_version_1_is_read_under_todays_names() -> None:
    content = json.loads(OLD.read_text(encoding="utf-8"))
    found = {one.title: one for one in old_headlines(content)}
    assert found["Utility: synthetic / real"].value == content["utility"]["ratio"]
    assert found["Commitment: presentation (R²)"].figure == "0.61"
    assert found["Joint sorting: energy distance / floor"].value == content["sorting"]["energy"]["ratio"]
    assert str(found["Benefit: gain, synthetic images mixed in"]) == "−0.042 (−0.099 to +0.016)"
    assert len(found) > 15
    assert {one.section for one in found.values()} <= {section.title for section in sections()}


def test_names_agree_with_those_of_new_reports(whole: tuple[object, Path]) -> None:
    new, old = read_reports([whole[1], OLD])
    lacking = {title for title in old.figures if title not in new.figures}
    # These take 40 held-out patients, and 20 images per side.
    assert all(title.startswith(("Fidelity", "Privacy: authentic")) for title in lacking)


@pytest.mark.parametrize("key", ["fidelity", "privacy", "benefit", "grounding"])
def test_older_ones_have_what_they_have(key: str) -> None:
    content = json.loads(OLD.read_text(encoding="utf-8"))
    del content[key]
    assert any(one.section == "Utility" for one in old_headlines(content))


def test_distances_of_two_spaces_have_two_names() -> None:
    content = json.loads(OLD.read_text(encoding="utf-8"))
    content["fidelity"]["space"] = "xrv"
    assert "Fréchet distance (xrv)" in {one.name for one in old_headlines(content)}


LINE: dict[str, Any] = {"name": "n", "value": 0.5, "section": "Utility"}
GOOD: dict[str, Any] = {"subject": "run", "data": "d", "schema": 2, "headlines": [LINE]}


@pytest.mark.parametrize(
    "change",
    [
        {"headlines": [LINE | {"digits": 10**9}]},
        {"headlines": [LINE | {"digits": -1}]},
        {"headlines": [LINE | {"name": "x" * 10**6}]},
        {"headlines": [LINE | {"name": f"{i}"} for i in range(5000)]},
        {"headlines": [LINE | {"value": "much"}]},
        {"headlines": 3},
        {"subject": ["run"]},
        {"data": None},
        {"schema": "new"},
        {"schema": 1},
        {"schema": None},
    ],
    ids=range(11),
)
def test_what_no_report_can_say_is_a_sentence(change: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(GOOD | change))
    with pytest.raises(SemirayError, match="isn't a report"):
        read_reports([tmp_path])


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, '"\\ud800"'], ids=range(3))
def test_what_json_can_hide_is_no_report(text: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(SemirayError, match="isn't a report"):
        read_reports([tmp_path])


def test_infinite_figures_and_unknown_sections_are_drawn(tmp_path: Path) -> None:
    lines = [
        LINE | {"value": math.inf, "low": -math.inf, "high": math.nan},
        LINE | {"name": "$\\frac{", "section": "New", "value": 1e300, "unit": "\x1b[31m"},
    ]
    (tmp_path / "report.json").write_text(json.dumps(GOOD | {"headlines": lines}))
    found = read_reports([tmp_path])
    assert compare_lines(found)[-1].startswith("New: ")
    png(plot_comparison(found))
    with pytest.raises(SemirayError, match="too large to draw"):
        plot_comparison(found * 3000)
