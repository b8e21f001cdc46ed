"""How reports look while training runs."""

import pytest
from rich.console import Console

from semiray.commands.live import live_reports, report_line, report_table
from semiray.training import TrainingReport

REPORT = TrainingReport(
    steps=50,
    images=1600,
    seconds=60.0,
    seconds_left=65.0,
    images_per_second=26.6,
    losses={"adversarial": 0.71234},
    commitment={"survival": 0.25},
)


def test_a_report_is_one_line_or_a_table() -> None:
    assert report_line(REPORT) == (
        "1,600 images, 27/s, 1:05 left | losses: adversarial 0.712 | commitment R²: survival 0.25"
    )
    console = Console(width=120, record=True)
    console.print(report_table(REPORT))
    shown = console.export_text()
    for words in ("1:05 left", "1,600 images", "27 per second", "survival: commitment R² 0.25"):
        assert words in shown, words


def test_without_a_terminal_lines_come_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with live_reports() as show:
        for _ in range(5):
            show(REPORT)
    assert capsys.readouterr().out.count("1,600 images") <= 1
