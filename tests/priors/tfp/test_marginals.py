"""How wrappers are taken off a distribution, and what a distribution becomes as written in a factor."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.priors.tfp.marginals import as_double, identify, kind, marginals


def test_batches_samples_and_independent_parts_are_dimensions(tfp: SimpleNamespace) -> None:
    tfd = tfp.distributions
    scalar, batch = tfd.Normal(loc=0.0, scale=1.0), tfd.Normal(batch=(3,), loc=np.zeros(3), scale=np.ones(3))
    assert (marginals(scalar, "x").distribution, marginals(scalar, "x").dimensions) == (scalar, None)
    assert marginals(batch, "x").dimensions == 3
    assert marginals(tfd.Independent(event=(3,), distribution=batch), "x").distribution is batch
    sample = marginals(tfd.Sample(event=(4,), distribution=scalar), "x")
    assert (sample.distribution, sample.dimensions, sample.correlation) == (scalar, 4, None)


def test_a_multivariate_normal_is_its_marginals_and_their_correlation(tfp: SimpleNamespace) -> None:
    normal = tfp.distributions.MultivariateNormalLinearOperator(
        event=(2,), loc=[0.0, 1.0], scale_tril=[[2.0, 0.0], [0.6, 0.8]]
    )
    found = marginals(normal, "x")
    assert found.dimensions == 2
    assert found.correlation.tolist() == [[1.0, pytest.approx(0.6)], [pytest.approx(0.6), 1.0]]


def test_other_shapes_are_refused(tfp: SimpleNamespace) -> None:
    tfd = tfp.distributions
    for distribution, message in (
        (tfd.Normal(batch=(2, 3)), r"factor 'x': Normal has batch shape \(2, 3\)"),
        (tfd.Normal(batch=(0,)), r"Normal has no dimensions"),
        (tfd.Normal(batch=(None,)), r"shape of Normal is not defined"),
        (tfd.Gamma(event=(2,)), r"Gamma is a joint distribution of several numbers"),
    ):
        with pytest.raises(SemirayError, match=message):
            marginals(distribution, "factor 'x'")


def test_parameters_are_numbers_or_one_per_dimension(tfp: SimpleNamespace) -> None:
    tfd = tfp.distributions
    assert identify(tfd.Normal(loc=0.0, scale=[1.0, 1.0]), "x")[1] == {"mean": 0.0, "standard_deviation": 1.0}
    assert identify(tfd.Exponential(rate=[0.1, 0.2]), "x") == ("exponential", {"mean": [10.0, 5.0]})
    assert identify(tfd.Categorical(probs=[0.2, 0.8]), "x") == ("categorical", {"probabilities": [0.2, 0.8]})
    with pytest.raises(SemirayError, match="Deterministic has variance 0"):
        identify(tfd.Deterministic(loc=1.0), "x")


def test_what_cannot_be_made_again_stays() -> None:
    class Own:
        @staticmethod
        def parameter_properties(dtype: object) -> dict[str, object]:
            raise NotImplementedError

    own = Own()
    assert as_double(own, "x") is own
    assert kind(own) == "Own"
