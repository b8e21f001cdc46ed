"""Make a run that comes with semiray: small, with traces of its training images and a card.

    python benchmarks/make_pretrained.py kermany-64 --data DATA/kermany --run RUN --report REPORT
    python benchmarks/make_pretrained.py phantom-32 --train --work runs

The first takes a run that was trained and evaluated; REPORT is what `semiray evaluate RUN DATA --out REPORT` wrote.
With `--train` the script does both in the folder WORK, with the settings below, and continues where it was stopped;
phantoms are rendered there. The result goes into `src/semiray/pretrained/NAME`. Nothing is made of a run whose report
finds a copy of a training image, or doesn't search for any. All runs together may be 12 MB large.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import semiray
from semiray.pretrained.names import SHIPPED
from semiray.radiographs import ImageArray, RadiographSet
from semiray.report import Origin, publish, read_reports
from semiray.report.publishing import COPIES
from semiray.training import Run

LARGEST = 12_000_000  # bytes of all shipped runs together
KERMANY = Origin(
    "cc-by-4.0",
    "Trained on chest X-rays of children from Guangzhou Women and Children's Medical Center: Kermany D, Zhang K, "
    "Goldbaum M. *Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for Classification*, Mendeley Data "
    "(2018), [doi 10.17632/rscbjbr9sj](https://doi.org/10.17632/rscbjbr9sj), licence "
    "[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/); described in Kermany et al., *Cell* 172 (2018), 1122 "
    "to 1131. Changes: images were cropped and reduced, and a generator was trained on them. The authors of the data "
    "set don't endorse this run.",
)
PHANTOM = Origin(
    "mit",
    "Trained on what `semiray data phantom` renders. `survival` and `duration` are grounded in the known factors.",
    phantom=True,
)


@dataclass(frozen=True)
class Recipe:
    """Where a shipped run comes from, how it is trained, and how its data are read.

    Attributes:
        start: name of the run that it starts from.
        phantoms: number of phantoms to render for it; 0: it is trained on a data set.
    """

    origin: Origin
    settings: dict[str, Any]
    reading: dict[str, Any] = field(default_factory=dict)
    start: str | None = None
    phantoms: int = 0

    def load(self, folder: Path | None, work: Path) -> RadiographSet[ImageArray]:
        """The images that the run is trained on."""
        if self.phantoms and folder is None:
            folder = work / "phantoms"
            if not folder.exists():
                semiray.make_phantoms(folder, self.phantoms, resolution=64)
        if folder is None:
            raise SystemExit("--data: name the folder of the images that the run is trained on")
        return semiray.load_radiographs(folder, resolution=self.settings["resolution"], **self.reading)


READING = {"label_from": "NORMAL|virus|bacteria", "patient_from": r"(person\d+)"}
GROUND = {"survival": {"column": "survival[0]"}, "duration": {"column": "duration[0]"}}
RECIPES = {
    "kermany-64": Recipe(KERMANY, {"resolution": 64, "images": 330_000, "seed": 2}, READING),
    "kermany-128": Recipe(KERMANY, {"resolution": 128, "images": 100_000, "seed": 2}, READING, start="kermany-64"),
    "phantom-32": Recipe(
        PHANTOM,
        # Nobody's privacy is at stake, and real phantoms teach the sorter their classes better than generated ones.
        {"resolution": 32, "images": 200_000, "seed": 1, "ground": GROUND, "optimisation": {"forget": 0.0}},
        phantoms=3000,
    ),
}


def train_run(name: str, data: RadiographSet[ImageArray], work: Path) -> Run:
    """The run in a folder of `work`, trained unless it is finished."""
    recipe, folder = RECIPES[name], work / name
    if not (folder / "finished").exists():
        if (folder / "state").exists():
            semiray.train(data, folder, resume=True)
        else:  # the run to start from is that of the same folder, else the one that is shipped
            start = work / str(recipe.start) if (work / str(recipe.start)).exists() else recipe.start
            semiray.train(data, folder, start_from=start, **recipe.settings)
        (folder / "finished").touch()
    return Run.load(folder)


def size(folder: Path) -> int:
    """Bytes of the runs in a folder."""
    return sum(size_of(path.parent) for path in folder.glob("*/settings.yaml"))


def make(name: str, run: Run, report: Path, data: RadiographSet[ImageArray], home: Path = SHIPPED) -> Path:
    """Put the small form of a run into its place; SystemExit where it may not be shipped."""
    (found,) = read_reports([report])
    if COPIES not in found.figures:
        raise SystemExit(f"{report} doesn't say whether images are copies of training images: nothing is shipped")
    with tempfile.TemporaryDirectory() as place:
        made = Path(place) / name
        publish(run, made, RECIPES[name].origin, report=report, data=data)
        others = size(home) - size_of(home / name)
        if others + size_of(made) > LARGEST:
            raise SystemExit(f"{name} is {size_of(made):,} bytes, others {others:,}: more than {LARGEST:,} together")
        shutil.rmtree(home / name, ignore_errors=True)
        shutil.move(made, home / name)
    return home / name


def size_of(folder: Path) -> int:
    """Bytes of the files of a run; 0 where there is none."""
    return sum(file.stat().st_size for file in folder.glob("*"))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("name", choices=RECIPES)
    options.add_argument("--data", type=Path)
    options.add_argument("--run", type=Path)
    options.add_argument("--report", type=Path)
    options.add_argument("--train", action="store_true")
    options.add_argument("--work", type=Path, default=Path("runs"))
    asked = options.parse_args()
    if asked.train == (asked.run is not None) or (asked.run is None) != (asked.report is None):
        options.error("give either --train, or --run and --report")
    recipe = RECIPES[asked.name]
    data = recipe.load(asked.data, asked.work)
    if asked.train:
        asked.work.mkdir(parents=True, exist_ok=True)
        run = train_run(asked.name, data, asked.work)
        report = asked.work / f"{asked.name}-report"
        if not (report / "report.json").exists():
            semiray.evaluate(run, data, report, benefit=False)
    else:
        run, report = Run.load(asked.run), asked.report
    try:
        made = make(asked.name, run, report, data)
    except semiray.SemirayError as error:  # its audit found a copy
        raise SystemExit(str(error)) from None
    print(f"{made}: {size_of(made):,} bytes; all shipped runs {size(SHIPPED):,} of {LARGEST:,}")


if __name__ == "__main__":
    main()
