import numpy as np
import torch

from semiray.explorer.scale import factor_scale
from semiray.generation.hold import check_hold
from semiray.priors import JointPrior


def test_values_are_quantiles_that_can_be_typed_and_held() -> None:
    prior = JointPrior.default()
    scale = factor_scale(prior, "duration[2]")
    exact = prior.quantile("duration", torch.tensor(scale.quantiles, dtype=torch.float64))
    assert np.allclose(scale.values, exact, rtol=1e-3)
    assert all(value == float(f"{value:.4g}") for value in scale.values)
    assert list(scale.values) == sorted(scale.values)
    for value in scale.values:
        assert check_hold(prior, {"duration[2]": value}) == {"duration[2]": value}


def test_discrete_scales_are_their_values() -> None:
    scale = factor_scale(JointPrior.default(), "survival")
    assert (scale.values, scale.quantiles, scale.discrete) == ((0.0, 1.0), (0.5, 1.0), True)
    assert scale.steps() == (0.0, 1.0)


def test_steps_reach_from_one_tail_to_the_other() -> None:
    steps = factor_scale(JointPrior.default(), "texture").steps()
    assert len(steps) == 7
    assert np.allclose(steps, np.linspace(-0.9, 0.9, 7), atol=0.01)
