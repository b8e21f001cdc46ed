"""How fast semiray is on this machine, beside what the machine could do and what plain code does.

    python benchmarks/performance.py --out performance.json                  # all of it, half an hour on two cores
    python benchmarks/performance.py --only training --resolutions 64        # a part
    python benchmarks/performance.py --table performance.json                # its tables in Markdown

Everything is measured in processes of its own, one of which computes at a time; competitors take turns, so that a
machine whose speed drifts slows all. Nothing else should run meanwhile.
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch

import semiray
from performance_floor import floors
from performance_loops import batch_of, make_loop, serve, settings_of
from semiray.demo import make_phantoms
from semiray.radiographs import RadiographSet, Split, load_radiographs
from semiray.training import train

PRESETS = ("study", "default")
PARTS = ("training", "cold", "cache", "evaluation")


def machine() -> dict[str, Any]:
    """What the figures hold for."""

    def say(*words: str) -> str:
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()

    info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    flags = set(info.split("flags", 1)[-1].split("\n", 1)[0].split())
    return {
        "processor": next(
            (line.split(":")[1].strip() for line in info.splitlines() if "model name" in line), "unknown"
        ),
        "threads": torch.get_num_threads(),
        "instructions": sorted(flags & {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "versions": {"semiray": semiray.__version__, "torch": torch.__version__, "python": platform.python_version()},
        "commit": say("git", "rev-parse", "--short", "HEAD"),
        "changed": bool(say("git", "status", "--porcelain", "--untracked-files=no")),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@contextmanager
def competitors(names: list[str], resolution: int) -> Iterator[Callable[[str, float], tuple[float, float]]]:
    """A process for each loop; a function (name, seconds) -> images/s, peak MB lets one of them train."""
    context = multiprocessing.get_context("spawn")
    channels: dict[str, Connection] = {}
    for name in names:
        channels[name], other = context.Pipe()
        context.Process(target=serve, args=(name, resolution, other), daemon=True).start()
        other.close()  # else an error there would leave us waiting here

    def turn(name: str, seconds: float) -> tuple[float, float]:
        channels[name].send(seconds)
        rate, peak = channels[name].recv()
        return float(rate), float(peak)

    yield turn
    for channel in channels.values():
        channel.send(None)


def summary(values: list[float], digits: int = 1) -> dict[str, float]:
    """Median, lowest, highest."""
    return {
        "median": round(statistics.median(values), digits),
        "low": round(min(values), digits),
        "high": round(max(values), digits),
    }


def measure_floor(name: str, resolution: int, results: Connection) -> None:
    """In a process of its own: the floors of a loop's step."""
    step, batch = make_loop(name, resolution)
    real, labels = batch_of(batch, resolution)
    for _ in range(8):
        step(real, labels)
    results.send({"batch": batch, **floors(lambda: step(real, labels))})


def training(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Images a second at each resolution, beside the floors and the plain loops."""
    context = multiprocessing.get_context("spawn")
    rows = []
    for resolution in asked.resolutions:
        mine = [f"semiray {preset}" for preset in PRESETS]
        plain = [f"plain {preset}" for preset in PRESETS] if resolution in asked.baselines else []
        names = mine + plain + (["tutorial"] if plain else [])
        rates: dict[str, list[float]] = {name: [] for name in names}
        peaks: dict[str, float] = {}
        with competitors(names, resolution) as turn:
            for name in names:
                turn(name, 1.0)  # warm-up
            for _ in range(asked.turns):
                for name in names:
                    rate, peaks[name] = turn(name, asked.seconds)
                    rates[name].append(rate)
        for name in names:
            row: dict[str, Any] = {"loop": name, "resolution": resolution, "images_per_second": summary(rates[name])}
            row["peak_mb"] = round(peaks[name])
            if name in mine:
                ours, theirs = context.Pipe()
                context.Process(target=measure_floor, args=(name, resolution, theirs)).start()
                theirs.close()  # else an error there would leave us waiting here
                floor = ours.recv()
                seconds = floor["batch"] / row["images_per_second"]["median"]
                row["floor"] = {key: round(value, 4) for key, value in floor.items()}
                row["of_ideal_floor"] = round(floor["ideal_seconds"] / seconds, 3)
                row["of_measured_floor"] = round(floor["measured_seconds"] / seconds, 3)
            for baseline in (name.replace("semiray", "plain"), "tutorial"):
                if name in mine and baseline in rates:
                    ratio = [a / b for a, b in zip(rates[name], rates[baseline], strict=True)]
                    row[f"over_{baseline.split()[0]}"] = summary(ratio, 2)
            rows.append(row)
            print(json.dumps(row), flush=True)
    return rows


def drop_from_memory(path: Path) -> None:
    """Let the system forget a file's pages."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def cold(asked: argparse.Namespace) -> dict[str, Any]:
    """Training on mapped images that lie on disk only, beside training on as many in memory; turns."""
    resolution, count, batch = asked.cold_resolution, asked.cold_images, 32
    settings = settings_of("default", resolution).model_copy(update={"images": asked.cold_steps * batch})
    rates: dict[str, list[float]] = {"memory": [], "cold": []}
    with tempfile.TemporaryDirectory(dir=asked.scratch) as place:
        path = Path(place) / "images.npy"
        mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, resolution, resolution))
        draws = np.random.default_rng(0)
        for first in range(0, count, 1000):
            mapped[first : first + 1000] = draws.integers(0, 256, mapped[first : first + 1000].shape, dtype=np.uint8)
        mapped.flush()
        del mapped
        everything = np.arange(count)
        split = Split(everything, everything[:0], everything[:0], 0)
        few = min(count, asked.cold_steps * batch)
        for turn in range(asked.turns):
            for name in rates:
                drop_from_memory(path)
                images: Any = np.load(path, mmap_mode="r")
                if name == "memory":
                    images = _Repeated(np.array(images[:few]), count)
                data = RadiographSet(
                    images=images,
                    labels=everything % 3,
                    classes=("a", "b", "c"),
                    patients=everything.astype(np.str_),
                    keys=tuple(map(str, range(count))),
                    metadata=({},) * count,
                    fingerprint="cold",
                )
                run = Path(place) / f"{name}-{turn}"
                train(data, run, settings, split=split)
                lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
                rates[name].append(json.loads(lines[-1])["images"] / json.loads(lines[-1])["seconds"])
    ratio = [a / b for a, b in zip(rates["cold"], rates["memory"], strict=True)]
    result = {"images": count, "resolution": resolution, **{name: summary(found) for name, found in rates.items()}}
    return result | {"cold_over_memory": summary(ratio, 3)}


class _Repeated:
    """As many images as on disk, of which a few are in memory."""

    ndim, dtype = 3, np.dtype(np.uint8)

    def __init__(self, images: "np.ndarray[Any, np.dtype[np.uint8]]", count: int) -> None:
        self.images, self.shape = images, (count, *images.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: "np.ndarray[Any, np.dtype[np.int64]]") -> "np.ndarray[Any, np.dtype[np.uint8]]":
        return self.images[index % len(self.images)]


def cache(asked: argparse.Namespace) -> dict[str, Any]:
    """Images a second decoded into the cache, opened from it, and gathered from it in random batches."""
    with tempfile.TemporaryDirectory(dir=asked.scratch) as place:
        folder, kept = Path(place) / "phantoms", Path(place) / "cache"
        make_phantoms(folder, asked.cache_images, resolution=256)
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            data = load_radiographs(folder, resolution=64, cache=kept)
            seconds.append(time.perf_counter() - started)
        draws, started = np.random.default_rng(0), time.perf_counter()
        for _ in range(200):
            np.asarray(data.images[draws.integers(0, len(data), 64)])
        gathered = 200 * 64 / (time.perf_counter() - started)
    return {
        "images": asked.cache_images,
        "built_per_second": round(asked.cache_images / seconds[0]),
        "opened_per_second": round(asked.cache_images / seconds[1]),
        "gathered_per_second": round(gathered),
    }


def evaluation(asked: argparse.Namespace) -> dict[str, Any]:
    """Seconds of `semiray evaluate --quick` on a short run of phantoms, all its trainings included."""
    with tempfile.TemporaryDirectory(dir=asked.scratch) as place:
        folder = Path(place)
        make_phantoms(folder / "phantoms", asked.evaluated_images, resolution=64)
        words = [sys.executable, "-m", "semiray"]
        environment = os.environ | {"SEMIRAY_CACHE": str(folder / "cache")}
        options = ["--images", "1600", "--out", str(folder / "run")]
        subprocess.run([*words, "train", str(folder / "phantoms"), *options], check=True, env=environment)
        started = time.perf_counter()
        command = [*words, "evaluate", str(folder / "run"), str(folder / "phantoms"), "--out", str(folder / "proof")]
        subprocess.run([*command, "--quick"], check=True, env=environment)
        return {"images": asked.evaluated_images, "seconds_quick": round(time.perf_counter() - started, 1)}


def tables(result: dict[str, Any]) -> Iterator[str]:
    """The result in Markdown."""
    yield "| loop | px | images/s | of the ideal floor | of the measured floor | over the plain loop | peak MB |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in result.get("training", []):
        rate, over = row["images_per_second"], row.get("over_plain")
        parts = [f"{row[key]:.0%}" if key in row else "" for key in ("of_ideal_floor", "of_measured_floor")]
        ratio = f"{over['median']} ({over['low']} to {over['high']})" if over else ""
        speed = f"{rate['median']} ({rate['low']} to {rate['high']})"
        cells = [row["loop"], str(row["resolution"]), speed, *parts, ratio, str(row["peak_mb"])]
        yield f"| {' | '.join(cells)} |"
    for part in PARTS[1:]:
        if part in result:
            yield f"\n{part}: {json.dumps(result[part])}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options.add_argument("--resolutions", type=int, nargs="+", default=[32, 64, 128, 256])
    options.add_argument("--baselines", type=int, nargs="+", default=[32, 64], help="resolutions of the plain loops")
    options.add_argument("--turns", type=int, default=5)
    options.add_argument("--seconds", type=float, default=4.0, help="of each turn, rounded up to eight steps")
    options.add_argument("--cold-images", type=int, default=100_000)
    options.add_argument("--cold-resolution", type=int, default=128)
    options.add_argument("--cold-steps", type=int, default=50)
    options.add_argument("--cache-images", type=int, default=3000)
    options.add_argument("--evaluated-images", type=int, default=600)
    options.add_argument("--scratch", type=Path, help="a folder for temporary files, on a disk rather than in memory")
    options.add_argument("--out", type=Path, default=Path("performance.json"))
    options.add_argument("--table", type=Path, help="print the tables of a result and end")
    asked = options.parse_args()
    if asked.table:
        print("\n".join(tables(json.loads(asked.table.read_text(encoding="utf-8")))))
        return
    result: dict[str, Any] = {"machine": machine()}
    for part in asked.only:
        result[part] = {"training": training, "cold": cold, "cache": cache, "evaluation": evaluation}[part](asked)
        asked.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("\n".join(tables(result)))


if __name__ == "__main__":
    main()
