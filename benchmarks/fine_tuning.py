r"""Does starting from a trained run pay for a small set? Two ways to train on Hannover's patients, for as many images.

    python benchmarks/fine_tuning.py RUN DATA/kermany DATA/hannover --out fine-tuning

RUN was trained on kermany. For every seed Hannover's 71 patients are halved; the one half trains, from RUN (`from`)
and from nothing (`nothing`), the same networks for the same images: so for the same time. Generated images are compared
with the other half. The set has no classes, hence no `trtr` space: features are those of a classifier of RUN's own
training patients, the same for all. The floor is the distance of the training patients from the same held-out images;
it is of fewer images, which makes it larger. Beside it stands how well a fresh probe reads the requested codes (R²,
clean; the mean over dimensions, discrete ones left out).

What is done already is not done again; the table is printed and written to OUT/fine-tuning.json after every run.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from semiray.evaluation import train_classifier
from semiray.evaluation.judgements.probe import measure_probe
from semiray.evaluation.statistics.features import frechet_distance
from semiray.generation import generate
from semiray.radiographs import RadiographSet, load_radiographs, split_by_patient
from semiray.settings import make_settings
from semiray.training import Run, train
from semiray.training.warm_start import follow

STARTS = ("from", "nothing")
FIGURES = ("frechet", "floor", "probe")


def train_once(data: RadiographSet, folder: Path, start: str, seed: int, asked: argparse.Namespace) -> Run:
    """The run in a folder, trained unless it is finished, on half of the patients."""
    if not (folder / "finished").exists():
        plain = make_settings({"images": asked.images, "seed": seed, "resolution": asked.resolution})
        train(
            data,
            folder,
            follow(plain, asked.run),  # the same networks, whatever a run starts from
            split=split_by_patient(data, (0.5, 0.0, 0.5), seed),
            start_from=asked.run if start == "from" else None,
            resume=(folder / "state").exists(),
        )
        (folder / "finished").touch()
    return Run.load(folder)


def figures(run: Run, data: RadiographSet, features: Any, asked: argparse.Namespace) -> dict[str, float]:
    """The Fréchet distance of generated from held-out real images, its floor, and the probe's R²."""
    split = run.split(data)
    real, trained = (features(np.asarray(data.images[rows])).astype(np.float64) for rows in (split.test, split.train))
    made, fresh = generate(run, asked.generated, seed=1), generate(run, asked.generated // 3, seed=2)
    probe = measure_probe(made.images, made.codes, fresh.images, fresh.codes, run.prior, steps=asked.steps)
    read = [one.value for one in probe.conditions["clean"].dimensions if one.measure == "r2"]
    return {
        "frechet": frechet_distance(real, features(made.images).astype(np.float64)).value,
        "floor": frechet_distance(real, trained).value,
        "probe": statistics.mean(read),
    }


def show(table: dict[str, dict[str, float]]) -> None:
    print(f"{'run':>12}" + "".join(f"{name:>10}" for name in FIGURES))
    for name, row in table.items():
        print(f"{name:>12}" + "".join(f"{row[figure]:>10.3f}" for figure in FIGURES))
    for start in STARTS:
        rows = [row for name, row in table.items() if name.startswith(start)]
        if len(rows) > 1:
            means = [statistics.mean(row[figure] for row in rows) for figure in FIGURES]
            print(f"{start + ', mean':>12}" + "".join(f"{mean:>10.3f}" for mean in means), flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run", type=Path, help="a run that was trained on kermany")
    options.add_argument("kermany", type=Path)
    options.add_argument("hannover", type=Path)
    options.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options.add_argument("--images", type=int, default=24_000, help="real images to show a run, repeats counted")
    options.add_argument("--resolution", type=int, default=64)
    options.add_argument("--generated", type=int, default=3000, help="images that features and probe are given")
    options.add_argument("--steps", type=int, default=600, help="of the probe, and of the classifier of the features")
    options.add_argument("--out", type=Path, default=Path("fine-tuning"))
    asked = options.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    first = Run.load(asked.run, "cpu")
    known = load_radiographs(asked.kermany, resolution=asked.resolution, **first.settings.data.reading)
    own = known.take(known.labelled(first.split(known).train))
    judge = train_classifier(np.asarray(own.images), own.labels, n_classes=len(own.classes), seed=0, steps=asked.steps)
    data = load_radiographs(asked.hannover / "data.csv", resolution=asked.resolution, patient_column="patient_id")
    how = {"images": asked.images, "resolution": asked.resolution, "generated": asked.generated, "steps": asked.steps}
    table: dict[str, dict[str, float]] = {}
    for seed in asked.seeds:
        for start in STARTS:
            began = time.monotonic()
            run = train_once(data, asked.out / f"{start}-{seed}-{asked.images}", start, seed, asked)
            seconds = time.monotonic() - began
            table[f"{start}-{seed}"] = figures(run, data, judge.features, asked)
            show(table)
            print(f"{start}-{seed}: {seconds:.0f} seconds of training in this sitting", flush=True)
            result = {"settings": how, "start": first.data.get("fingerprint"), "runs": table}
            (asked.out / "fine-tuning.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
