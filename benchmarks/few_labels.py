r"""What does a generator that saw few labels know of its classes? Runs with `label_fraction`.

    semiray train DATA/kermany --label-from 'NORMAL|virus|bacteria' --patient-from '(person\d+)' \
        --label-fraction 0.05 --images 140000 --seed 0 --out few-0
    python benchmarks/few_labels.py few-0 few-1 DATA/kermany --label-from 'NORMAL|virus|bacteria' \
        --patient-from '(person\d+)' --out few-labels

Printed, and written to OUT/few_labels.json, are balanced accuracy and AUROC on held-out patients of classifiers that
learned from `all` labels (the ceiling), from the run's `few`, from real images with classes as the run draws them
(`drawn`: what the generator is taught), or from `synthetic` images alone, and

- `seen`: balanced accuracy with which classifiers of all labels find the requested class in generated images;
- `estimates`: that of the classes that the run estimated for its training images without a label, `taught` that of the
  classifiers of synthetic images there, `both` that of their product.

Whether its images help is what `semiray evaluate few-0 DATA/kermany` says.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score

from semiray.devices import choose_device
from semiray.evaluation import Classifier, UtilitySettings
from semiray.evaluation.context import FRESH_SEED, TRAINING_SEED
from semiray.evaluation.judges.store import train_classifiers
from semiray.evaluation.statistics.ranking import Ranking
from semiray.generation import generate
from semiray.radiographs import ImageArray, RadiographSet, load_radiographs
from semiray.training import Run, RunFiles
from semiray.training.checkpoints import load_tensors
from semiray.training.classes.labels import TrainingLabels, decide

Floats = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]


def balanced_accuracy(chances: Floats, labels: Labels) -> float:
    """Of the likeliest classes by probabilities (N, K), against labels (N,)."""
    return float(balanced_accuracy_score(labels, chances.argmax(axis=1)))


def auroc(chances: Floats, labels: Labels) -> float:
    """Mean over classes of the area under the ROC curve, each class against all others; arguments as above."""
    ones = np.ones((1, len(labels)))
    areas = [Ranking(labels == k, chances[:, k], ones).auroc()[0] for k in np.unique(labels)]
    return float(np.mean(areas))


def scores(judges: list[Classifier], images: ImageArray, labels: Labels) -> list[float]:
    """Balanced accuracy and AUROC, each the mean over classifiers."""
    chances = [judge.predict_probabilities(np.asarray(images)) for judge in judges]
    return [float(np.mean([figure(one, labels) for one in chances])) for figure in (balanced_accuracy, auroc)]


def drawn_labels(run: Run, known: Labels, estimates: NDArray[np.float32]) -> Labels:
    """Classes (N,) as the run's training draws them once: the labels that are known, and from estimates (N, K)."""
    drawn, unknown = estimates.copy(), known < 0
    drawn[unknown] = decide(estimates[unknown])
    return TrainingLabels(known, drawn, run.settings.seed).once().numpy()


def figures(run: Run, data: RadiographSet[ImageArray], settings: UtilitySettings, store: Path) -> dict[str, Any]:
    """Of one run, all but the benefit."""
    split, count, device = run.split(data), len(run.classes), choose_device("auto")
    known = run.known(data, split)
    labelled, train, test = known.labelled(split.train), data.labelled(split.train), data.labelled(split.test)
    rows = np.searchsorted(run.trained_on(data, split), train)
    estimates = load_tensors(RunFiles(run.path).estimates)[0]["classes"].numpy()[rows]
    made = generate(run, settings.n_synthetic, seed=TRAINING_SEED)
    fresh = generate(run, settings.n_synthetic, seed=FRESH_SEED)
    sources = {
        "all": (np.asarray(data.images[train]), data.labels[train]),
        "few": (np.asarray(data.images[labelled]), data.labels[labelled]),
        "drawn": (np.asarray(data.images[train]), drawn_labels(run, known.labels[train], estimates)),
        "synthetic": (made.images, made.labels),
    }
    judges = {
        name: train_classifiers(images, labels, count, settings, store=store, device=device)
        for name, (images, labels) in sources.items()
    }
    found: dict[str, Any] = {"labelled images": len(labelled), "of": len(train)}
    for name, those in judges.items():
        found[name] = scores(those, data.images[test], data.labels[test])
    found["seen"] = scores(judges["all"], fresh.images, fresh.labels)[0]
    hidden = known.labels[train] < 0
    images, truth = np.asarray(data.images[train[hidden]]), data.labels[train[hidden]]
    taught = np.mean([judge.predict_probabilities(images) for judge in judges["synthetic"]], axis=0)
    both = np.log(estimates[hidden].clip(1e-6)) + np.log(taught.clip(1e-6))
    for name, chances in (("estimates", estimates[hidden]), ("taught", taught), ("both", both)):
        found[name] = balanced_accuracy(chances, truth)
    return found


def main() -> None:
    """Measure every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("data", type=Path)
    parser.add_argument("--label-from")
    parser.add_argument("--patient-from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300, help="of a classifier")
    parser.add_argument("--trainings", type=int, default=3, help="of classifiers, per source")
    parser.add_argument("--synthetic", type=int, default=3000, help="synthetic images to train on")
    asked = parser.parse_args()
    reading = {"label_from": asked.label_from, "patient_from": asked.patient_from}
    reading = {name: value for name, value in reading.items() if value}
    settings = UtilitySettings(seeds=asked.trainings, steps=asked.steps, n_synthetic=asked.synthetic)
    table: dict[str, Any] = {}
    store = asked.out / "cache"
    store.mkdir(parents=True, exist_ok=True)
    for path in asked.runs:
        run = Run.load(path)
        if not RunFiles(run.path).estimates.exists():
            raise SystemExit(f"{path} estimated no class: it needs classes, and to use images without a label")
        data = load_radiographs(asked.data, resolution=run.resolution, cache=store, **reading)
        table[str(path)] = figures(run, data, settings, store)
        print(path, json.dumps(table[str(path)]), flush=True)
        (asked.out / "few_labels.json").write_text(json.dumps(table, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
