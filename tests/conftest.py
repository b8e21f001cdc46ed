"""Fixtures that several rooms share: processes that can be killed, small sets and runs."""

import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semiray.networks import NetworkShape, build_networks
from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet, Split, split_by_patient
from semiray.settings import make_settings
from semiray.training import Run

Killable = Callable[[Sequence[object] | str, float | None], int | None]


@pytest.fixture(scope="session")
def killable() -> Killable:
    """(words after `semiray` or Python code, seconds or None) -> exit code; -9 if killed after so many seconds.

    The processes are forked from a server that has imported everything, so that a moment is one of the work.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["semiray.cli", "semiray.evaluation", "semiray.commands.console", "torch.utils.tensorboard"]
    )

    def run(work: Sequence[object] | str, seconds: float | None) -> int | None:
        if not isinstance(work, str):
            work = f"import sys; from semiray.cli import main; sys.exit(main({[str(word) for word in work]!r}))"
        process = context.Process(target=exec, args=(work, {}))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
        return process.exitcode

    return run


CLASSES = ("dark", "middle", "bright")
SIDE = 32


def make_set(
    n: int = 90, *, classes: tuple[str, ...] = CLASSES, seed: int = 0, per_patient: int = 2, prefix: str = "real"
) -> RadiographSet:
    """Noisy flat images whose brightness is their class; two images a patient."""
    rng = np.random.default_rng(seed)
    patients = np.array([f"p{i // per_patient}" for i in range(n)])
    labels = np.array([(i // per_patient) % len(classes) for i in range(n)], np.int64)
    grey = 60 + 120 * labels / max(len(classes) - 1, 1)
    images = np.clip(grey[:, None, None] + rng.normal(0, 20, (n, SIDE, SIDE)), 0, 255).astype(np.uint8)
    keys = tuple(f"{prefix}/{i:03d}.png" for i in range(n))
    return RadiographSet(images, labels, classes, patients, keys, ({},) * n, f"fingerprint-{prefix}-{seed}")


def make_run(
    folder: Path, data: RadiographSet, classes: tuple[str, ...] = CLASSES, prior: JointPrior | None = None
) -> tuple[Run, Split]:
    """What a run is to this room, with networks that learned nothing, and a true split on disk."""
    prior = prior or JointPrior.default()
    torch.manual_seed(0)
    shape = NetworkShape(SIDE, prior.dimensions, len(classes), noise=16, width=8, widest=32, embedding=8)
    generator, discriminator = build_networks("residual", shape)
    split = split_by_patient(data, seed=3)
    folder.mkdir(exist_ok=True)
    split.save(folder / "split.json", data.keys)
    run = Run(
        path=folder,
        settings=make_settings({"resolution": SIDE}),
        prior=prior,
        classes=classes,
        generator=generator.eval(),
        discriminator=discriminator.eval(),
        data={"fingerprint": data.fingerprint},
    )
    return run, split


@pytest.fixture(scope="session")
def real() -> RadiographSet:
    return make_set()


@pytest.fixture(scope="session")
def set_maker() -> Any:
    return make_set


@pytest.fixture(scope="session")
def run_maker() -> Any:
    return make_run
