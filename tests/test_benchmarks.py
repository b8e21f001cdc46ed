"""The benchmarks run in their smallest form: what they measure is for a quiet machine to say."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def play(script: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / script), *map(str, words)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=False)


@pytest.mark.parametrize("script", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.stem)
def test_every_script_says_what_it_does(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"), script.name)
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("semiray"):
            exec(ast.unparse(node), {})  # what it takes from the package exists


@pytest.mark.slow
def test_performance_tells_rates_floors_and_ratios(tmp_path: Path) -> None:
    out = tmp_path / "performance.json"
    small = ["--resolutions", 32, "--baselines", 32, "--turns", 1, "--seconds", 0.01]
    done = play("performance.py", "--only", "training", *small, "--out", out)
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    assert {"processor", "threads", "versions", "commit"} <= result["machine"].keys()
    rows = {row["loop"]: row for row in result["training"]}
    assert set(rows) == {"semiray study", "semiray default", "plain study", "plain default", "tutorial"}
    for name in ("semiray study", "semiray default"):
        assert 0 < rows[name]["of_ideal_floor"] <= 1.5
        assert rows[name]["floor"]["gflop_a_step"] > 1
        assert rows[name]["over_plain"]["median"] > 0
    assert "| semiray study | 32 |" in play("performance.py", "--table", out).stdout


def test_without_a_gpu_its_script_says_so() -> None:
    done = play("performance_gpu.py")
    if done.returncode:
        assert "There is no GPU here" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_hostile_inputs_are_read_or_refused_at_every_entrance() -> None:
    done = play("fuzz.py", "-n", 600, "--show")
    assert done.returncode == 0, done.stdout + done.stderr
    *_, last = done.stdout.strip().splitlines()
    assert last.startswith("| all |")
    assert last.split(" | ")[4:7] == ["0", "0", "0"]
