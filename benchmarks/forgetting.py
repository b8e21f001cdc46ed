r"""What a run's discriminator knows of its training patients by heart, before and after it forgets them.

Printed are the AUROC of two membership attacks (the critic; the log probability of the known class), the accuracy of
the sorter's classes on held-out patients and on training images, and how far its codes of held-out patients are from
the prior (mean Kolmogorov-Smirnov distance of scores): of the run as it is, then of the run after `forget` of so many
steps. Training ends with such steps itself; a run that was trained with optimisation.forget=0 shows the difference.

    python benchmarks/forgetting.py RUN DATA/kermany --label-from 'NORMAL|virus|bacteria' \
        --patient-from '(person\d+)' --steps 150 300 600
"""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import semiray
from semiray.evaluation.judgements.sorting import ks_to_uniform
from semiray.evaluation.statistics.ranking import Ranking
from semiray.generation.encoding import discriminate
from semiray.pretrained.packing import unpack
from semiray.radiographs import ImageArray, RadiographSet
from semiray.training import Run, RunFiles, run_prior
from semiray.training.checkpoints import load_tensors
from semiray.training.forgetting import MOST, forget
from semiray.training.game import below


class Side(NamedTuple):
    """What the discriminator says of N images of known class."""

    critic: NDArray[np.float32]
    likelihood: NDArray[np.float32]
    right: NDArray[np.bool_]
    scores: NDArray[np.float32]


def look(run: Run, data: RadiographSet[ImageArray]) -> Side:
    """The discriminator's output for images."""
    parts = []
    for part, output in discriminate(run, np.asarray(data.images), data.labels):
        chances, labels = output.classes.log_softmax(dim=1).numpy(), data.labels[part]
        known = chances[np.arange(len(labels)), labels]
        parts.append((output.critic.numpy(), known, chances.argmax(1) == labels, output.scores.numpy()))
    return Side(*map(np.concatenate, zip(*parts, strict=True)))


def auroc(members: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Area under the ROC curve of an attack's scores."""
    scores = np.concatenate([members, others])
    ranking = Ranking(np.arange(len(scores)) < len(members), scores, np.ones((1, len(scores))))
    return float(ranking.auroc()[0])


def describe(run: Run, train: RadiographSet[ImageArray], held_out: RadiographSet[ImageArray]) -> str:
    """Both attacks, accuracy, and distance to the prior."""
    members, others = look(run, train), look(run, held_out)
    uniform = torch.special.ndtr(torch.from_numpy(others.scores).double()).numpy()
    distance = ks_to_uniform(np.sort(uniform.T, axis=1)).mean()
    return (
        f"critic {auroc(members.critic, others.critic):.3f}, "
        f"classes {auroc(members.likelihood, others.likelihood):.3f}, "
        f"accuracy {others.right.mean():.3f} (training images {members.right.mean():.3f}), "
        f"Kolmogorov-Smirnov {distance:.3f}"
    )


def shuffled(data: RadiographSet[ImageArray], batch: int, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of images and labels without end, drawn with replacement."""
    draws = np.random.default_rng(seed)
    while True:
        rows = draws.integers(len(data.labels), size=batch)
        yield torch.from_numpy(np.asarray(data.images[rows])), torch.from_numpy(data.labels[rows])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run")
    options.add_argument("data")
    options.add_argument("--label-from")
    options.add_argument("--patient-from")
    options.add_argument("--steps", type=int, nargs="+", default=[MOST])
    asked = options.parse_args()
    reading = {"label_from": asked.label_from, "patient_from": asked.patient_from}
    run = Run.load(asked.run, "cpu")
    data = semiray.load_radiographs(
        asked.data, resolution=run.resolution, **{name: value for name, value in reading.items() if value}
    )
    if not run.classes or data.classes != run.classes or run.grounded:
        raise SystemExit("the run needs classes, those of DATA, and no grounded factor")
    split = run.split(data)
    train, held_out = data.take(data.labelled(split.train)), data.take(data.labelled(split.test))
    print("before:", describe(run, train, held_out))
    tensors, cpu = unpack(load_tensors(RunFiles(run.path).model)[0]), torch.device("cpu")
    for steps in asked.steps:
        batches = shuffled(train, run.settings.optimisation.batch)
        forgot = forget(tensors, run.settings, run_prior(run.settings), len(run.classes), (), batches, steps, cpu)
        assert forgot is not None
        run.discriminator.load_state_dict(below(forgot, "discriminator."))
        print(f"{steps} steps:", describe(run, train, held_out), flush=True)


if __name__ == "__main__":
    main()
