"""Several processes train the run that one would train."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semiray.cli import main
from semiray.demo import make_phantoms
from semiray.errors import SemirayError
from semiray.training import Run
from semiray.training.process_group import ProcessGroup, current_process_group, join_process_group

PLAYER = Path(__file__).with_name("play_in_group.py")
RELEARNT, STEPS = 8, 50  # of play_in_group.py
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one(tmp_path: Path, tiny: dict[str, Any]) -> None:
    games = json.dumps([[{"preset": "default", **tiny}, True], [{"preset": "study", **tiny}, False]])
    histories = []
    for start in ([sys.executable], [*TORCHRUN, "2"]):
        words = [*start, str(PLAYER), games, str(tmp_path / "losses.json")]
        done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        histories.append(json.loads((tmp_path / "losses.json").read_text(encoding="utf-8")))
    for alone, together in zip(*histories, strict=True):
        assert len(alone) == len(together) == RELEARNT + STEPS
        for step, (one, two) in enumerate(zip(alone, together, strict=True)):
            assert one.keys() == two.keys()
            for name in one:  # sums are rounded differently, which the game amplifies from step to step
                np.testing.assert_allclose(
                    two[name], one[name], rtol=1e-3 if step < RELEARNT + 16 else 0.3, err_msg=name
                )


def test_alone_nothing_is_shared() -> None:
    with join_process_group() as group:
        assert (group.rank, group.size, group.leads) == (0, 1, True)
    assert current_process_group().size == 1
    assert group.agree(1.0, 2.0) == (1.0, 2.0)
    assert group.from_leader("x") == "x"


def test_rows_are_dealt_evenly_or_refused() -> None:
    assert [ProcessGroup(rank, 2).rows(8) for rank in range(2)] == [slice(0, 4), slice(4, 8)]
    with pytest.raises(SemirayError, match="can't be divided evenly among 3 processes"):
        ProcessGroup(0, 3).rows(8)


def train(size: int, data: Path, out: Path, *words: str) -> subprocess.Popen[str]:
    command = [*TORCHRUN, str(size), "-m", "semiray", "train", str(data), "--out", str(out), *words]
    return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for the worker in /proc")
def test_a_dead_worker_ends_the_job_with_a_message_and_one_process_goes_on(tmp_path: Path) -> None:
    data, out = tmp_path / "phantoms", tmp_path / "run"
    make_phantoms(data, 60, resolution=32)
    sizes = ["networks.width=4", "networks.widest=8", "optimisation.batch=8"]
    job = train(2, data, out, "--resolution", "32", "--images", "800000", *(f"--set={size}" for size in sizes))
    while not (out / "log.jsonl").exists():
        assert job.poll() is None, job.communicate()
        time.sleep(0.1)
    worker = max(int(child) for child in Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split())
    os.kill(worker, signal.SIGKILL)
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 1
    # torchrun may stop the other process before that has noticed; then torchrun's own message says why.
    assert "another of the 2 processes ended" in errors or "SIGKILL) received by PID" in errors
    assert main(["train", str(data), "--out", str(out), "--resume", "--images", "400"]) == 0
    assert Run.load(out).settings.images == 400
