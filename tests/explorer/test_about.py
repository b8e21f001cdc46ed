import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from semiray.errors import SemirayError
from semiray.explorer.about import describe_run, find_report, read_figures
from semiray.training import Run

REPORT = {
    "subject": "RUN",
    "data": "40 images",
    "verdict": ["Useful."],
    "warnings": [],
    "headlines": [{"name": "ratio", "value": 0.9, "low": 0.8, "high": 1.0, "reference": 1.0,
                   "reference_name": "ceiling", "section": "Utility", "sentence": "why"}],
}  # fmt: skip


def test_the_page_is_told_what_is_grounded_and_what_is_assumed(known: tuple[Run, Any]) -> None:
    run = dataclasses.replace(known[0], grounded={"duration": 812})
    told = describe_run(run, has_data=False, report=None)
    json.dumps(told, allow_nan=False)
    grounded = {factor["name"]: factor["grounded"] for factor in told["factors"]}
    assert grounded == {"survival": 0, "duration": 812, "presentation": 0, "texture": 0}
    assert told["meaning"] == run.meaning
    assert [factor["first"] for factor in told["factors"]] == [0, 5, 10, 15]
    assert told["factors"][1]["unit"] == "days"
    assert [one["name"] for one in told["factors"][1]["dimensions"]] == [f"duration[{i}]" for i in range(5)]


def test_a_report_beside_the_run_is_found_if_it_is_the_run_s(known: tuple[Run, Any], tmp_path: Path) -> None:
    run = dataclasses.replace(known[0], path=tmp_path / "RUN")
    assert find_report(run) is None
    for folder, subject in (("RUN/proof", "other"), ("proof", "RUN")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "report.json").write_text(json.dumps({**REPORT, "subject": subject}))
    assert find_report(run) == tmp_path / "proof" / "report.json"


def test_main_figures_stand_beside_what_they_are_compared_with(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    told = read_figures(tmp_path / "report.json")
    assert told["verdict"] == ["Useful."]
    assert told["figures"] == [
        {
            "section": "Utility",
            "name": "ratio",
            "figure": "0.90 (0.80 to 1.00)",
            "beside": "ceiling 1.00",
            "says": "why",
        }
    ]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"headlines": [{}]}', '{"headlines": 1}'])
def test_what_is_no_report_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(SemirayError, match=r"report\.json"):
        read_figures(tmp_path / "report.json")
