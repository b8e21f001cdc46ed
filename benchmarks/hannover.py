r"""Grounding on real patients: what the 71 patients of Hannover allow, cross-validated by patient.

    python benchmarks/hannover.py DATA/hannover --out hannover

Patients are dealt into folds, those who died evenly; each fold's patients are read by a run that was trained on all
others, its prior fitted to their table. The held-out readings give the AUROC for survival and the concordance for
duration (`semiray.evaluation.measure_grounding`), over pairs of patients of one fold.
Intervals are bootstraps over patients, and don't hold the chance of training: the seeds show that. `recipe` takes the
censored patients in, `ends` leaves them out. Beside both stands what the X-ray's projection tells by itself: a patient
who can't stand is taken from the front (AP), which says more of the patient's state than it should.

What is done already is not done again; the table is written to OUT/hannover.json after every run.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semiray.evaluation import ConcordanceResult, measure_concordance
from semiray.generation import encode_scores
from semiray.priors import JointPrior, fit_prior, observe, read_grounds
from semiray.radiographs import RadiographSet, Split, load_radiographs
from semiray.settings import make_settings
from train_once import train_once

CASES: dict[str, dict[str, Any]] = {
    "recipe": {"recipe": "hannover"},
    "ends": {
        "recipe": "hannover",
        "duration": {"time": "treated_days", "event": "treatment_ended", "values": {"no": None}},
    },
}
FACTORS = ("survival", "duration")


def folds(data: RadiographSet, count: int, seed: int) -> NDArray[np.int64]:
    """The fold (N,) of every image, its patient's; those who died are dealt first, so that every fold has some."""
    died = {row["patient_id"] for row in data.metadata if row["death_offset"]}
    rng = np.random.default_rng(seed)
    patients = np.unique(data.patients)
    order = sorted(rng.permutation(patients).tolist(), key=lambda patient: patient not in died)
    fold = {patient: i % count for i, patient in enumerate(order)}
    return np.array([fold[str(patient)] for patient in data.patients], np.int64)


def read_held_out(
    data: RadiographSet, case: str, fold: NDArray[np.int64], seed: int, asked: argparse.Namespace
) -> NDArray[np.float32]:
    """The leads' scores (N, 2) of all images, each read by the run that has not seen its patient."""
    read = np.full((len(data), len(FACTORS)), np.nan, np.float32)
    for k in range(asked.folds):
        train_rows, held = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        folder = asked.out / f"{case}-{seed}-{k}of{asked.folds}-{asked.resolution}px-{asked.images}"
        start = JointPrior.default()
        fitted = fit_prior(
            [data.metadata[i] for i in train_rows],
            [str(data.patients[i]) for i in train_rows],
            read_grounds(CASES[case], start),
            start,
        )
        settings = make_settings(
            {
                "resolution": asked.resolution,
                "images": asked.images,
                "seed": seed,
                "ground": CASES[case],
                "prior": fitted.prior.to_dict(),
            }
        )
        run = train_once(data, folder, settings, Split(train_rows, held[:0], held))
        columns = [run.prior.slices[name].start for name in FACTORS]
        read[held] = encode_scores(run, data.images[held])[:, columns]
    return read


def figures(
    data: RadiographSet, scores: NDArray[np.float32], case: str, fold: NDArray[np.int64] | None = None
) -> dict[str, Any]:
    """Concordance of the scores (N, 2) with what the case's rules know, of patients read by one run."""
    prior = JointPrior.default()
    rules = read_grounds(CASES[case], prior)
    seen = observe(data.metadata, [str(p) for p in data.patients], rules, prior)
    found = {}
    for j, name in enumerate(FACTORS):
        result = measure_concordance(scores[:, j], seen[name], binary=name == "survival", within=fold)
        assert isinstance(result, ConcordanceResult)
        found[name] = {
            key: round(value, 3) if isinstance(value, float) else value for key, value in vars(result).items()
        }
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options.add_argument("--folds", type=int, default=5)
    options.add_argument("--images", type=int, default=12_000, help="real images to show a run, repeats counted")
    options.add_argument("--resolution", type=int, default=64)
    options.add_argument("--out", type=Path, default=Path("hannover"))
    asked = options.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    data = load_radiographs(asked.data / "data.csv", resolution=asked.resolution, patient_column="patient_id")
    upright = np.array([row["projection"].lower() == "pa" for row in data.metadata], np.float32)
    table: dict[str, Any] = {"images": asked.images, "resolution": asked.resolution, "folds": asked.folds, "runs": {}}
    for case in asked.cases:  # upright goes with survival, and against a long treatment
        table[f"projection, {case}"] = figures(data, np.stack([upright, -upright], axis=1), case)
        print(f"projection, {case}", json.dumps(table[f"projection, {case}"]), flush=True)
    for seed in asked.seeds:
        fold = folds(data, asked.folds, seed)
        for case in asked.cases:
            read = read_held_out(data, case, fold, seed, asked)
            table["runs"][f"{case}-{seed}"] = figures(data, read, case, fold)
            print(f"{case}-{seed}", json.dumps(table["runs"][f"{case}-{seed}"]), flush=True)
            (asked.out / "hannover.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
