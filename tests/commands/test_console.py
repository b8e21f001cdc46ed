"""What commands say about data and while training runs, and how they write figures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from rich.console import Console

from semiray.commands.console import describe_data, live_reports, progress_bar, report_line, report_table, save_figure
from semiray.errors import SemirayError
from semiray.radiographs import RadiographSet
from semiray.radiographs.reading.summary import Summary
from semiray.training import TrainingReport
from semiray.training.validation import Measurement

REPORT = TrainingReport(
    steps=50,
    images=1600,
    seconds=60.0,
    seconds_left=65.0,
    images_per_second=26.6,
    losses={"adversarial": 0.71234},
    commitment={"survival": 0.25},
)


def test_data_are_described_in_a_line_and_unreadable_files_in_more(set_maker: Any) -> None:
    data: RadiographSet = set_maker(6, classes=("a", "b"))
    assert describe_data(data) == "6 images of 3 patients: a 4, b 2"
    summary = Summary("a folder", 6, 3, "names", notes=("two are large.",))
    broken = replace(data, skipped=tuple((f"{i}.png", "no image") for i in range(7)), summary=summary)
    said = describe_data(broken).splitlines()
    assert said[:2] == ["6 images of 3 patients, read as a folder", "patients: names"]
    assert said[3:6] == [
        "note: two are large.",
        "7 files could not be read and were left out:",
        "  0.png: no image",
    ]
    assert said[-1].startswith("  and 2 more")


def test_a_figure_is_written_in_the_format_of_its_name(tmp_path: Path) -> None:
    save_figure(Figure(), tmp_path / "new" / "figure.svg")
    assert "<svg" in (tmp_path / "new" / "figure.svg").read_text(encoding="utf-8")
    with pytest.raises(SemirayError, match=r"ends in \.png, \.pdf or \.svg"):
        save_figure(Figure(), tmp_path / "figure.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_no_bar_is_drawn_for_what_is_done_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("Working") as show:
        show(1, 2)
    assert "Working" not in capsys.readouterr().out


def test_without_a_terminal_stages_and_every_ten_seconds_are_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 1.0, 1.0, 6.0, 12.0, 12.0, 100.0])
    monkeypatch.setattr("semiray.commands.console.time.monotonic", lambda: next(now))
    with progress_bar("Evaluating") as show:
        show.stage("utility")
        show(1, 100)
        show(6, 100)
        show(10, 100)
        show(100, 100)
    said = capsys.readouterr().out.splitlines()
    assert said == ["Evaluating: utility", "Evaluating: utility, 10 %, 1:48 left"]


def test_a_report_is_one_line_or_a_table() -> None:
    assert report_line(REPORT) == (
        "1,600 images, 27/s, 1:05 left | losses: adversarial 0.712 | commitment R²: survival 0.25"
    )
    measured = replace(REPORT, validation=Measurement(800, 30.0, 4.12, 1.2, 0.72, 0.8), best=800)
    figures = "TSTR/TRTR 0.90, distance 4.12 (floor 1.2), best at 800 images"
    assert report_line(measured) == f"{report_line(REPORT)} | validation: {figures}"
    console = Console(width=120, record=True)
    console.print(report_table(measured))
    shown = console.export_text()
    for words in ("1:05 left", "1,600 images", "27 per second", "survival: commitment R² 0.25", figures):
        assert words in shown, words


def test_without_a_terminal_lines_come_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with live_reports() as show:
        for _ in range(5):
            show(REPORT)
        show(replace(REPORT, note="You may stop."))
    said = capsys.readouterr().out
    assert said.count("1,600 images") <= 1
    assert said.count("You may stop.") == 1
