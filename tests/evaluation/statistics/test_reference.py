"""Fidelity's figures against other people's implementations, whose numbers are recorded.

torch-fidelity 0.4.0, prdc 0.2, numpy 2.4.6, torch 2.13.0; `benchmarks/reference_fidelity.py` makes them.
"""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from semiray.evaluation.statistics.frechet import frechet_distance
from semiray.evaluation.statistics.kernel import kernel_distance
from semiray.evaluation.statistics.neighbours import neighbourhood

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "reference_fidelity.py"
# FID, KID (one subset of all images), precision and recall (5 neighbours) of torch-fidelity; density, coverage of prdc.
REFERENCE = {
    "near": (0.8079030388600046, 0.017673052281630852, 0.98, 0.7825, 1.6435, 0.9925),
    "far": (17.695499562778167, 1.1605797887524711, 0.19, 0.2275, 0.0695, 0.1925),
    "skewed": (24.734247410973452, 4.3868165983207525, 0.2425, 0.01, 0.203, 0.2125),
}


def clouds(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    specification = importlib.util.spec_from_file_location("reference_fidelity", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module: Any = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    real, synthetic = module.clouds(name)
    return real, synthetic


@pytest.mark.parametrize("name", REFERENCE)
def test_figures_are_those_of_others(name: str) -> None:
    real, synthetic = clouds(name)
    frechet, kernel, *shares = REFERENCE[name]
    assert frechet_distance(real, synthetic).value == pytest.approx(frechet, rel=1e-9)
    assert kernel_distance(real, synthetic).value == pytest.approx(kernel, rel=1e-9)
    who = neighbourhood(real, synthetic)
    found = [one.value for one in (who.precision, who.recall, who.density, who.coverage)]
    assert found == pytest.approx(shares, abs=1e-9)
