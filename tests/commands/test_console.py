"""What commands say about data, and how they write figures."""

from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from semiray.commands.console import describe_data, progress_bar, save_figure
from semiray.errors import SemirayError
from semiray.radiographs import RadiographSet


def test_data_are_described_in_a_line_and_unreadable_files_in_more(set_maker: Any) -> None:
    from dataclasses import replace

    data: RadiographSet = set_maker(6, classes=("a", "b"))
    assert describe_data(data) == "6 images of 3 patients: a 4, b 2"
    broken = replace(data, skipped=tuple((f"{i}.png", "no image") for i in range(7)), notes=("two are large.",))
    said = describe_data(broken).splitlines()
    assert said[1:4] == [
        "note: two are large.",
        "7 files could not be read and are left out:",
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
