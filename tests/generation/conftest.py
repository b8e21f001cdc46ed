from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from semiray.networks import build_networks
from semiray.priors import JointPrior
from semiray.radiographs import load_radiographs
from semiray.settings import make_settings
from semiray.training import Run, network_shape, train

SMALL: dict[str, Any] = {
    "resolution": 32,
    "images": 8 * 30,
    "networks": {"noise": 16, "width": 8, "widest": 32, "embedding": 8},
    "optimisation": {"batch": 8, "average": 5.0},
}


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey pictures, 36 in a folder a class; classes differ in their gradient."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    ramp = np.linspace(60, 190, 40)
    for name, shade in {"bacteria": ramp[None, :], "normal": ramp[:, None], "virus": ramp[::-1, None]}.items():
        (root / name).mkdir()
        for i in range(36):
            pixels = np.broadcast_to(shade, (40, 40)) + rng.normal(0, 10, (40, 40)) + rng.normal(0, 20)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / name / f"{i:02d}.png")
    return root


@pytest.fixture(scope="session")
def run(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of thirty steps, as training leaves it."""
    folder = tmp_path_factory.mktemp("training")
    data = load_radiographs(data_folder, resolution=32, cache=folder / "cache")
    return train(data, folder / "run", make_settings(SMALL), device="cpu")


def untrained_run(
    classes: tuple[str, ...] = ("bacteria", "normal", "virus"),
    *,
    prior: JointPrior | None = None,
    architecture: str = "residual",
) -> Run:
    """A run whose networks have learned nothing."""
    settings = make_settings({**SMALL, "networks": {**SMALL["networks"], "architecture": architecture}})
    prior = prior or JointPrior.default()
    torch.manual_seed(0)
    generator, discriminator = build_networks(architecture, network_shape(settings, prior, len(classes)))
    return Run(Path("RUN"), settings, prior, classes, generator.eval(), discriminator.eval())


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Run]:
    return untrained_run


@pytest.fixture(scope="session")
def unlabelled_run() -> Run:
    return untrained_run(())
