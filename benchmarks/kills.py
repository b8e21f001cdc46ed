"""`semiray evaluate`, killed at random moments and called again, ends with the report of one that never was.

    python benchmarks/kills.py RUN DATA --kills 30 --out kills.json

The tests do the same to small forms of `train`, `generate`, `data prepare`, and of what `evaluate` calls; this is the
command itself, with all its figures, which takes most of a minute each time.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import semiray

DATED = ("created",)


def report_of(folder: Path) -> dict[str, Any]:
    """What a report says, but for when."""
    content: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {key: value for key, value in content.items() if key not in DATED}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run", type=Path)
    options.add_argument("data", type=Path)
    options.add_argument("--kills", type=int, default=30)
    options.add_argument("--out", type=Path)
    asked = options.parse_args()
    words = [sys.executable, "-m", "semiray", "evaluate", str(asked.run), str(asked.data)]
    words += ["--quick", "--no-benefit", "--seeds", "1"]
    draws, killed, rounds = np.random.default_rng(0), 0, 0
    with tempfile.TemporaryDirectory() as place:
        started = time.monotonic()
        subprocess.run([*words, "--out", f"{place}/whole"], check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - started
        whole = report_of(Path(place) / "whole")
        while killed < asked.kills:
            rounds += 1
            out = Path(place) / f"killed-{rounds}"
            while True:
                process = subprocess.Popen([*words, "--out", str(out)], stdout=subprocess.DEVNULL)
                try:
                    code = process.wait(float(draws.uniform(0, seconds)) if killed < asked.kills else None)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    killed += 1
                    continue
                if code:
                    raise SystemExit(f"after {killed} kills the command ended with {code}")
                break
            if report_of(out) != whole:
                raise SystemExit(f"after {killed} kills the report differs, see {out}")
            print(f"{killed} kills in {rounds} evaluations: the same report", flush=True)
    result = {
        "machine": platform.machine(),
        "semiray": semiray.__version__,
        "kills": killed,
        "evaluations": rounds,
        "seconds_unkilled": round(seconds, 1),
        "same_report": True,
    }
    print(json.dumps(result))
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
