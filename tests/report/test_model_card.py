from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from semiray.report import Report, judge, model_card, write_model_card
from semiray.training import Run


@pytest.fixture(scope="module")
def report(set_maker: Any) -> Report:
    few: dict[str, Any] = {"seeds": 1, "steps": 3, "batch": 12, "benefit": False}
    return judge(set_maker(60, seed=7), set_maker(120), subject="a: run", **few)


def test_front_matter_is_what_the_hub_reads(real: Any, run_maker: Any, report: Report, tmp_path: Path) -> None:
    run, _ = run_maker(tmp_path / "RUN", real)
    card = model_card(run, report)
    _, front, text = card.split("---\n", 2)
    tree = yaml.safe_load(front)
    (result,) = tree["model-index"][0]["results"]
    assert tree["model-index"][0]["name"] == "a: run"
    found = {metric["name"]: metric["value"] for metric in result["metrics"]}
    assert found["Utility: synthetic / real"] == pytest.approx(report.utility.ratio.mean, abs=1e-4)
    assert "not a medical device" in text
    for words in ("dark, middle, bright", "32 x 32", "Assumed, grounded on no image", "without the lungs", "ceiling"):
        assert words in text
    assert "phantoms" not in text
    assert "phantoms" in model_card(run, report.model_copy(update={"phantom": True}))


def test_a_card_of_somebodys_own_stays(real: Any, run_maker: Any, report: Report, tmp_path: Path) -> None:
    run, _ = run_maker(tmp_path / "RUN", real)
    path = write_model_card(run, report)
    assert path == tmp_path / "RUN" / "README.md"
    assert write_model_card(run, report.model_copy(update={"subject": "renamed"})) == path
    assert "# renamed" in path.read_text(encoding="utf-8")
    old = "<!-- Written by `semiray evaluate`, which writes it anew; delete this line to keep a card of your own. -->"
    path.write_text(old, encoding="utf-8")
    assert write_model_card(run, report) == path  # a card of an older release is replaced
    path.write_text("mine", encoding="utf-8")
    assert write_model_card(run, report) is None
    assert path.read_text(encoding="utf-8") == "mine"
    path.unlink()
    path.mkdir()  # can't be written: nothing is, and nothing is left
    assert write_model_card(run, report) is None
    assert not list((tmp_path / "RUN").glob(".README*"))


def test_the_card_of_a_published_run_stays(shipped: Run, report: Report) -> None:
    card = (shipped.path / "README.md").read_text(encoding="utf-8")
    assert write_model_card(shipped, report) is None
    assert (shipped.path / "README.md").read_text(encoding="utf-8") == card


def test_names_are_no_tags_and_no_links(real: Any, run_maker: Any, report: Report, tmp_path: Path) -> None:
    run, _ = run_maker(tmp_path / "RUN", real)
    run = replace(run, classes=("<script>alert(1)</script>", "[a](javascript:b)", "c | d\n\n# e"))
    bad = {"subject": "<img src=x onerror=y>", "data": "`x` </td>", "notes": ["<!-- Written by `semiray evaluate` -->"]}
    _, _, text = model_card(run, report.model_copy(update=bad)).split("---\n", 2)
    for tag in ("<script", "<img", "</td", "[a](", "\n# e"):
        assert tag not in text
    assert text.count("<!--") == 1
