"""`semiray explore` reads its run and data, and hands them on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Semiray = Callable[..., tuple[int, str, str]]


def test_run_and_data_are_read_and_shown(work: Path, semiray_says: Semiray, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}

    def explore(run: Any, data: Any, **more: Any) -> None:
        told.update(more, run=run, data=data)
        more["say"]("Explorer: http://127.0.0.1:1/")

    monkeypatch.setattr("semiray.explorer.explore", explore)
    code, said, _ = semiray_says("explore", work / "run", work / "data", "--no-browser", "--cache", work / "cache")
    assert code == 0
    assert "Explorer: http://127.0.0.1:1/" in said
    assert len(told["data"]) == 60
    assert told["run"].resolution == 32
    assert (told["port"], told["browser"], told["device"]) == (8765, False, "auto")


def test_errors_name_options(refuses: Callable[..., str]) -> None:
    pytest.importorskip("uvicorn")
    assert "--port 0" in refuses("explore", "RUN", "--port", "0")
    assert "nowhere" in refuses("explore", "nowhere")
