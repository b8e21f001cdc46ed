from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch

from semiray.evaluation import BenefitSettings, protocol, report, report_schema
from semiray.networks import NetworkShape, build_networks
from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet, Split, split_by_patient
from semiray.settings import make_settings
from semiray.training import Run

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
    split = split_by_patient(data.patients, data.labels, seed=3)
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


@pytest.fixture(scope="session", autouse=True)
def every_report_keeps_to_the_schema() -> Iterator[None]:
    """Whatever a test of this room makes of results: if this fails, report.schema.json lacks what you added."""
    made, schema = report.report_content, report_schema()

    def content(of: report.Report) -> dict[str, Any]:
        found = made(of)
        jsonschema.validate(found, schema)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "report_content", content)
        yield


@pytest.fixture(scope="session")
def whole(real: RadiographSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[report.Report, Path]:
    """A report of a run in which nothing is missing but fidelity, and the folder that it was written to."""
    folder = tmp_path_factory.mktemp("whole")
    run, _ = make_run(folder / "RUN", real)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("COMMITMENT_IMAGES", 128), ("EFFECT_PATIENTS", 8), ("PERMUTATIONS", 39)):
            patch.setattr(protocol, name, value)
        benefit = BenefitSettings(fractions=(0.5, 1.0), seeds=1, steps=3, batch=8, multiples=(1, 2), resamples=20)
        few: dict[str, Any] = {"seeds": 1, "steps": 4, "batch": 8, "n_synthetic": 24, "probe_steps": 2}
        found = protocol.evaluate(run, real, folder / "out", **few, benefit=benefit)
    return found, folder / "out"
