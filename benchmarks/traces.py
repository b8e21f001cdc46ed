"""Traces of training images: how many copies do they recognise, and how many images of other patients?

Half of the patients leave traces, and the other half is looked for, in several draws. Then some images are changed as
files, read again and looked for among the traces of their originals; beside them stands what a split calls a
near-duplicate.

    python benchmarks/traces.py DATA --resolution 64 --copies 600
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from semiray.radiographs import load_radiographs, near_duplicates, unite_patients
from semiray.radiographs.pixels.traces import Traces


def levels(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Image.Image], Image.Image]:
    """A change of grey levels between 0 and 1."""
    return lambda image: Image.fromarray((255 * change(np.asarray(image) / 255)).clip(0, 255).astype(np.uint8))


def scaled(x: float, y: float | None = None) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.resize(
        (round(image.width * x), round(image.height * (y or x))), Image.Resampling.BICUBIC
    )


def cut(share: float) -> Callable[[Image.Image], Image.Image]:
    """Without a share of the side at every margin."""

    def change(image: Image.Image) -> Image.Image:
        x, y = image.width * share, image.height * share
        return image.crop((round(x), round(y), round(image.width - x), round(image.height - y)))

    return change


def compressed(image: Image.Image) -> Image.Image:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=30)
    return Image.open(stream)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "the same pixels": lambda image: image,
    "JPEG of quality 30": compressed,
    "half the size": scaled(0.5),
    "1.7 times the size": scaled(1.7),
    "30 % darker": levels(lambda x: 0.7 * x),
    "30 levels brighter": levels(lambda x: x + 30 / 255),
    "gamma 0.8": levels(lambda x: x**0.8),
    "gamma 1.2": levels(lambda x: x**1.2),
    "cut by 1 %": cut(0.01),
    "cut by 2 %": cut(0.02),
    "cut by 5 %": cut(0.05),
    "stretched by 10 %": scaled(1, 1.1),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder of radiographs")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--copies", type=int, default=600)
    parser.add_argument("--draws", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(given.data, given.resolution, given.copies, given.draws, Path(folder))


def measure(data: Path, resolution: int, copies: int, draws: int, folder: Path) -> None:
    xrays = load_radiographs(data, resolution=resolution, cache=folder / "cache")
    patients = unite_patients(xrays.patients, near_duplicates(xrays.images))
    ids = np.unique(patients)
    wrong = compared = 0
    for seed in range(draws):
        first = np.isin(patients, np.random.default_rng(seed).permutation(ids)[: len(ids) // 2])
        found = Traces.of(xrays.images, np.flatnonzero(first)).find(xrays.images, np.flatnonzero(~first))
        wrong, compared = wrong + int(found.recognised.sum()), compared + len(found.recognised)
    print(f"{wrong:,} of {compared:,} images of other patients recognised ({draws} draws of half of {len(ids):,})")

    rows = np.sort(np.random.default_rng(0).permutation(len(xrays))[:copies])
    originals = np.asarray(xrays.images[rows])
    start = time.perf_counter()
    traces = Traces.of(originals)
    print(f"{traces.rows.dtype.itemsize} bytes and {1e6 * (time.perf_counter() - start) / len(rows):.0f} µs per trace")
    print(f"of {len(rows):,} copies each:         recognised   near-duplicates")
    for number, (name, change) in enumerate(CHANGES.items()):
        place = folder / str(number)
        place.mkdir()
        for i, row in enumerate(rows):
            with Image.open(data / xrays.keys[row]) as image:
                change(image.convert("L")).save(place / f"{i:06d}.png")
        changed = np.asarray(load_radiographs(place, resolution=resolution, cache=folder / "cache").images)
        groups = near_duplicates(np.concatenate([originals, changed]))
        paired = {i for group in groups for i in group if i < len(rows) and i + len(rows) in group}
        print(f"  {name:24} {traces.find(changed).recognised.sum():12,} {len(paired):16,}")


if __name__ == "__main__":
    main()
