"""Memory of a prepared set on the way to training, at several numbers of images: does it grow with the set?

Sets of phantom-like images, each its own patient, are made by the writer that `semiray data prepare` uses. Then a
process of its own opens each, splits it by patient with near-duplicates united, takes the labelled training images and
gathers random batches. `RssAnon` is what the process holds for itself; pages of mapped files, which the system drops
when it needs room, are in `VmHWM` only. The peak of a stage is sampled every 5 ms.

    python benchmarks/data_memory.py --counts 1000 1000000 --folder /tmp/sets --out memory.json
"""

import argparse
import json
import multiprocessing
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import semiray
from semiray.radiographs import Listing, ReadingOptions, Record, Split, split_by_patient
from semiray.radiographs.phantom import PHANTOM_CLASSES, render_phantoms
from semiray.radiographs.pixels.decoding import Decoder, FileFacts
from semiray.radiographs.reading.summary import Summary
from semiray.radiographs.store.sets import fill, open_set

BANK = 2000
BLOCK = 4096


@dataclass(frozen=True)
class Drawn(Decoder):
    """In place of files: half one phantom and half another, under a smooth veil and noise, so that no two are alike."""

    def identify(self) -> tuple[str, str]:
        """The same for the same number of images."""
        return "drawn", f"drawn {len(self.listing)} {self.resolution}"

    def decode(self, first: int = 0) -> Iterator[tuple[FileFacts, NDArray[np.uint8] | None]]:
        """Images in blocks, each of its own seed."""
        rng = np.random.default_rng(0)
        codes = np.concatenate(
            [rng.integers(0, 2, (BANK, 5)), rng.exponential(10, (BANK, 5)), rng.uniform(-1, 1, (BANK, 10))], axis=1
        )
        bank = render_phantoms(codes, np.arange(BANK) % 3, self.resolution, 0).astype(np.float32)
        place = np.linspace(0, 1, self.resolution)[:, None] * np.arange(6)
        waves = np.cos(np.pi * place).astype(np.float32)
        for start in range(first - first % BLOCK, len(self.listing), BLOCK):
            rng = np.random.default_rng([1, start])
            a, b = rng.integers(0, BANK, (2, BLOCK))
            veil = waves @ (rng.standard_normal((BLOCK, 6, 6)).astype(np.float32) * 8) @ waves.T
            noise = rng.standard_normal(veil.shape, np.float32) * 4
            images = (bank[a] / 2 + bank[b] / 2 + veil + noise).clip(0, 255).astype(np.uint8)
            for i in range(max(first, start), min(start + BLOCK, len(self.listing))):
                key = self.listing.records[i].key
                yield FileFacts(key, f"{i:064x}", self.resolution, self.resolution, "8-bit grey", ""), images[i - start]


def make_set(folder: Path, count: int, resolution: int) -> None:
    """A prepared set of so many images, each of a patient of its own, with two columns of metadata."""
    records = tuple(
        Record(
            folder,
            f"images/{i:08d}.png",
            PHANTOM_CLASSES[i % 3],
            f"patient-{(i * 7919) % count:08d}",
            {"age": str(i % 90), "outcome": "recovered"},
        )
        for i in range(count)
    )
    folder.mkdir(parents=True, exist_ok=True)
    listing = Listing(folder, records, Summary("drawn"), tuple(sorted(PHANTOM_CLASSES)))
    fill(folder, Drawn(listing, resolution), ReadingOptions())


def megabytes(name: str) -> float:
    """A figure of this process, by Linux."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"no {name} in /proc/self/status: this benchmark needs Linux")


def measured(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What work gives; its seconds, and memory held at its peak and after."""
    peak, done = [megabytes("RssAnon")], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], megabytes("RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.monotonic()
    try:
        result = work()
    finally:
        done.set()
        watcher.join()
    seconds = time.monotonic() - started
    return result, {"seconds": seconds, "peak": max(peak[0], megabytes("RssAnon")), "after": megabytes("RssAnon")}


def use_set(folder: Path, batches: int, sender: Any) -> None:
    """Go the way to training in a process of its own, and send what each stage held."""
    stages: dict[str, dict[str, float]] = {}
    stages["start"] = {"seconds": 0.0, "peak": megabytes("RssAnon"), "after": megabytes("RssAnon")}
    data, stages["open"] = measured(lambda: open_set(folder).radiographs)
    split, stages["split by patient"] = measured(lambda: split_by_patient(data))
    chosen, stages["labelled"] = measured(lambda: data.labelled(split.train))

    def gather() -> None:
        rng = np.random.default_rng(0)
        for _ in range(batches):
            rows = rng.choice(chosen, 64)
            data.images[rows].sum()
            assert len(data.patients[rows]) == len(data.labels[rows]) == 64
            assert data.metadata[int(rows[0])]["outcome"]
            assert data.keys[int(rows[0])]

    _, stages[f"{batches} random batches"] = measured(gather)
    _, stages["save the split"] = measured(lambda: split.save(folder.parent / "split.json", data.keys))
    sender.send((stages, megabytes("VmHWM")))


def resume_set(folder: Path, sender: Any) -> None:
    """What a run that is gone on with does instead of splitting, in a process of its own, too."""
    data = open_set(folder).radiographs
    _, held = measured(lambda: Split.load(folder.parent / "split.json", data.keys))
    sender.send(({"resume: load the split": held}, megabytes("VmHWM")))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--counts", type=int, nargs="+", default=[1000, 1_000_000])
    options.add_argument("--resolution", type=int, default=32)
    options.add_argument("--batches", type=int, default=1000)
    options.add_argument("--folder", type=Path, required=True, help="where sets are made")
    options.add_argument("--keep", action="store_true", help="keep the sets, and take those that are there")
    options.add_argument("--out", type=Path, help="a JSON file to write")
    asked = options.parse_args()

    context = multiprocessing.get_context("spawn")
    results: dict[int, Any] = {}
    for count in asked.counts:
        folder = asked.folder / f"set-{count}-{asked.resolution}"
        if not (folder / "set.json").exists():
            maker = context.Process(target=make_set, args=(folder, count, asked.resolution))
            maker.start()
            maker.join()
        stages: dict[str, dict[str, float]] = {}
        highest = 0.0
        for target, more in ((use_set, (asked.batches,)), (resume_set, ())):
            receiver, sender = context.Pipe()
            user = context.Process(target=target, args=(folder, *more, sender))
            user.start()
            sender.close()
            found, high = receiver.recv()
            user.join()
            stages, highest = stages | found, max(highest, high)
        results[count] = {"stages": stages, "VmHWM": highest}
        if not asked.keep:
            shutil.rmtree(folder)
    print(f"{asked.resolution} px; MB held (RssAnon) at the peak of a stage, after it, and its seconds")
    print(f"{'':24}" + "".join(f"{count:>26,}" for count in asked.counts))
    for stage in results[asked.counts[0]]["stages"]:
        cells = [results[count]["stages"][stage] for count in asked.counts]
        print(f"{stage:24}" + "".join(f"{c['peak']:10.1f}{c['after']:8.1f}{c['seconds']:8.2f}" for c in cells))
    print(
        f"{'VmHWM, with mapped pages':24}"
        + "".join(f"{results[count]['VmHWM']:10.1f}{'':16}" for count in asked.counts)
    )
    if asked.out:
        content = {"semiray": semiray.__version__, "resolution": asked.resolution, "counts": results}
        asked.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
