"""A whole report, made once for all tests of showing."""

from pathlib import Path
from typing import Any

import pytest

from semiray.evaluation import BenefitSettings, Results
from semiray.radiographs import RadiographSet
from semiray.report import evaluate


@pytest.fixture(scope="session")
def whole(real: RadiographSet, run_maker: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Path]:
    """A report of a run in which nothing is missing except fidelity, and the folder that it was written to."""
    folder = tmp_path_factory.mktemp("whole")
    run, _ = run_maker(folder / "RUN", real)
    benefit = BenefitSettings(fractions=(0.5, 1.0), seeds=1, steps=3, batch=8, multiples=(1, 2), resamples=20)
    few: dict[str, Any] = {"seeds": 1, "steps": 4, "batch": 8, "n_synthetic": 24, "probe_steps": 2}
    fewer: dict[str, Any] = {"commitment_images": 128, "effect_patients": 8, "permutations": 39, "device": "cpu"}
    return evaluate(run, real, folder / "out", **few, **fewer, benefit=benefit), folder / "out"
