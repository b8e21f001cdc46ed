"""Training until validation patients stop improving: one rule for whatever a classifier learns from.

With a fixed number of steps a comparison measures the schedule: what is learned slowly, such as augmented images, is
cut short, and what is learned soon is learned by heart. Here each training ends where its own validation says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from semiray.networks.classifier import WEIGHT_DECAY

__all__ = ["Stopped", "fit_until_best"]

EVERY = 50  # steps between two looks at the validation patients
WARM_UP = 100  # steps
LEAST = 300  # steps; before them, the average is that of hardly trained weights
DECAY = 0.5 ** (1 / 100)  # of the average over weights: half in 100 steps


@dataclass(frozen=True)
class Stopped:
    """How long a training took.

    Attributes:
        steps: Batches.
        best: Batches after which its validation patients did best; those weights are kept. 0: those it started with.
    """

    steps: int
    best: int


def fit_until_best(
    network: nn.Module,
    loss: Callable[[], Tensor],
    validate: Callable[[nn.Module], float],
    *,
    ceiling: int,
    patience: int,
    learning_rate: float,
) -> Stopped:
    """Train a network in place, and leave it, in evaluation mode, with the weights that validated best.

    AdamW at a constant step size after a warm-up; what is validated and kept is a moving average of weights and of
    batch statistics, which does without a schedule that would have to know the end (Polyak and Juditsky 1992, doi
    10.1137/0330046).

    Args:
        network: Any classifier.
        loss: Gives the loss of a fresh batch.
        validate: The validation loss of a network in evaluation mode.
        ceiling: Steps at most.
        patience: Steps without a smaller validation loss after which training ends, counted from step 300 on.
        learning_rate: Of AdamW.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=WEIGHT_DECAY)
    average = AveragedModel(network, multi_avg_fn=_average, use_buffers=True).eval()
    network.train()
    least, best, weights = validate(average.module), 0, _copy(average.module)
    for step in range(1, ceiling + 1):
        optimizer.param_groups[0]["lr"] = learning_rate * min(1.0, step / WARM_UP)
        error = loss()
        optimizer.zero_grad(set_to_none=True)
        error.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        average.update_parameters(network)
        if step % EVERY == 0 or step == ceiling:
            found = validate(average.module)
            if found < least:
                least, best, weights = found, step, _copy(average.module)
            elif step - max(best, LEAST) >= patience:
                break
    network.load_state_dict(weights)
    network.eval()
    return Stopped(step, best)


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: part.clone() for name, part in network.state_dict().items()}


@torch.no_grad()
def _average(averaged: Any, newest: Any, count: Tensor | int) -> None:
    """A moving average that forgets the initial weights sooner."""
    decay = min(DECAY, (1 + int(count)) / (10 + int(count)))
    get_ema_multi_avg_fn(decay)(averaged, newest, count)  # type: ignore[no-untyped-call]
