"""Which distributions are families of semiray, plain and after shifts, scales, exponentials and logarithms."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from semiray.priors.tfp.families import as_array, library, native_family


def _family(tfp: SimpleNamespace, base: Any, *bijectors: Any) -> tuple[str, dict[str, float]] | None:
    """Of the base with the bijectors applied one after the other, the first one first."""
    chain = tfp.bijectors.Chain(bijectors=bijectors[::-1])
    found = native_family(tfp.distributions.TransformedDistribution(distribution=base, bijector=chain))
    return None if found is None else (found[0], {key: float(value) for key, value in found[1].items()})


def test_single_precision_is_read_as_the_decimal_that_was_meant() -> None:
    assert float(as_array(np.float32(0.1))) == 0.1
    assert as_array(np.array([0.1, 2.5], np.float32)).tolist() == [0.1, 2.5]
    assert float(as_array(1 / 3)) == 1 / 3
    assert as_array(np.arange(3)).dtype == np.float64


def test_the_library_is_the_one_that_was_imported(tfp: SimpleNamespace) -> None:
    assert library() is tfp


def test_families_of_the_same_name(tfp: SimpleNamespace) -> None:
    tfd = tfp.distributions
    for distribution, family, parameters in (
        (tfd.Bernoulli(probs=0.3), "bernoulli", {"probability": 0.3}),
        (tfd.Exponential(rate=0.1), "exponential", {"mean": 10.0}),
        (tfd.LogNormal(loc=0.0, scale=0.5), "lognormal", {"median": 1.0, "sigma": 0.5}),
        (tfd.Weibull(concentration=1.7, scale=12.0), "weibull", {"shape": 1.7, "scale": 12.0}),
    ):
        found = native_family(distribution)
        assert found is not None
        assert (found[0], {key: float(value) for key, value in found[1].items()}) == (family, parameters)
    assert native_family(tfd.Gamma(concentration=2.0, rate=1.0)) is None


def test_steps_lead_from_one_family_to_another(tfp: SimpleNamespace) -> None:
    tfd, tfb = tfp.distributions, tfp.bijectors
    normal = tfd.Normal(loc=1.0, scale=2.0)
    assert _family(tfp, normal, tfb.Scale(scale=-3.0), tfb.Shift(shift=5.0)) == (
        "normal",
        {"mean": 2.0, "standard_deviation": 6.0},
    )
    assert _family(tfp, normal, tfb.Exp(), tfb.Scale(scale=3.0)) == (
        "lognormal",
        {"median": pytest.approx(3 * np.e), "sigma": 2.0},
    )
    assert _family(tfp, tfd.LogNormal(loc=0.0, scale=0.5), tfb.Invert(bijector=tfb.Exp())) == (
        "normal",
        {"mean": 0.0, "standard_deviation": 0.5},
    )
    assert _family(tfp, normal, tfb.Invert(bijector=tfb.Shift(shift=4.0)), tfb.Identity())[1]["mean"] == -3.0
    assert _family(tfp, tfd.Uniform(low=0.0, high=2.0), tfb.Scale(scale=-1.0)) == (
        "uniform",
        {"low": -2.0, "high": 0.0},
    )
    scaled = _family(tfp, tfd.Exponential(rate=2.0), tfb.Scale(scale=None, log_scale=np.log(4.0)))
    assert scaled == ("exponential", {"mean": pytest.approx(2.0)})


def test_what_no_family_is_has_none(tfp: SimpleNamespace) -> None:
    tfd, tfb = tfp.distributions, tfp.bijectors
    assert _family(tfp, tfd.Exponential(rate=2.0), tfb.Scale(scale=-1.0)) is None
    assert _family(tfp, tfd.Exponential(rate=2.0), tfb.Shift(shift=1.0), tfb.Scale(scale=2.0)) is None
    assert _family(tfp, tfd.Normal(loc=0.0, scale=1.0), tfb.Tanh()) is None
    assert _family(tfp, tfd.Gamma(concentration=2.0, rate=1.0), tfb.Exp()) is None
