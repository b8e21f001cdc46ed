"""A report of version 1, trimmed, is kept beside this file."""

import json
from pathlib import Path

import pytest

from semiray.report.compare import read_reports
from semiray.report.legacy import old_headlines
from semiray.report.sections import sections

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
