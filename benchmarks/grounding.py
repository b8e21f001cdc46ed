r"""The bars on grounding: phantoms of which a few are labelled, and an oracle that reads what is rendered.

    python benchmarks/grounding.py --out grounding                                  # all cases, three seeds: hours
    python benchmarks/grounding.py --out grounding --cases labelled-5% --seeds 0 --minutes 6 --resolution 32

The oracle is a regressor trained on other phantoms and their true leads; its own R² on held-out phantoms stands in the
table. Durations are compared as F(days), between 0 and 1, since the phantom's opacity saturates. What is done already
is not done again; the table is written to OUT/grounding.json after every run.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from phantom_oracle import LEADS, PRIOR, RANGES, Oracle, as_read, get_oracle, leads, phantom_digest, phantoms
from phantom_oracle import PHANTOMS as ORACLE_PHANTOMS
from phantom_oracle import STEPS as ORACLE_STEPS
from semiray.evaluation.disentanglement import measure_phantoms
from semiray.generation import generate
from semiray.generation.sampling import render
from semiray.radiographs import RadiographSet, Split
from semiray.radiographs.phantom import PHANTOM_CLASSES, render_phantoms
from semiray.settings import make_settings, merge, parse_assignment
from semiray.training import Run
from train_once import train_once

Leakage = dict[str, dict[str, float]]
CONTINUOUS = [name for name in LEADS if name != "survival"]
RULES = {name: {"column": name} for name in LEADS} | {"duration": {"time": "duration", "event": "ended"}}
PLACES = {name: j for j, name in enumerate(LEADS)}
PATIENTS = 300


@dataclass(frozen=True)
class Case:
    """How much is known of the training images.

    Attributes:
        labelled: share of the images with metadata.
        censored: whether each patient leaves observation after a time of its own, exponential with the durations' mean
            and independent of them: half of the durations are known to exceed that time only.
        believed: whether those times are taken for the durations.
    """

    labelled: float
    censored: bool = False
    believed: bool = False


CASES = {
    "labelled-5%": Case(0.05),
    "labelled-1%": Case(0.01),
    "unlabelled": Case(0.0),
    "censored": Case(0.05, censored=True),
    "censored-believed": Case(0.05, censored=True, believed=True),
}


def data_set(case: Case, resolution: int, count: int, seed: int) -> RadiographSet:
    """Phantoms whose table tells the leads of some, as a hospital's might."""
    images, codes, labels = phantoms(count, resolution, seed=0)
    draws = np.random.default_rng([seed, 7])
    told = np.zeros(count, bool)
    told[draws.permutation(count)[: round(case.labelled * count)]] = True
    leaves = draws.exponential(float(PRIOR.marginal("duration").mean), count)
    cut = told & case.censored & (leaves < codes[:, LEADS["duration"]])
    rows = []
    for i in range(count):
        # The true codes, under their own names, are for measuring: no rule names them.
        cells = {name: str(value) for name, value in zip(PRIOR.names, codes[i], strict=True)}
        cells |= {name: str(codes[i, column]) if told[i] else "" for name, column in LEADS.items()}
        cells["ended"] = "yes" if told[i] else ""
        if cut[i]:
            cells["duration"] = str(leaves[i])
            cells["ended"] = "yes" if case.believed else "no"
        rows.append(cells)
    keys = tuple(f"{PHANTOM_CLASSES[label]}/phantom_{i:06d}.png" for i, label in enumerate(labels))
    fingerprint = f"phantoms-{resolution}-{count}-{phantom_digest(resolution)}"
    return RadiographSet(images, labels, PHANTOM_CLASSES, np.array(keys), keys, tuple(rows), fingerprint)


def agreement(run: Run, oracle: Oracle, matched: bool) -> dict[str, float]:
    """Pearson correlation (accuracy for survival) of leads asked for and read; matched: of whichever dimension fits."""
    drawn = generate(run, 3000, seed=900_002)
    asked, read = leads(drawn.codes), oracle.read(drawn.images)
    if matched:
        dimensions = as_read(drawn.codes)
        table = np.nan_to_num(np.abs(np.corrcoef(dimensions.T, read.T)[: dimensions.shape[1], dimensions.shape[1] :]))
        rows, columns = linear_sum_assignment(-table)
        return {list(LEADS)[j]: float(table[i, j]) for i, j in zip(rows, columns, strict=True)}
    found = {name: float(np.corrcoef(asked[:, PLACES[name]], read[:, PLACES[name]])[0, 1]) for name in CONTINUOUS}
    return {"survival": float((asked[:, 0] == read[:, 0]).mean())} | found


def leakage(oracle: Oracle, make: Callable[[torch.Tensor, NDArray[np.int64]], NDArray[np.uint8]]) -> Leakage:
    """Mean absolute change of each reading, in parts of its range, while one factor moves from its 5 % to its 95 %.

    Args:
        oracle: what reads the images.
        make: codes (N, 20) and labels (N,) -> images of the same N patients, whatever the codes.
    """
    base = PRIOR.sample(PATIENTS, torch.Generator().manual_seed(900_003))
    labels = np.arange(PATIENTS) % len(PHANTOM_CLASSES)
    found: Leakage = {}
    for moved in LEADS:
        readings = []
        for level in torch.tensor([0.05, 0.95], dtype=torch.float64):
            codes = base.clone()
            for column in range(*PRIOR.slices[moved].indices(PRIOR.dimensions)):
                codes[:, column] = PRIOR.quantile(PRIOR.names[column], level)
            readings.append(oracle.read(make(codes, labels)))
        ends = np.abs(readings[1] - readings[0]).mean(axis=0)
        found[moved] = {name: float(ends[j] / RANGES[name]) for j, name in enumerate(LEADS)}
    return found


def disentanglement(run: Run, data: RadiographSet) -> dict[str, dict[str, float]]:
    """MIG, DCI and SAP of the sorter on held-out phantoms, beside floor and ceiling."""
    held_out = Split.load(run.path / "split.json", data.keys).test[:1000]
    scores = measure_phantoms(run, data.take(held_out))
    return {
        kind: {
            "mig": one.mig.value,
            "dci": one.dci.disentanglement,
            "completeness": one.dci.completeness,
            "informativeness": one.dci.informativeness,
            "sap": one.sap.value,
        }
        for kind, one in (("measured", scores.measured), ("floor", scores.floor), ("ceiling", scores.ceiling))
    }


def chosen_settings(asked: argparse.Namespace, case: Case, seed: int) -> dict[str, Any]:
    """The settings of one run, as a tree."""
    tree: dict[str, Any] = {"resolution": asked.resolution, "seed": seed}
    tree |= {"images": asked.budget} if asked.budget else {"minutes": asked.minutes}
    tree |= {"ground": RULES} if case.labelled else {}
    for change in asked.changes:
        tree = merge(tree, parse_assignment(change))
    return tree


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options.add_argument("--minutes", type=float, default=20.0)
    options.add_argument("--budget", type=int, help="images to show a run, in place of minutes: for a shared machine")
    options.add_argument("--resolution", type=int, default=64)
    options.add_argument("--images", type=int, default=10_000, help="phantoms to train on and to split")
    options.add_argument("--oracle-images", type=int, default=ORACLE_PHANTOMS)
    options.add_argument("--oracle-steps", type=int, default=ORACLE_STEPS)
    options.add_argument("--set", nargs="*", default=[], dest="changes", help="settings, such as objectives.ground=2")
    options.add_argument("--disentanglement", action="store_true", help="MIG, DCI and SAP of every run: a minute each")
    options.add_argument("--out", type=Path, default=Path("grounding"))
    asked = options.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    oracle = get_oracle(asked.out, asked.resolution, asked.oracle_images, asked.oracle_steps)
    print("oracle", json.dumps(oracle.figures), flush=True)
    table: dict[str, Any] = {
        key: getattr(asked, key) for key in ("minutes", "budget", "resolution", "images", "changes")
    }
    table |= {"oracle": oracle.figures, "runs": {}}
    table["phantoms moved"] = leakage(
        oracle, lambda codes, labels: render_phantoms(codes.numpy(), labels, asked.resolution, seed=900_004)
    )
    print("phantoms moved", json.dumps(table["phantoms moved"]), flush=True)
    for name in asked.cases:
        for seed in asked.seeds:
            case, folder = CASES[name], asked.out / f"{name}-{seed}"
            data = data_set(case, asked.resolution, asked.images, seed)
            settings = make_settings(chosen_settings(asked, case, seed))
            run = train_once(data, folder, settings)
            z = torch.randn(PATIENTS, run.settings.networks.noise, generator=torch.Generator().manual_seed(900_005))
            row = {
                "labelled": dict(run.grounded),
                "asked_against_rendered": agreement(run, oracle, matched=not case.labelled),
                "moved": leakage(oracle, partial(render, run, z)),
            }
            if asked.disentanglement:
                row["disentanglement"] = disentanglement(run, data)
            table["runs"][folder.name] = row
            print(folder.name, json.dumps(row), flush=True)
            (asked.out / "grounding.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
