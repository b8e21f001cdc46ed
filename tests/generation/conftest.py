from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from semiray.networks import NetworkShape, build_networks
from semiray.priors import JointPrior


def untrained_run(classes: tuple[str, ...] = ("normal", "virus", "bacteria"), **options: Any) -> Any:
    """What a run is to this room, with networks that learned nothing."""
    prior = options.get("prior", JointPrior.default())
    torch.manual_seed(0)
    shape = NetworkShape(32, prior.dimensions, len(classes), noise=16, width=8, widest=32, embedding=8)
    generator, discriminator = build_networks(options.get("architecture", "residual"), shape)
    with torch.no_grad():  # codes and noise that are plain to see
        for parameter in generator.parameters():
            parameter.mul_(1.5)
    return SimpleNamespace(
        path=Path("RUN"),
        prior=prior,
        classes=classes,
        resolution=32,
        generator=generator.eval(),
        discriminator=discriminator.eval(),
    )


@pytest.fixture(scope="session")
def run() -> Any:
    return untrained_run()


@pytest.fixture(scope="session")
def unlabelled_run() -> Any:
    return untrained_run(())


@pytest.fixture(scope="session")
def make_run() -> Any:
    return untrained_run
