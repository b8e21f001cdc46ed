"""Time and memory of inspecting a folder of many files, with and without a table: what a first look at a set costs.

Small PNG files of noise are made in class folders; `semiray data inspect` runs on them in a process of its own, first
with an empty cache, then with a full one. To compare two versions, run it with each on the same --folder.

    python benchmarks/inspection.py --folder /tmp/many --files 100000
    PYTHONPATH=/another/version/src python benchmarks/inspection.py --folder /tmp/many --files 100000
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

FOLDERS = ("bacteria", "normal", "virus")


def make(data: Path, files: int, side: int) -> None:
    """Class folders of pictures that differ from each other, and a table of four columns."""
    rows = ["file,patient,view,age"]
    rng = np.random.default_rng(0)
    for name in FOLDERS:
        (data / name).mkdir(parents=True)
    for i in range(files):
        name = f"{FOLDERS[i % 3]}/{i:06d}.png"
        picture = rng.integers(0, 256, (side, side), dtype=np.uint8)
        Image.fromarray(picture).save(data / name, compress_level=1)
        rows.append(f"{name},p{i // 2},{'PA' if i % 3 else 'L'},{i % 90}")
    (data / "metadata.csv").write_text("\n".join(rows) + "\n")


def inspect(data: Path, cache: Path) -> tuple[float, float, float]:
    """Seconds, seconds of the processor, and MiB of the inspection in a process of its own."""
    program = (
        "import sys; from semiray.radiographs import inspect; "
        "seen = inspect(sys.argv[1], resolution=32, cache=sys.argv[2]); print(len(seen.data.radiographs))"
    )
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", program, str(data), str(cache)]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1024


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, required=True, help="where files are made; kept for another version")
    options.add_argument("--files", type=int, default=100_000)
    options.add_argument("--side", type=int, default=40)
    chosen = options.parse_args()
    data, cache = chosen.folder / "data", chosen.folder / "cache"
    if not data.exists():
        make(data, chosen.files, chosen.side)
    shutil.rmtree(cache, ignore_errors=True)
    for state in ("empty cache", "full cache"):
        seconds, processor, memory = inspect(data, cache)
        figures = {"seconds": round(seconds, 1), "processor": round(processor, 1), "largest_so_far_mib": round(memory)}
        print(state, json.dumps(figures))


if __name__ == "__main__":
    main()
