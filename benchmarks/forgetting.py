r"""What a run's discriminator forgets of its training patients, if it goes on against a generator that stays as it is.

The gradient penalty is larger than in training, so that the critic can't stay sharp about single images. Images don't
change: the generator isn't trained. Printed are, before and after, the AUROC of two membership attacks (the critic; the
log probability of the known class), the accuracy of the sorter's classes on held-out patients and on training images,
and how far its codes of held-out patients are from the prior (mean Kolmogorov-Smirnov distance of scores).

    python benchmarks/forgetting.py kermany-64 DATA/kermany --label-from 'NORMAL|virus|bacteria' \
        --patient-from '(person\d+)'
"""

import argparse
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import semiray
from semiray.evaluation.judgements.sorting import ks_to_uniform
from semiray.evaluation.statistics.ranking import Ranking
from semiray.generation.encoding import discriminate
from semiray.radiographs import ImageArray, RadiographSet
from semiray.training import Run
from semiray.training.codes import RequestedCodes
from semiray.training.game import Game

WARM_UP = 50  # steps: Adam's second moments are noise at first
BATCH = 32


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


def forget(run: Run, images: Tensor, labels: Tensor, steps: int, penalty: float, seed: int = 0) -> None:
    """Train a run's discriminator for some steps with a larger penalty, on every second of them."""
    torch.manual_seed(seed)
    game = Game(run.settings, run.prior, len(run.classes), torch.device("cpu"))
    game.discriminator.load_state_dict(run.discriminator.state_dict())
    game.objectives = run.settings.objectives.model_copy(update={"penalty": penalty, "penalty_every": 2})
    for step in range(steps):
        rate = min(1.0, (step + 1) / WARM_UP) * (1 - step / steps)
        for group in game.discriminator_optimiser.param_groups:
            group["lr"] = rate * run.settings.optimisation.learning_rate
        chosen = torch.randint(len(images), (BATCH,))
        scores = run.prior.sample_scores(BATCH)
        codes = run.prior.standardise(run.prior.codes(scores))
        with torch.no_grad(), game.autocast:
            generated = run.generator(torch.randn(BATCH, game.generator.shape.noise), codes, labels[chosen])
        game.steps = step + 1
        game._move_discriminator(images[chosen], generated, RequestedCodes(codes, scores), labels[chosen], None)
    run.discriminator.load_state_dict(game.discriminator.state_dict())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run")
    options.add_argument("data")
    options.add_argument("--label-from")
    options.add_argument("--patient-from")
    options.add_argument("--steps", type=int, default=300)
    options.add_argument("--penalty", type=float, nargs="+", default=[4.0])
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
    for penalty in asked.penalty:
        run = Run.load(asked.run, "cpu")
        forget(run, torch.from_numpy(np.asarray(train.images)), torch.from_numpy(train.labels), asked.steps, penalty)
        print(f"{asked.steps} steps, penalty {penalty:g}:", describe(run, train, held_out), flush=True)


if __name__ == "__main__":
    main()
