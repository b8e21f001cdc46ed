"""Means over a window, and a log that a resumed run continues without gaps or repeats."""

import json
from pathlib import Path

import torch

from semiray.training.reports import Window, trim_log


def test_a_window_averages_each_loss_over_the_steps_that_had_it() -> None:
    window = Window()
    window.add({"sort": torch.tensor(1.0), "error": torch.tensor([1.0, 3.0])}, 8)
    window.add({"sort": torch.tensor(3.0), "penalty": torch.tensor(5.0), "error": torch.tensor([3.0, 5.0])}, 8)
    losses, error, speed = window.means()
    assert losses == {"sort": 2.0, "penalty": 5.0}
    assert error.tolist() == [2.0, 4.0]
    assert speed > 0
    assert Window().means()[0] == {}


def test_a_log_is_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    trim_log(path, 10)
    assert not path.exists()
    lines = [json.dumps({"steps": steps}) for steps in (5, 10, 15)]
    path.write_text("\n".join(lines) + '\n{"steps": 2', encoding="utf-8")
    trim_log(path, 10)
    assert [json.loads(line)["steps"] for line in path.read_text().splitlines()] == [5, 10]
