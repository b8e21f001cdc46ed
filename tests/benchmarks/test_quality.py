"""The table of the quality benchmark reads reports of today's form."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import quality

EXAMPLE = Path(__file__).parents[2] / "docs" / "example" / "report.json"


def test_the_bars_figures_are_found_in_a_report(tmp_path: Path) -> None:
    report = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    share = {"value": 0.81234567, "low": 0.7, "high": 0.9}
    report["judgements"].setdefault("content", {"factors": [{"name": "duration", "share": share}], "pairs": share})
    log = tmp_path / "log.jsonl"
    log.write_text('{"images": 3}\n{"images": 64, "seconds": 9.6}\n', encoding="utf-8")
    found = quality.figures(report, log)
    assert (found["images"], found["seconds"]) == (64, 10)
    assert found["ratio"] == report["judgements"]["utility"]["ratio"]
    duration = [
        one["value"] for one in report["judgements"]["effect"]["dimensions"] if one["name"].startswith("duration")
    ]
    assert found["effect"]["duration"] == round(min(duration), 4)
    assert set(found["probe"]) == {"clean", "noise", "half", "jpeg"}
    assert 0 < found["auroc_ratio"] < 1.1
