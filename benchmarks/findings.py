r"""The bars on findings: phantoms of which a few patients or all are read, and an oracle that sees what is rendered.

    python benchmarks/findings.py --out findings                       # 64 px, 5 % and 100 %, 20 minutes each
    python benchmarks/findings.py --out findings --labelled 0.05 --minutes 4 --resolution 32 --phantoms 2000

The oracle is the classifier of findings, trained on other phantoms and the truth; its accuracy on held-out phantoms
stands in the table. Printed, and written to OUT/findings.json after every run, are, for each run: macro AUROC of a
classifier trained on synthetic images (TSTR), of one trained on the real images with the labels that the run had, and
of one trained with all labels; accuracy of a fresh probe for each finding; the largest difference between how often a
finding, or two together, were requested and how often the oracle sees them. What is done already is not done again.
"""

import argparse
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semiray.demo import draw_findings, make_finding_phantoms
from semiray.devices import choose_device
from semiray.evaluation import FindingsResult, Skipped, UtilitySettings, measure_findings, measure_probe
from semiray.evaluation.context import FRESH_SEED, TRAINING_SEED
from semiray.evaluation.judges.finding_classifiers import FindingClassifier, train_finding_classifiers
from semiray.generation import Synthetic, generate
from semiray.radiographs import RadiographSet, load_radiographs
from semiray.radiographs.phantom import PHANTOM_FINDINGS, render_findings
from semiray.settings import Settings, make_settings, merge, parse_assignment
from semiray.training import Run, RunFiles, train
from semiray.training.checkpoints import load_tensors

ORACLE_SEED, HELD_OUT_SEED, HELD_OUT = 900_001, 900_002, 1500


def drawn(count: int, resolution: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Phantoms (N, H, H) and their findings (N, 4), 0 or 1."""
    codes, findings = draw_findings(count, resolution, seed)
    return render_findings(codes, findings, resolution, seed), findings


def get_oracle(count: int, steps: int, resolution: int, store: Path) -> tuple[FindingClassifier, list[float]]:
    """The oracle, and the share of held-out phantoms in which it is right about each finding."""
    images, findings = drawn(count, resolution, ORACLE_SEED)
    how = UtilitySettings(seeds=1, steps=steps)
    (oracle,) = train_finding_classifiers(images, findings, how, store=store, device=choose_device("auto"))
    others, truth = drawn(HELD_OUT, resolution, HELD_OUT_SEED)
    return oracle, ((oracle(others) > 0.5) == truth).mean(axis=0).tolist()


def frequencies(has: NDArray[Any], names: list[str]) -> dict[str, float]:
    """How often each finding is there, and each two are together, of (N, K) 0 or 1."""
    alone = {name: float(has[:, k].mean()) for k, name in enumerate(names)}
    pairs = combinations(range(len(names)), 2)
    return alone | {f"{names[i]} and {names[j]}": float((has[:, i] * has[:, j]).mean()) for i, j in pairs}


def figures(
    run: Run,
    data: RadiographSet[Any],
    oracle: FindingClassifier,
    settings: UtilitySettings,
    looked_at: int,
    store: Path,
) -> dict[str, Any]:
    """What the bars are about."""
    split, device = run.split(data), choose_device("auto")
    images = generate(run, settings.n_synthetic, seed=TRAINING_SEED)
    fresh = generate(run, looked_at, seed=FRESH_SEED)
    shown = int(load_tensors(RunFiles(run.path).model)[1]["images"])
    found: dict[str, Any] = {"images": shown, "grounded": dict(run.grounded)}
    for labels, real in (("own", run.known(data, split)), ("all", data)):
        parts = real.take(split.train), real.take(split.test)
        measured = measure_findings(images, fresh, *parts, run.findings, settings, store=store, device=device)
        found[f"{labels} labels"] = macro(measured)
    probe = measure_probe(images.images, images.codes, fresh.images, fresh.codes, run.prior, steps=settings.steps)
    accuracy = {one.name: one.value for one in probe.conditions["clean"].dimensions}
    found["probe"] = {name: round(accuracy[f"{factor}[0]"], 4) for factor, name in run.findings.items()}
    return found | seen_by_oracle(run, fresh, oracle)


def trained(data: RadiographSet[Any], folder: Path, settings: Settings) -> Run:
    """The run in a folder, trained unless it is finished."""
    if not (folder / "finished").exists():
        train(data, folder, settings, resume=(folder / "state").exists(), on_start=print)
        (folder / "finished").touch()
    return Run.load(folder)


def macro(measured: FindingsResult | Skipped) -> dict[str, Any]:
    """The means over findings, or why there are none."""
    if isinstance(measured, Skipped):
        return {"skipped": measured.reason}
    ratio = measured.auroc_ratio
    return {
        "tstr": round(measured.tstr.auroc.mean, 4),
        "trtr": round(measured.trtr.auroc.mean, 4),
        "ratio": [round(value, 4) for value in (ratio.mean, ratio.low, ratio.high)],
        "each": {one.name: [round(side.auroc.mean, 4) for side in (one.tstr, one.trtr)] for one in measured.findings},
    }


def seen_by_oracle(run: Run, fresh: Synthetic, oracle: FindingClassifier) -> dict[str, Any]:
    """Requested against rendered."""
    names = list(run.findings.values())
    asked = fresh.codes[:, [fresh.names.index(f"{factor}[0]") for factor in run.findings]]
    seen = oracle(fresh.images)[:, [PHANTOM_FINDINGS.index(name) for name in names]] > 0.5
    requested, rendered = (frequencies(has.astype(float), names) for has in (asked, seen))
    differences = {key: round(rendered[key] - requested[key], 4) for key in requested}
    return {
        "oracle agrees": {name: round(float((asked[:, k] == seen[:, k]).mean()), 4) for k, name in enumerate(names)},
        "rendered less requested": differences,
        "largest difference": max(map(abs, differences.values())),
    }


def main() -> None:
    """Train and measure every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--labelled", type=float, nargs="+", default=[0.05, 1.0], help="shares of training patients")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--phantoms", type=int, default=6000, help="to train and test on")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--images", type=int, help="instead of minutes")
    parser.add_argument("--blanks", type=float, default=0.0)
    parser.add_argument("--disagreement", type=float, default=0.0)
    parser.add_argument("--oracle", type=int, nargs=2, default=[20_000, 3000], help="its phantoms, and steps")
    parser.add_argument("--steps", type=int, default=600, help="of classifiers and probe")
    parser.add_argument("--trainings", type=int, default=3, help="of classifiers, per side")
    parser.add_argument("--synthetic", type=int, default=6000, help="synthetic images to train on")
    parser.add_argument("--fresh", type=int, default=2000, help="synthetic images to look at")
    parser.add_argument("--set", dest="assignments", nargs="*", default=[], help="settings, such as objectives.sort=2")
    asked = parser.parse_args()
    folder = asked.out / f"phantoms-{asked.resolution}-{asked.phantoms}-{asked.blanks:g}-{asked.disagreement:g}"
    if not folder.exists():
        how = {"blanks": asked.blanks, "disagreement": asked.disagreement}
        make_finding_phantoms(folder, asked.phantoms, resolution=asked.resolution, **how)
    cache = asked.out / "cache"
    data = load_radiographs(folder, resolution=asked.resolution, cache=cache, findings="all")
    oracle, right = get_oracle(*asked.oracle, asked.resolution, cache)
    table: dict[str, Any] = {"oracle": dict(zip(PHANTOM_FINDINGS, right, strict=True))}
    print(json.dumps(table), flush=True)
    budget = {"images": asked.images} if asked.images else {"minutes": asked.minutes}
    tree: dict[str, Any] = {"resolution": asked.resolution, "data": {"findings": "all"}, **budget}
    for text in asked.assignments:
        tree = merge(tree, parse_assignment(text))
    measuring = UtilitySettings(seeds=asked.trainings, steps=asked.steps, n_synthetic=asked.synthetic)
    for share in asked.labelled:
        for seed in asked.seeds:
            name = f"labelled-{share:g}-{seed}"
            settings = make_settings({**tree, "label_fraction": share, "seed": seed})
            run = trained(data, asked.out / name, settings)
            table[name] = figures(run, data, oracle, measuring, asked.fresh, cache)
            print(name, json.dumps(table[name]), flush=True)
            (asked.out / "findings.json").write_text(json.dumps(table, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
