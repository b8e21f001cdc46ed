"""An evaluation, killed at any moment and called again, ends with the results of one that never was."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semiray.cli import main
from semiray.demo import make_phantoms
from semiray.training.checkpoints import load_tensors

Killable = Callable[[Sequence[object] | str, float | None], int | None]
KILLS = 30
SMALL = ["networks.width=4", "networks.widest=8", "networks.noise=4", "optimisation.batch=8"]
# What `semiray evaluate` measures, with less of everything: the command takes most of a minute (benchmarks/kills.py).
EVALUATE = """
from pathlib import Path
from semiray.evaluation import BenefitSettings, measure_run
from semiray.files import hold_folder, write_whole
from semiray.radiographs import load_radiographs
from semiray.training import Run

out = Path({out!r})
with hold_folder(out):  # as `semiray.evaluate` does: what a killed process left half written is removed
    results = measure_run(
        Run.load({run!r}), load_radiographs({data!r}, resolution=32, cache=Path({cache!r})),
        store=out / "cache",
        seeds=2, steps=4, batch=8, n_synthetic=24, probe_steps=2,
        commitment_images=64, effect_patients=4, permutations=19,
        benefit=BenefitSettings(seeds=1, steps=3, batch=8, resamples=20),
    )
    write_whole(out / "results.json", results.model_dump_json().encode())
"""


def results_of(out: Path) -> dict[str, Any]:
    """What was measured, except when."""
    content: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    del content["created"]
    return content


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a Unix signal")
def test_thirty_kills_give_the_results_of_none(
    tmp_path: Path, killable: Killable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMIRAY_CACHE", str(tmp_path / "cache"))
    run, data = tmp_path / "run", tmp_path / "phantoms"
    make_phantoms(data, 90, resolution=32)
    small = [f"--set={size}" for size in SMALL]
    assert main(["train", str(data), "--out", str(run), "--resolution", "32", "--images", "32", *small]) == 0

    def work(name: str) -> str:
        out, cache = str(tmp_path / name), str(tmp_path / "cache")
        return EVALUATE.format(run=str(run), data=str(data), cache=cache, out=out)

    assert killable(work("whole"), None) == 0  # warms the machine up
    shutil.rmtree(tmp_path / "whole")
    started = time.monotonic()
    assert killable(work("whole"), None) == 0
    seconds = time.monotonic() - started
    whole, draws, killed, rounds = results_of(tmp_path / "whole"), np.random.default_rng(0), 0, 0
    while killed < KILLS:
        rounds += 1
        out = tmp_path / f"killed-{rounds}"
        while code := killable(work(out.name), float(draws.uniform(0, seconds)) if killed < KILLS else None):
            assert code == -9, f"evaluation {rounds} ended with {code}"
            killed += 1
            for path in out.glob("cache/**/*.safetensors"):
                load_tensors(path)
            if (out / "results.json").exists():
                assert results_of(out) == whole
        assert results_of(out) == whole
        assert not list(out.rglob(".*.partial"))
