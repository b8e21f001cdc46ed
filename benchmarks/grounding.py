r"""The bars on grounding: phantoms of which a few are labelled, and an oracle that reads what is rendered.

    python benchmarks/grounding.py --out grounding                                  # all cases, three seeds: hours
    python benchmarks/grounding.py --out grounding --cases labelled-5% --seeds 0 --minutes 6 --resolution 32

The oracle is a regressor trained on other phantoms and their true leads; its own R² on held-out phantoms stands in the
table. Durations are compared as F(days), between 0 and 1, since the phantom's opacity saturates. What is done already
is not done again; the table is written to OUT/grounding.json after every run.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from semiray.evaluation.probe import Probe, train_probe
from semiray.generation import generate
from semiray.generation.sampling import render
from semiray.priors import Factor, JointPrior
from semiray.radiographs import RadiographSet
from semiray.radiographs.phantom import PHANTOM_CLASSES, phantom_labels, render_phantoms
from semiray.settings import make_settings
from semiray.training import Run, train

Floats = NDArray[np.float64]
PRIOR = JointPrior.default()
LEADS = {name: PRIOR.slices[name].start for name in PRIOR.slices}
CONTINUOUS = [name for name in LEADS if name != "survival"]
RULES = {name: {"column": name} for name in LEADS} | {"duration": {"time": "duration", "event": "ended"}}
# What the oracle reads: the leads alone, a duration as F(days).
READ = JointPrior(
    [
        Factor("survival", "bernoulli", 1, {"probability": 0.5}),
        Factor("duration", "uniform", 1, {"low": 0, "high": 1}),
        Factor("presentation", "uniform", 1, {"low": -1, "high": 1}),
        Factor("texture", "uniform", 1, {"low": -1, "high": 1}),
    ]
)
PLACES = {name: j for j, name in enumerate(LEADS)}
RANGES = dict(zip(LEADS, (1.0, 1.0, 2.0, 2.0), strict=True))
PATIENTS = 300


@dataclass(frozen=True)
class Case:
    """How much is known of the training images.

    Attributes:
        labelled: share of the images with metadata.
        censored: share of the known durations that are known to exceed a time only.
        believed: whether those times are taken for the durations.
    """

    labelled: float
    censored: float = 0.0
    believed: bool = False


CASES = {
    "labelled-5%": Case(0.05),
    "labelled-1%": Case(0.01),
    "unlabelled": Case(0.0),
    "censored": Case(0.05, 0.5),
    "censored-believed": Case(0.05, 0.5, believed=True),
}


def leads(codes: NDArray[np.float32]) -> Floats:
    """The leads (N, 4) of codes (N, 20), a duration as F(days)."""
    chosen = codes[:, list(LEADS.values())].astype(np.float64)
    chosen[:, 1] = PRIOR.marginal("duration").cdf(torch.from_numpy(chosen[:, 1])).numpy()
    return chosen


def phantoms(
    count: int, resolution: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int64]]:
    """Images, codes and labels of phantoms."""
    codes = PRIOR.sample(count, torch.Generator().manual_seed(seed)).numpy()
    labels = phantom_labels(count, seed=seed)
    return render_phantoms(codes, labels, resolution=resolution, seed=seed), codes, labels


def train_oracle(resolution: int, count: int, steps: int) -> tuple[Probe, dict[str, float]]:
    """The oracle and its R² (accuracy for survival) on phantoms that it hasn't seen."""
    images, codes, _ = phantoms(count + 1500, resolution, seed=900_001)
    truth = leads(codes)
    oracle = train_probe(images[1500:], truth[1500:].astype(np.float32), READ, steps=steps)
    read = oracle.read(images[:1500])
    found = {}
    for j, name in enumerate(LEADS):
        error = ((read[:, j] - truth[:1500, j]) ** 2).mean()
        r2 = 1 - error / truth[:1500, j].var()
        found[name] = float((read[:, j] == truth[:1500, j]).mean()) if name == "survival" else float(r2)
    return oracle, found


def data_set(case: Case, resolution: int, count: int, seed: int) -> RadiographSet:
    """Phantoms whose table tells the leads of some, as a hospital's might."""
    images, codes, labels = phantoms(count, resolution, seed=0)
    draws = np.random.default_rng([seed, 7])
    told = np.zeros(count, bool)
    told[draws.permutation(count)[: round(case.labelled * count)]] = True
    cut = told & (draws.random(count) < case.censored)
    rows = []
    for i in range(count):
        cells = {name: str(codes[i, column]) if told[i] else "" for name, column in LEADS.items()}
        cells["ended"] = "yes" if told[i] else ""
        if cut[i]:  # observed until a random moment before the end
            cells["duration"] = str(codes[i, LEADS["duration"]] * draws.random())
            cells["ended"] = "yes" if case.believed else "no"
        rows.append(cells)
    keys = tuple(f"{PHANTOM_CLASSES[label]}/phantom_{i:06d}.png" for i, label in enumerate(labels))
    fingerprint = f"phantoms-{resolution}-{count}"
    return RadiographSet(images, labels, PHANTOM_CLASSES, np.array(keys), keys, tuple(rows), fingerprint)


def agreement(run: Run, oracle: Probe, matched: bool) -> dict[str, float]:
    """Pearson correlation (accuracy for survival) of leads asked for and read; matched: of whichever dimension fits."""
    drawn = generate(run, 3000, seed=900_002)
    asked, read = leads(drawn.codes), oracle.read(drawn.images).astype(np.float64)
    if matched:
        scores = drawn.codes.astype(np.float64)
        scores[:, PRIOR.slices["duration"]] = 1 - np.exp(-scores[:, PRIOR.slices["duration"]] / 10)
        table = np.nan_to_num(np.abs(np.corrcoef(scores.T, read.T)[: scores.shape[1], scores.shape[1] :]))
        rows, columns = linear_sum_assignment(-table)
        return {list(LEADS)[j]: float(table[i, j]) for i, j in zip(rows, columns, strict=True)}
    found = {name: float(np.corrcoef(asked[:, PLACES[name]], read[:, PLACES[name]])[0, 1]) for name in CONTINUOUS}
    return {"survival": float((asked[:, 0] == read[:, 0]).mean())} | found


def leakage(run: Run, oracle: Probe) -> dict[str, dict[str, float]]:
    """Mean absolute change of each reading, in parts of its range, while one factor moves from its 5 % to its 95 %."""
    draws = torch.Generator().manual_seed(900_003)
    z = torch.randn(PATIENTS, run.settings.networks.noise, generator=draws)
    base, labels = PRIOR.sample(PATIENTS, draws), np.arange(PATIENTS) % len(run.classes)
    found: dict[str, dict[str, float]] = {}
    for moved in LEADS:
        readings = []
        for level in torch.tensor([0.05, 0.95], dtype=torch.float64):
            codes = base.clone()
            for column in range(*PRIOR.slices[moved].indices(PRIOR.dimensions)):
                codes[:, column] = PRIOR.quantile(PRIOR.names[column], level)
            readings.append(oracle.read(render(run, z, codes, labels)).astype(np.float64))
        ends = np.abs(readings[1] - readings[0]).mean(axis=0)
        found[moved] = {name: float(ends[j] / RANGES[name]) for j, name in enumerate(LEADS)}
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options.add_argument("--minutes", type=float, default=20.0)
    options.add_argument("--resolution", type=int, default=64)
    options.add_argument("--images", type=int, default=3000, help="phantoms to train on and to split")
    options.add_argument("--oracle-images", type=int, default=20_000)
    options.add_argument("--oracle-steps", type=int, default=2400)
    options.add_argument("--set", nargs="*", default=[], dest="changes", help="settings, such as objectives.ground=2")
    options.add_argument("--out", type=Path, default=Path("grounding"))
    asked = options.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    oracle, reads = train_oracle(asked.resolution, asked.oracle_images, asked.oracle_steps)
    print("oracle", json.dumps(reads), flush=True)
    table: dict[str, Any] = {"oracle": reads, "minutes": asked.minutes, "resolution": asked.resolution, "runs": {}}
    for name in asked.cases:
        for seed in asked.seeds:
            case, folder = CASES[name], asked.out / f"{name}-{seed}"
            if not (folder / "finished").exists():
                tree: dict[str, Any] = {"resolution": asked.resolution, "minutes": asked.minutes, "seed": seed}
                for change in asked.changes:
                    option, value = change.split("=")
                    branch, leaf = option.split(".")
                    tree.setdefault(branch, {})[leaf] = float(value)
                settings = make_settings(tree | ({"ground": RULES} if case.labelled else {}))
                train(data_set(case, asked.resolution, asked.images, seed), folder, settings)
                (folder / "finished").touch()
            run = Run.load(folder)
            row = {
                "labelled": dict(run.grounded),
                "asked_against_rendered": agreement(run, oracle, matched=not case.labelled),
                "moved": leakage(run, oracle),
            }
            table["runs"][folder.name] = row
            print(folder.name, json.dumps(row), flush=True)
            (asked.out / "grounding.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
