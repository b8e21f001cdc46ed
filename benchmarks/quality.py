r"""The bars on real data: train each preset for the same minutes over several seeds, evaluate, and tabulate.

    python benchmarks/quality.py DATA --label-from 'NORMAL|virus|bacteria' --patient-from '(person\d+)' --out quality
    python benchmarks/quality.py DATA ... --presets default --set objectives.sort=0 --out unsorted  # what sort is for

Each run is what `semiray train` and `semiray evaluate` do. What is done already is not done again: a run that was
interrupted goes on, so that the whole (36 minutes a run on 2 cores) can be spread over several sittings. The table is
written to OUT/quality.json after every run.
"""

import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

import semiray


def measure(folder: Path, data: Path, reading: list[str], asked: argparse.Namespace, preset: str, seed: int) -> None:
    """Train and evaluate one run, unless its report lies there."""
    run, proof = folder / f"{preset}-{seed}", folder / f"{preset}-{seed}-proof"
    choice = ["--images", str(asked.budget)] if asked.budget else ["--minutes", str(asked.minutes)]
    choice += ["--preset", preset, "--seed", str(seed), "--resolution", str(asked.resolution)]
    choice += [word for change in asked.changes for word in ("--set", change)]
    begun = folder / f"{preset}-{seed}.json"  # beside the run, whose folder must be new when it begins
    if run.exists() and not (begun.exists() and json.loads(begun.read_text(encoding="utf-8")) == choice):
        raise SystemExit(f"{run} was begun with other options, see {begun}: take another --out")
    if (proof / "report.json").exists():  # an older report may lack judgements that were added since
        report = json.loads((proof / "report.json").read_text(encoding="utf-8"))
        if {"probe", "energy", "content"} <= set(report.get("judgements", ())):
            return
    command = [sys.executable, "-m", "semiray"]
    if not (run / "finished").exists():
        folder.mkdir(parents=True, exist_ok=True)
        begun.write_text(json.dumps(choice) + "\n", encoding="utf-8")
        goes_on = ["--resume"] if (run / "state").exists() else choice
        subprocess.run([*command, "train", str(data), "--out", str(run), *reading, *goes_on], check=True)
        (run / "finished").touch()
    shorter = ["--quick", "--no-benefit"] if asked.quick else []
    subprocess.run([*command, "evaluate", str(run), str(data), "--out", str(proof), *shorter], check=True)


def figures(report: dict[str, Any], log: Path) -> dict[str, Any]:
    """The bars' figures of one report: means over a factor's dimensions, of probe and effect the lowest dimension."""
    last = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    found = report["judgements"]
    utility, fidelity, privacy = found["utility"], found["fidelity"], found["privacy"]
    tstr, trtr = utility["tstr"], utility["trtr"]
    return {
        "images": last["images"],
        "seconds": round(last["seconds"]),
        "tstr": tstr["balanced_accuracy"]["mean"],
        "trtr": trtr["balanced_accuracy"]["mean"],
        "ratio": utility["ratio"],
        "auroc_ratio": round(tstr["auroc"]["mean"] / trtr["auroc"]["mean"], 4),
        "coverage": {key: round(fidelity["measures"]["coverage"][key], 4) for key in ("value", "real")},
        "commitment": rounded(found["commitment"]["means"]),
        "sorting": rounded(found["sorting"]["means"]),
        "probe": {name: lowest(one) for name, one in found["probe"]["conditions"].items()},
        "effect": lowest(found["effect"]),
        "content": {one["name"]: rounded(one["share"]) for one in found["content"]["factors"]},
        "pairs": rounded(found["content"]["pairs"]),
        "energy": {key: round(found["energy"][key], 4) for key in ("statistic", "floor", "ratio", "p_value")},
        "correlation": round(found["correlation"]["mean_absolute_difference"], 4),
        "copied": privacy["copies"]["copied"],
        "membership": {box: rounded(privacy[box]["auroc"]) for box in ("black_box", "white_box")},
        "authenticity": {
            one["space"]: {side: round(one[side]["authenticity"]["mean"], 4) for side in ("synthetic", "held_out")}
            for one in privacy["authenticity"]
        },
    }


def rounded(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers with four decimals; the rest as it is."""
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}


def lowest(result: dict[str, Any]) -> dict[str, float]:
    """The lowest of each factor's dimensions."""
    found: dict[str, float] = {}
    for one in result["dimensions"]:
        factor = one["name"].partition("[")[0]
        found[factor] = round(min(found.get(factor, one["value"]), one["value"]), 4)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--label-from")
    options.add_argument("--patient-from")
    options.add_argument("--presets", nargs="+", default=["default", "study"])
    options.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--budget", type=int, help="images to show a run, in place of minutes: for a shared machine")
    options.add_argument("--resolution", type=int, default=64)
    options.add_argument("--set", nargs="*", default=[], dest="changes", help="settings, such as objectives.sort=0")
    options.add_argument(
        "--quick", action="store_true", help="evaluate shortly, without benefit: to compare two states"
    )
    options.add_argument("--out", type=Path, default=Path("quality"))
    asked = options.parse_args()
    reading: list[str] = []
    for name, value in (("--label-from", asked.label_from), ("--patient-from", asked.patient_from)):
        reading += [name, value] if value else []
    rows: dict[str, Any] = {}
    for seed in asked.seeds:
        for preset in asked.presets:
            measure(asked.out, asked.data, reading, asked, preset, seed)
            run = asked.out / f"{preset}-{seed}"
            report = json.loads((asked.out / f"{preset}-{seed}-proof" / "report.json").read_text(encoding="utf-8"))
            rows[run.name] = figures(report, run / "log.jsonl")
            print(run.name, json.dumps(rows[run.name]), flush=True)
            table = {
                "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
                "versions": {"semiray": semiray.__version__, "torch": torch.__version__},
                "minutes": None if asked.budget else asked.minutes,
                "budget": asked.budget,
                "quick": asked.quick,
                "settings": asked.changes,
                "resolution": asked.resolution,
                "runs": rows,
            }
            (asked.out / "quality.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
