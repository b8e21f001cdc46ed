"""Fidelity by other people's implementations, on fixed features: the numbers in tests/evaluation/test_reference.py.

In an environment of its own (neither package is one of semiray's):

    python -m venv /tmp/reference && /tmp/reference/bin/pip install torch-fidelity prdc
    /tmp/reference/bin/python benchmarks/reference_fidelity.py

Where definitions differ:

- KID is published as the mean over random subsets (torch-fidelity: 100 of 1,000 images); semiray takes all pairs at
  once. One subset that holds all images makes them the same.
- prdc counts distances less than a ball's radius, torch-fidelity and semiray those equal to it, too: the same but for
  ties.
- torch-fidelity's precision and recall look at 3 neighbours by default, semiray at 5, as prdc's authors do.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np

NEIGHBOURS = 5


def clouds(name: str) -> tuple[Any, Any]:
    """The features compared, (N, D) and (M, D): seeded, so that the tests can make them, too."""
    rng = np.random.default_rng(20260101)
    mix = rng.normal(size=(24, 24)) / 5
    real = rng.normal(size=(400, 24)) @ mix
    if name == "near":
        return real, rng.normal(size=(400, 24)) @ mix * 0.9 + 0.05
    if name == "far":
        return real, rng.normal(size=(400, 24)) @ mix.T + 0.5
    return real, np.abs(rng.normal(size=(400, 24)) @ mix[:, ::-1]) ** 1.5  # "skewed": as features after ReLU


def main() -> None:
    import torch
    from prdc import compute_prdc
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric

    packages = ("torch-fidelity", "prdc", "numpy", "torch")
    print("#", ", ".join(f"{name} {version(name)}" for name in packages))
    for name in ("near", "far", "skewed"):
        real, synthetic = clouds(name)
        a, b = torch.from_numpy(real), torch.from_numpy(synthetic)
        found = fid_statistics_to_metric(fid_features_to_statistics(a), fid_features_to_statistics(b), False)
        found |= kid_features_to_metric(a, b, kid_subsets=1, kid_subset_size=len(a), verbose=False)
        found |= prc_features_to_metric(b, a, prc_neighborhood=NEIGHBOURS, verbose=False)  # synthetic images first
        others = compute_prdc(real, synthetic, NEIGHBOURS)
        print(f'    "{name}": {{')
        for key, value in (found | {f"prdc_{key}": value for key, value in others.items()}).items():
            print(f'        "{key}": {float(value)!r},')
        print("    },")


if __name__ == "__main__":
    main()
