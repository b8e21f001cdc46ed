"""Images a second: decoding into a prepared set, and random batches out of it and out of shards, warm and cold.

Radiographs are drawn as JPEG files of --side px, decoded into a prepared set of --resolution px, and packed into
shards. The batches come from sets of --count images (the prepared one is filled up by copies of what was decoded). Cold
means that the system is told to forget the files' pages before a pass; where it keeps some, the figure lies between.

    python benchmarks/data_reading.py --folder /tmp/reading --out reading.json
"""

import argparse
import io
import json
import os
import platform
import shutil
import tarfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import semiray
from semiray.radiographs import load_radiographs, prepare_radiographs
from semiray.radiographs.pixels.decoding import processors

BATCH = 64


def draw_files(folder: Path, count: int, side: int) -> None:
    """Smooth random pictures with noise: JPEG files of about the size of radiographs'."""
    folder.mkdir(parents=True)
    for i in range(count):
        rng = np.random.default_rng(i)
        coarse = Image.fromarray(rng.integers(40, 216, (9, 9), dtype=np.uint8)).resize((side, side), 3)
        noisy = np.asarray(coarse) + rng.normal(0, 4, (side, side))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{i:06d}.jpg", quality=90)


def pack(files: Path, shards: Path, count: int, size: int = 1000) -> None:
    """Shards of a number of samples each: the files over and over, under new names."""
    shards.mkdir()
    contents = [path.read_bytes() for path in sorted(files.iterdir())]
    for first in range(0, count, size):
        with tarfile.open(shards / f"{first // size:05d}.tar", "w") as tar:
            for i in range(first, min(first + size, count)):
                described = json.dumps({"patient": f"p{i}"}).encode()
                for suffix, content in ((".json", described), (".jpg", contents[i % len(contents)])):
                    info = tarfile.TarInfo(f"{i:06d}{suffix}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))


def forget(folder: Path) -> None:
    """Tell the system to drop the pages of a folder's files; nothing where it can't be told."""
    for path in folder.rglob("*"):
        if path.is_file() and hasattr(os, "posix_fadvise"):
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def rate(images: object, count: int, batches: int, seed: int) -> float:
    """Images a second in random batches."""
    rng = np.random.default_rng(seed)
    chosen = [rng.integers(0, count, BATCH) for _ in range(batches)]
    started = time.perf_counter()
    for rows in chosen:
        np.ascontiguousarray(images[rows])  # type: ignore[index]
    return batches * BATCH / (time.perf_counter() - started)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, required=True, help="where files are made; deleted at the end")
    options.add_argument("--files", type=int, default=3000, help="JPEG files that are decoded")
    options.add_argument("--side", type=int, default=512)
    options.add_argument("--resolution", type=int, default=128)
    options.add_argument("--count", type=int, default=100_000, help="images in the mapped set")
    options.add_argument("--samples", type=int, default=10_000, help="samples in the shards")
    options.add_argument("--batches", type=int, default=500, help="of 64 images, of the mapped set; a tenth of shards")
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--out", type=Path, help="a JSON file to write")
    asked = options.parse_args()

    root = asked.folder
    draw_files(root / "files", asked.files, asked.side)
    started = time.perf_counter()
    prepared = prepare_radiographs(root / "files", root / "prepared", resolution=asked.resolution)
    decoded = asked.files / (time.perf_counter() - started)
    (root / "mapped").mkdir()
    large = np.lib.format.open_memmap(
        root / "mapped" / "images.npy", "w+", np.uint8, (asked.count, asked.resolution, asked.resolution)
    )
    for first in range(0, asked.count, asked.files):
        large[first : first + asked.files] = prepared.images[: asked.count - first]
    large.flush()
    del large
    pack(root / "files", root / "shards", asked.samples)
    started = time.perf_counter()
    sharded = load_radiographs(root / "shards", resolution=asked.resolution, cache=root / "cache")
    indexed = asked.samples / (time.perf_counter() - started)

    rates: dict[str, list[float]] = {}
    for turn in range(asked.turns):
        for name, place, count, batches in (
            ("mapped set", root / "mapped", asked.count, asked.batches),
            ("shards", root / "shards", asked.samples, asked.batches // 10),
        ):
            for state in ("cold", "warm"):
                # Mapped anew each time: pages that a map holds aren't dropped.
                mapped = np.load(place / "images.npy", mmap_mode="r") if name == "mapped set" else sharded.images
                if state == "cold":
                    forget(place)
                rates.setdefault(f"{name}, {state}", []).append(rate(mapped, count, batches, turn))
                del mapped
    result = {
        "machine": f"{platform.processor() or platform.machine()}, {processors()} processors",
        "versions": {"semiray": semiray.__version__, "numpy": np.__version__, "python": platform.python_version()},
        "setting": {k: v for k, v in vars(asked).items() if k not in ("folder", "out")},
        "decoded_per_second": round(decoded),
        "indexed_per_second": round(indexed),
        "batch_images_per_second": {name: [round(value) for value in values] for name, values in rates.items()},
    }
    print(f"{result['machine']}; {asked.side} px JPEG to {asked.resolution} px")
    print(f"  decoded into a prepared set  {decoded:10,.0f} images/s")
    print(f"  shards looked at first       {indexed:10,.0f} images/s")
    for name, values in rates.items():
        spread = f"({min(values):,.0f} to {max(values):,.0f})"
        print(f"  batches of {BATCH}, {name:18}{np.median(values):10,.0f} images/s  {spread}")
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
