"""Play a short game, alone or in a team, and keep its losses: run by torchrun from the tests."""

import json
import sys
from pathlib import Path

import torch

from semiray.priors import JointPrior
from semiray.settings import make_settings
from semiray.training import Game
from semiray.training.grounding import Known
from semiray.training.loop import WARM_UP_STEPS
from semiray.training.team import join_team


def main(tree: dict[str, object], classes: int, grounded: bool, steps: int, out: Path) -> None:
    settings = make_settings(tree)
    batch = settings.optimisation.batch
    with join_team() as team:
        torch.manual_seed(0)
        columns = (0, 5) if grounded else ()
        game = Game(settings, JointPrior.default(), classes, torch.device("cpu"), columns, team)
        draws = torch.Generator().manual_seed(1)
        pixels = torch.randint(0, 256, (4 * batch, settings.resolution, settings.resolution), generator=draws)
        images, rows = pixels.to(torch.uint8), team.rows(batch)
        values = torch.randn(5, 2, generator=draws)
        known = Known(images[:5], values, values, torch.ones(5, 2)) if grounded else None
        history = []
        for step in range(steps):
            real = images.roll(-step * batch, 0)[:batch]
            labels = (torch.arange(batch) + step) % max(1, classes)
            rate = min(1.0, (step + 1) / WARM_UP_STEPS)
            losses = game.step(real[rows], labels[rows], rate, known)
            history.append({name: value.tolist() for name, value in losses.items()})
        if team.leads:
            out.write_text(json.dumps(history), encoding="utf-8")


if __name__ == "__main__":
    tree, classes, grounded, steps, out = sys.argv[1:]
    main(json.loads(tree), int(classes), bool(int(grounded)), int(steps), Path(out))
