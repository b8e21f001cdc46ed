"""The joint prior: the study's default, what is refused, copies and comparison."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from semiray.errors import SemirayError
from semiray.priors import Factor, JointPrior


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_default_is_the_study_s() -> None:
    prior = JointPrior.default()
    assert [(f.name, f.family, f.dimensions, f.correlation) for f in prior.factors] == [
        ("survival", "bernoulli", 5, 0.5),
        ("duration", "exponential", 5, 0.5),
        ("presentation", "uniform", 5, 0.5),
        ("texture", "uniform", 5, 0.5),
    ]
    assert prior.dimensions == 20
    assert prior.names[:2] == ("survival[0]", "survival[1]")
    assert prior.names[9] == "duration[4]"
    assert prior.slices["texture"] == slice(15, 20)
    assert prior.discrete.tolist() == [True] * 5 + [False] * 15
    assert prior.mean[[0, 5, 10]].tolist() == [0.5, 10.0, 0.0]


def test_what_can_t_be_a_prior_is_refused() -> None:
    one = Factor("x", "exponential", 1, {"mean": 1})
    with pytest.raises(SemirayError, match="'x' is given twice"):
        JointPrior([one, one])
    with pytest.raises(SemirayError, match="at least one factor"):
        JointPrior([])
    with pytest.raises(SemirayError, match=r"expected 20 columns.*\(3, 4\)"):
        JointPrior.default().codes(torch.zeros(3, 4))
    with pytest.raises(SemirayError, match="choose marginals or pairs"):
        JointPrior.default().plot("violin")


def test_a_prior_is_copied_pickled_and_compared(mixed: JointPrior) -> None:
    mixed.relaxed(torch.zeros(1, mixed.dimensions))
    for twin in (copy.deepcopy(mixed), pickle.loads(pickle.dumps(mixed))):
        assert twin == mixed
        assert torch.equal(twin.sample(20, _generator()), mixed.sample(20, _generator()))
    assert mixed != JointPrior.default()
    assert "exponential(mean=10.0) x 2" in repr(mixed)
