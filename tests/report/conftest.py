"""Reports that several tests look at: a whole one, and results made by hand."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from semiray.evaluation import BenefitSettings, Interval, Results, SortingResult, measure_sorting
from semiray.evaluation.results import Result
from semiray.priors import JointPrior
from semiray.report import Report, evaluate
from semiray.settings import override


@pytest.fixture(scope="session")
def whole(real: Any, run_maker: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    """A report of a run in which nothing is missing but fidelity, and the folder that it was written to."""
    folder = tmp_path_factory.mktemp("whole")
    run, _ = run_maker(folder / "RUN", real)
    run = replace(run, settings=override(run.settings, ground={"survival": {"finding": "haze"}}))
    haze = (np.arange(len(real)) % 2)[:, None].astype(np.float32)
    data = replace(real, finding_names=("haze",), findings=haze)
    benefit = BenefitSettings(seeds=1, steps=3, batch=8, resamples=20)
    few: dict[str, Any] = {"seeds": 1, "steps": 4, "batch": 8, "n_synthetic": 24, "probe_steps": 2}
    few |= {"commitment_images": 128, "effect_patients": 8, "permutations": 39, "device": "cpu"}
    return evaluate(run, data, folder / "out", **few, benefit=benefit), folder / "out"


@pytest.fixture(scope="session")
def make() -> Any:
    """Small results, by name."""

    def results(**changes: Any) -> Results:
        """Results of these judgements alone; what isn't a judgement is a field of theirs."""
        judgements = {name: value for name, value in changes.items() if isinstance(value, Result)}
        fields = {name: value for name, value in changes.items() if name not in judgements}
        return Results(**{"subject": "run", "data": "data"} | fields, judgements=judgements)

    def interval(mean: float, width: float = 0.02) -> Interval:
        return Interval(mean, mean - width, mean + width, (mean,))

    def sorting(prior: JointPrior, n: int = 500) -> SortingResult:
        scores = prior.sample_scores(n, torch.Generator().manual_seed(1)).numpy()
        return measure_sorting(scores, prior, np.arange(n).astype(str), resamples=5)

    return SimpleNamespace(results=results, interval=interval, sorting=sorting)
