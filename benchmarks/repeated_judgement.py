r"""Does a judgement hold when it is made again? TSTR with other seeds, against the first judgement's interval.

    python benchmarks/repeated_judgement.py RUN DATA --out repeated.json

Every repetition generates other images, of another seed, and trains the judge on them with other seeds; run, real test
patients and settings stay. So the means differ by the chance of generated images and of training, of which an interval
from few trainings knows little; they share the test patients, whose chance it holds, too. DATA is read as RUN was
trained. One process a core, each on one thread; what is done is not done again.
"""

import argparse
import hashlib
import io
import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score

from semiray.evaluation import train_classifier
from semiray.evaluation.held_out import sides_of_run
from semiray.evaluation.parts import labelled_parts
from semiray.evaluation.statistics.classification import score_predictions
from semiray.evaluation.statistics.intervals import PatientBootstrap
from semiray.files import write_whole
from semiray.generation import generate
from semiray.radiographs import RadiographSet
from semiray.training import Run


def read_test(run: Run, data: Path) -> RadiographSet:
    images = run.load_data(data)
    return labelled_parts(run.classes, images, sides_of_run(run, images).split)[1]


def judge_once(path: Path, data: Path, repetition: int, asked: dict[str, int]) -> NDArray[np.float32]:
    """Probabilities (S, T, C) of the test images by S classifiers trained on this repetition's images."""
    torch.set_num_threads(1)
    run = Run.load(path)
    test = read_test(run, data)
    made = generate(run, asked["images"], seed=910_000 + repetition)
    return np.stack(
        [
            train_classifier(
                made.images,
                made.labels,
                n_classes=len(run.classes),
                seed=1000 * repetition + seed,
                steps=asked["steps"],
            ).predict_probabilities(np.asarray(test.images))
            for seed in range(asked["seeds"])
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("repeated.json"))
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--images", type=int, default=6000)
    asked = parser.parse_args()
    how = {"seeds": asked.seeds, "steps": asked.steps, "images": asked.images}
    run = [str(asked.run.resolve()), str(asked.data.resolve()), *how.items()]
    store = asked.out.with_name(f"{asked.out.stem}-{hashlib.sha256(json.dumps(run).encode()).hexdigest()[:8]}")
    store.mkdir(parents=True, exist_ok=True)
    test = read_test(Run.load(asked.run), asked.data)
    repetitions = range(asked.repetitions + 1)  # the first of them is the judgement that the others are held against
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        waiting = {
            r: pool.submit(judge_once, asked.run, asked.data, r, how)
            for r in repetitions
            if not (store / f"{r}.npy").exists()
        }
        for r, future in waiting.items():
            buffer = io.BytesIO()
            np.save(buffer, future.result())
            write_whole(store / f"{r}.npy", buffer.getvalue())
            print(f"repetition {r} is done", flush=True)
    predicted = [np.load(store / f"{r}.npy") for r in repetitions]
    bootstrap = PatientBootstrap(test.patients, test.labels, n_seeds=asked.seeds, resamples=1000, seed=0)
    first = score_predictions(
        list(predicted[0]), test.labels, test.classes, bootstrap, n_train=asked.images, patients=test.patients
    ).balanced_accuracy
    means = [float(np.mean([balanced_accuracy_score(test.labels, p.argmax(1)) for p in one])) for one in predicted[1:]]
    inside = [first.low <= mean <= first.high for mean in means]
    print(f"first: {first.mean:.3f} ({first.low:.3f} to {first.high:.3f}), trainings {np.round(first.seeds, 3)}")
    print(f"others: {np.round(means, 3)}; standard deviation {np.std(means, ddof=1):.4f}")
    print(f"inside the first interval: {sum(inside)} of {len(inside)}")
    result = {"first": [first.mean, first.low, first.high], "means": means, "inside": sum(inside), **how}
    asked.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
