"""Play short games, alone or in a group, and keep their losses: run by torchrun from the tests."""

import json
import sys
from pathlib import Path

import torch

from semiray.priors import JointPrior
from semiray.settings import make_settings
from semiray.training import Game
from semiray.training.grounding import ObservedBatch
from semiray.training.process_group import ProcessGroup, join_process_group
from semiray.training.trainer import WARM_UP_STEPS


def play(tree: dict[str, object], grounded: bool, group: ProcessGroup) -> list[dict[str, object]]:
    """The losses of 8 steps in which the discriminator relearns, and of 50 of another game."""
    settings = make_settings(tree)
    batch, side = settings.optimisation.batch, settings.resolution
    torch.manual_seed(0)
    columns = (0, 5) if grounded else ()
    forgetful, game = (Game(settings, JointPrior.default(), 3, torch.device("cpu"), columns, group) for _ in range(2))
    draws = torch.Generator().manual_seed(1)
    images, rows = torch.randint(0, 256, (4 * batch, side, side), generator=draws).to(torch.uint8), group.rows(batch)
    values = torch.randn(5, 2, generator=draws)
    observed = ObservedBatch(images[:5], values, values, torch.ones(5, 2)) if grounded else None
    history = []
    for _ in range(8):
        losses = forgetful.relearn(images[:batch][rows], torch.arange(batch)[rows] % 3)
        history.append({name: value.tolist() for name, value in losses.items()})
    for step in range(50):
        real, labels = images.roll(-step * batch, 0)[:batch], (torch.arange(batch) + step) % 3
        losses = game.step(real[rows], labels[rows], min(1.0, (step + 1) / WARM_UP_STEPS), observed)
        history.append({name: value.tolist() for name, value in losses.items()})
    return history


def main(games: list[tuple[dict[str, object], bool]], out: Path) -> None:
    with join_process_group() as group:
        histories = [play(tree, grounded, group) for tree, grounded in games]
        if group.leads:
            out.write_text(json.dumps(histories), encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), Path(sys.argv[2]))
