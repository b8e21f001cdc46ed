"""Generated images per second: in memory, and to disk in every format, beside the rate of encoding alone.

An untrained network of the preset `default` serves: its weights don't change its speed, but noise-like images are
larger than radiographs; with --run, a trained run's.

    python benchmarks/generation_rate.py --images 20000 --resolution 64 --run RUN --out generation.json
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

import semiray
from semiray.generation import Request, write_sample
from semiray.generation.synthetic import encode_image
from semiray.networks import build_networks
from semiray.settings import make_settings
from semiray.training import Run, network_shape, run_prior

FORMS = ("png", "webdataset", "parquet")


def untrained(resolution: int, folder: Path) -> Run:
    settings = make_settings({"resolution": resolution})
    prior, classes = run_prior(settings), ("a", "b", "c")
    torch.manual_seed(0)
    generator, discriminator = build_networks("residual", network_shape(settings, prior, len(classes)))
    return Run(folder, settings, prior, classes, generator.eval().requires_grad_(False), discriminator.eval())


def in_memory(request: Request, images: int) -> float:
    request.images(0, 256)
    started = time.perf_counter()
    for start in range(0, images, 1024):
        request.images(start, min(1024, images - start))
    return images / (time.perf_counter() - started)


def encoding_alone(request: Request, images: int) -> float:
    """The same files' encoding, by as many threads as the writer has, without writing them."""
    sample = request.images(0, min(images, 2048))
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        started = time.perf_counter()
        rows = range(0, len(sample), 32)
        list(pool.map(lambda row: [encode_image(sample, i, "r") for i in range(row, min(row + 32, len(sample)))], rows))
        return len(sample) / (time.perf_counter() - started)


def to_disk(request: Request, images: int, form: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "out"
        started = time.perf_counter()
        write_sample(request, images, out, form=form)
        seconds = time.perf_counter() - started
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return {"images_per_second": images / seconds, "bytes_an_image": size / images}


def peak(asked: argparse.Namespace, images: int) -> float:
    """Peak resident memory in MB of a process that writes so many images."""
    words = [sys.executable, __file__, "--peak", str(images), "--resolution", str(asked.resolution)]
    words += ["--run", str(asked.run)] if asked.run else []
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--images", type=int, default=20_000)
    options.add_argument("--resolution", type=int, default=64)
    options.add_argument("--run", type=Path, help="a trained run, in place of an untrained network")
    options.add_argument("--out", type=Path, help="a JSON file to write")
    options.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    asked = options.parse_args()
    folder = Path(tempfile.mkdtemp())
    run = Run.load(asked.run) if asked.run else untrained(asked.resolution, folder)
    if asked.peak:
        write_sample(Request(run), asked.peak, folder / "out", form="webdataset")
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        shutil.rmtree(folder)
        return
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {"semiray": semiray.__version__, "torch": torch.__version__},
        "resolution": run.resolution,
        "images": asked.images,
        "in_memory": {
            "float32": in_memory(Request(run), asked.images // 4),
            "bfloat16": in_memory(Request(run, bf16=True), asked.images // 4),
        },
        "encoding_alone": encoding_alone(Request(run), asked.images),
        "to_disk": {form: to_disk(Request(run), asked.images, form) for form in FORMS},
        "to_disk_bfloat16": to_disk(Request(run, bf16=True), asked.images, "webdataset"),
        "peak_mb": {count: peak(asked, count) for count in (asked.images // 10, asked.images)},
    }
    rate = result["to_disk"]["webdataset"]["images_per_second"]
    result["a_million_minutes"] = 1e6 / rate / 60
    print(json.dumps(result, indent=1))
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
