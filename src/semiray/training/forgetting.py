"""After training, the discriminator forgets the training patients.

By then it knows many training images by heart: its critic and its classes tell them from images of other patients. What
it has to say of *any* image can be learnt from generated ones, whose codes and classes are known. So the layers nearest
to the output begin anew, and the discriminator goes on alone, against the finished generator: `sort` and the critic see
real images as before, but the gradient penalty is large, and codes and classes are taught by generated images only. The
sorter learns from no label and no metadata of a patient; the critic is still told an image's class. Measurements:
docs/findings.md.
"""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from semiray.networks.presets import ARCHITECTURES
from semiray.priors import JointPrior
from semiray.settings import Settings
from semiray.training.game import Game, below
from semiray.training.process_group import ProcessGroup

__all__ = ["forget", "steps_to_forget"]

PENALTY, PENALTY_EVERY = 4.0, 2
SORT = 3.0  # factor on the weight of sort: codes of real images have to find their distribution again
RATE = 2.0  # factor on the learning rate at first; it falls to zero
WARM_UP = 50  # steps: Adam's second moments are noise at first
LEAST, MOST = 150, 400  # steps: fewer would harm the sorter, which begins anew, and more improve nothing


def steps_to_forget(settings: Settings, steps: int) -> int:
    """How many steps follow a training of `steps`.

    None after a short one, which knows little by heart, and none where images of a batch depend on each other: a large
    penalty was tried without that only.
    """
    if ARCHITECTURES[settings.networks.architecture][1].couples_images:
        return 0
    wanted = int(settings.optimisation.forget * steps)
    return min(MOST, wanted) if wanted >= LEAST else 0


def forget(
    model: Mapping[str, Tensor],
    settings: Settings,
    prior: JointPrior,
    classes: int,
    grounded: tuple[int, ...],
    batches: Iterator[tuple[Tensor, Tensor]],
    steps: int,
    device: torch.device,
    group: ProcessGroup | None = None,
    on_step: Callable[[int, Mapping[str, Tensor]], bool] = lambda *_: True,
) -> dict[str, Tensor] | None:
    """The tensors of a run's model, with a discriminator that has forgotten.

    Args:
        model: the tensors of model.safetensors.
        settings: those of the run.
        prior: that of the run.
        classes: number of classes, 0 without labels.
        grounded: the columns of the codes that metadata ground.
        batches: real images (B, H, W) uint8 and their labels (B,), of this process.
        steps: how many batches are taken.
        device: where to compute.
        group: the processes that train together; None for this one alone.
        on_step: called after each step with their number and its losses; whether to go on.

    Returns:
        The model; None if `on_step` stopped it.
    """
    torch.manual_seed(settings.seed)
    changes = {"penalty": PENALTY, "penalty_every": PENALTY_EVERY, "sort": SORT * settings.objectives.sort}
    settings = settings.model_copy(update={"objectives": settings.objectives.model_copy(update=changes)})
    game = Game(settings, prior, classes, device, grounded, group)
    game.average.load_state_dict(below(dict(model), "generator."))
    old, new = below(dict(model), "discriminator."), game.discriminator.state_dict()
    game.discriminator.load_state_dict(
        {name: new[name] if name.split(".")[0] in game.discriminator.last else old[name] for name in new}
    )
    for step in range(steps):
        images, labels = next(batches)
        losses = game.relearn(images, labels, RATE * min(1.0, (step + 1) / WARM_UP) * (1 - step / steps))
        if not on_step(step + 1, losses):
            return None
    changed = {f"discriminator.{name}": tensor for name, tensor in game.discriminator.state_dict().items()}
    return {**model, **changed}
