"""The benchmark of findings compares what was requested with what its oracle sees."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from semiray.evaluation import Skipped

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import findings
from semiray.generation import Synthetic


def test_frequencies_are_those_of_each_and_of_two_together() -> None:
    has = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 1]])
    found = findings.frequencies(has, ["a", "b", "c"])
    assert found == {"a": 0.75, "b": 0.5, "c": 0.5, "a and b": 0.5, "a and c": 0.25, "b and c": 0.25}


def test_the_oracle_s_view_is_compared_with_the_request() -> None:
    run = SimpleNamespace(findings={"haze": "haze", "lobar_opacity": "lobar opacity"})
    codes = np.array([[0, 1, 0], [0, 1, 1], [0, 0, 0], [0, 0, 1]], np.float32)
    names = ("dose[0]", "haze[0]", "lobar_opacity[0]")
    fresh = Synthetic(np.zeros((4, 8, 8), np.uint8), codes, np.full(4, -1), (), names, np.arange(4), 0)
    seen = np.array([[0, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0]], np.float32)
    found = findings.seen_by_oracle(run, fresh, lambda _: seen)
    assert found["oracle agrees"] == {"haze": 0.75, "lobar opacity": 1.0}
    assert found["rendered less requested"] == {"haze": 0.25, "lobar opacity": 0.0, "haze and lobar opacity": 0.0}
    assert found["largest difference"] == pytest.approx(0.25)


def test_why_there_is_no_figure_is_said() -> None:
    assert findings.macro(Skipped("too few")) == {"skipped": "too few"}
