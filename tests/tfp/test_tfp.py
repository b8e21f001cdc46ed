"""Priors made of TFP's distributions, against TFP itself: quantiles, densities, samples, dependence, YAML and errors.

Run by `python3 start.py tfp`, in an environment of its own; the main tests need no TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
import torch
import yaml
from scipy import stats

from semiray.errors import SemirayError
from semiray.priors import JointPrior

tfd, tfb = tfp.distributions, tfp.bijectors
F64 = np.float64
DRAWS = 20_000
U = np.concatenate([np.logspace(-6, -1, 200), np.linspace(0.1, 0.9, 200), 1 - np.logspace(-1, -6, 200)])


def _normal(loc: float = 0.0, scale: float = 1.0) -> Any:
    return tfd.Normal(F64(loc), F64(scale))


def _transformed(base: Any, *bijectors: Any) -> Any:
    """The bijectors applied one after the other, the first one first."""
    return tfd.TransformedDistribution(base, tfb.Chain(bijectors[::-1]))


# name -> (the family that it must become, the distribution in float64)
CASES: dict[str, tuple[str, Callable[[], Any]]] = {
    "Bernoulli": ("bernoulli", lambda: tfd.Bernoulli(probs=F64(0.3))),
    "Bernoulli, logits": ("bernoulli", lambda: tfd.Bernoulli(logits=F64(1.5))),
    "Categorical": ("categorical", lambda: tfd.Categorical(probs=np.array([0.2, 0.5, 0.3]))),
    "FiniteDiscrete": (
        "categorical",
        lambda: tfd.FiniteDiscrete(outcomes=np.array([-1.0, 0.5, 7.0]), probs=np.array([0.2, 0.5, 0.3])),
    ),
    "Exponential": ("exponential", lambda: tfd.Exponential(F64(0.1))),
    "Uniform": ("uniform", lambda: tfd.Uniform(F64(-1), F64(3))),
    "Normal": ("normal", lambda: _normal(-2, 4)),
    "LogNormal": ("lognormal", lambda: tfd.LogNormal(F64(1.1), F64(0.6))),
    "Weibull": ("weibull", lambda: tfd.Weibull(F64(1.7), F64(12))),
    "Normal, scaled and shifted": (
        "normal",
        lambda: _transformed(_normal(1, 2), tfb.Scale(F64(-3)), tfb.Shift(F64(5))),
    ),
    "Normal, Exp": ("lognormal", lambda: _transformed(_normal(1, 0.5), tfb.Exp())),
    "Normal, Exp, scaled": ("lognormal", lambda: _transformed(_normal(1, 0.5), tfb.Exp(), tfb.Scale(F64(3)))),
    "LogNormal, Log": ("normal", lambda: _transformed(tfd.LogNormal(F64(1), F64(0.5)), tfb.Log())),
    "Normal, shifted back": ("normal", lambda: _transformed(_normal(), tfb.Invert(tfb.Shift(F64(4))))),
    "Uniform, turned round": ("uniform", lambda: _transformed(tfd.Uniform(F64(0), F64(2)), tfb.Scale(F64(-1)))),
    "Exponential, scaled": ("exponential", lambda: _transformed(tfd.Exponential(F64(2)), tfb.Scale(log_scale=F64(1)))),
    "Weibull, scaled": ("weibull", lambda: _transformed(tfd.Weibull(F64(2), F64(1)), tfb.Scale(F64(5)))),
    "Exponential, turned round": ("tabulated", lambda: _transformed(tfd.Exponential(F64(2)), tfb.Scale(F64(-1)))),
    "Exponential, shifted": ("tabulated", lambda: _transformed(tfd.Exponential(F64(2)), tfb.Shift(F64(-1)))),
    "LogitNormal": ("tabulated", lambda: tfd.LogitNormal(F64(0.5), F64(1.5))),
    "Normal, Softplus": ("tabulated", lambda: _transformed(_normal(0, 2), tfb.Softplus())),
    "Normal, Reciprocal of Exp": ("tabulated", lambda: _transformed(_normal(0, 0.4), tfb.Exp(), tfb.Reciprocal())),
    "Gamma": ("tabulated", lambda: tfd.Gamma(F64(3), F64(0.2))),
    "Gamma, infinite at 0": ("tabulated", lambda: tfd.Gamma(F64(0.5), F64(1))),
    "InverseGamma": ("tabulated", lambda: tfd.InverseGamma(F64(6), F64(3))),
    "Chi2": ("tabulated", lambda: tfd.Chi2(F64(4))),
    "Beta": ("tabulated", lambda: tfd.Beta(F64(2), F64(5))),
    "Beta, infinite at its ends": ("tabulated", lambda: tfd.Beta(F64(0.5), F64(0.5))),
    "Kumaraswamy": ("tabulated", lambda: tfd.Kumaraswamy(F64(2), F64(3))),
    "StudentT": ("tabulated", lambda: tfd.StudentT(F64(5), F64(1), F64(2))),
    "Gumbel": ("tabulated", lambda: tfd.Gumbel(F64(-3), F64(2))),
    "Logistic": ("tabulated", lambda: tfd.Logistic(F64(1), F64(2))),
    "HalfNormal": ("tabulated", lambda: tfd.HalfNormal(F64(3))),
    "TruncatedNormal": ("tabulated", lambda: tfd.TruncatedNormal(F64(0), F64(1), F64(-1), F64(2))),
    "Pareto": ("tabulated", lambda: tfd.Pareto(F64(5), F64(2))),
    "MixtureSameFamily": (
        "tabulated",
        lambda: tfd.MixtureSameFamily(
            tfd.Categorical(probs=np.array([0.3, 0.7])), tfd.Normal(np.array([-1.5, 1.0]), np.array([1.0, 0.8]))
        ),
    ),
    "MixtureSameFamily of Gammas": (
        "tabulated",
        lambda: tfd.MixtureSameFamily(
            tfd.Categorical(probs=np.array([0.3, 0.7])), tfd.Gamma(np.array([2.0, 5.0]), np.array([1.0, 1.0]))
        ),
    ),
    "Mixture": (
        "tabulated",
        lambda: tfd.Mixture(tfd.Categorical(probs=np.array([0.5, 0.5])), [_normal(-1, 1), _normal(1, 1.5)]),
    ),
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[str, Any, JointPrior]:
    """Family, TFP's distribution, and the prior of one dimension that is made of it."""
    family, make = CASES[request.param]
    distribution = make()
    return family, distribution, JointPrior.from_tfp({"x": tfd.Sample(distribution, 1)})


def _asked(function: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    return np.asarray(function(tf.constant(x, tf.float64)), np.float64)


def test_family_moments_and_yaml(case: tuple[str, Any, JointPrior], tmp_path: Path) -> None:
    family, distribution, prior = case
    (factor,) = prior.factors
    assert (factor.family, factor.dimensions) == (family, 1)
    path = tmp_path / "prior.yaml"
    path.write_text(yaml.safe_dump(prior.to_dict()), encoding="utf-8")
    assert JointPrior.from_yaml(path) == prior
    try:
        mean, deviation = float(distribution.mean()), float(distribution.stddev())
    except NotImplementedError:  # of most transformed distributions TFP knows none
        return
    if family != "categorical":  # whose mean TFP doesn't define either, or gives nan
        assert float(prior.mean) == pytest.approx(mean, abs=1e-5 * deviation)
        assert float(prior.standard_deviation) == pytest.approx(deviation, rel=1e-4)


def test_quantiles(case: tuple[str, Any, JointPrior]) -> None:
    _, distribution, prior = case
    if prior.discrete[0]:
        return
    codes = prior.quantile("x", torch.as_tensor(U)).numpy()
    deviation = float(prior.standard_deviation)
    # The error in u, as a distance of codes: most distributions of TFP have no quantile, all have a cdf.
    cdf, density = _asked(distribution.cdf, codes), _asked(distribution.prob, codes)
    upper = _asked(distribution.survival_function, codes)
    error = np.where(U < 0.5, cdf - U, (1 - U) - upper) / density
    assert np.abs(error).max() < 1e-5 * deviation
    try:
        expected = _asked(distribution.quantile, U)
    except NotImplementedError:
        return
    assert np.abs(codes - expected).max() < 1e-5 * deviation


def test_log_densities(case: tuple[str, Any, JointPrior]) -> None:
    _, distribution, prior = case
    marginal = prior.marginal("x")
    if marginal.discrete:
        values = np.array(marginal.values)
        expected = np.asarray(distribution.log_prob(values.astype(distribution.dtype.as_numpy_dtype)))
        np.testing.assert_allclose(marginal.log_prob(torch.as_tensor(values)), expected, atol=1e-5)
        return
    codes = marginal.quantile(torch.as_tensor(U)).numpy()
    low, high = marginal.support  # beside a bound other than 0 codes have few digits, and no density can be precise
    codes = codes[((low == 0) | (codes - low > 1e-8)) & (high - codes > 1e-8)]
    expected = _asked(distribution.log_prob, codes)
    np.testing.assert_allclose(marginal.log_prob(torch.as_tensor(codes)), expected, rtol=0, atol=1e-5)


def test_samples(case: tuple[str, Any, JointPrior]) -> None:
    _, distribution, prior = case
    ours = prior.sample(DRAWS, torch.Generator().manual_seed(0)).double().numpy()[:, 0]
    theirs = np.array(distribution.sample(DRAWS, seed=1), np.float64)
    if prior.discrete[0]:
        counts = [[(draws == value).sum() for value in prior.marginal("x").values] for draws in (ours, theirs)]
        assert np.sum(counts) == 2 * DRAWS
        p = stats.chi2_contingency(counts).pvalue
    else:
        p = stats.ks_2samp(ours, theirs).pvalue
    assert p > 0.001


# --- dimensions and dependence ----------------------------------------------------------------------------------------


def _parameters(prior: JointPrior, name: str = "x") -> dict[str, Any]:
    return dict(next(factor for factor in prior.factors if factor.name == name).parameters)


def test_a_scalar_has_five_dimensions_a_shape_says_how_many() -> None:
    scalar = JointPrior.from_tfp({"x": tfd.Exponential(0.1)})
    assert (scalar.factors[0].dimensions, scalar.factors[0].correlation) == (5, 0.5)
    for distribution in (
        tfd.Exponential([0.1, 0.2, 0.5]),
        tfd.Independent(tfd.Exponential([0.1, 0.2, 0.5]), 1),
        tfd.Independent(tfd.Independent(tfd.Exponential([0.1, 0.2, 0.5]), 0), 1),
        _transformed(tfd.Sample(tfd.Exponential(1.0), 3), tfb.Scale([10.0, 5.0, 2.0])),
        _transformed(tfd.Exponential(1.0), tfb.Scale([10.0, 5.0, 2.0])),
    ):
        factor = JointPrior.from_tfp({"x": distribution}).factors[0]
        assert (factor.family, factor.dimensions, factor.correlation) == ("exponential", 3, 0.0)
        assert factor.parameters["mean"] == [10.0, 5.0, 2.0]
    sampled = JointPrior.from_tfp(
        {"x": tfd.Sample(tfd.Gamma(2.0, 1.0), 4)}, correlation={"x": 0.3}, units={"x": "days"}
    )
    factor = sampled.factors[0]
    assert (factor.dimensions, factor.correlation, factor.unit) == (4, 0.3, "days")
    assert isinstance(factor.parameters["table"][0], float)  # one table for all


def test_single_precision_is_read_as_the_decimals_that_were_meant() -> None:
    assert _parameters(JointPrior.from_tfp({"x": tfd.Exponential(0.1)})) == {"mean": 10.0}
    assert _parameters(JointPrior.from_tfp({"x": tfd.Exponential(tf.constant(0.1))})) == {"mean": 10.0}
    assert _parameters(JointPrior.from_tfp({"x": tfd.Exponential(tf.Variable(0.1))})) == {"mean": 10.0}
    assert _parameters(JointPrior.from_tfp({"x": tfd.Normal(0, 0.3)})) == {"mean": 0.0, "standard_deviation": 0.3}
    single, double = (JointPrior.from_tfp({"x": tfd.Gamma(t(0.3), t(0.1))}) for t in (np.float32, np.float64))
    assert single == double
    single, double = (
        JointPrior.from_tfp({"x": _transformed(tfd.Normal(t(0.3), t(0.1)), tfb.Shift(t(0.7)), tfb.Softplus())})
        for t in (np.float32, np.float64)
    )
    assert single == double


def test_each_dimension_of_a_batch_has_its_own_table() -> None:
    batch = tfd.Gamma(np.array([0.7, 2.0, 9.0]), np.array([1.0, 0.1, 3.0]))
    prior = JointPrior.from_tfp({"x": batch})
    codes = prior.codes(torch.linspace(-4.5, 4.5, 101, dtype=torch.float64).unsqueeze(-1).expand(-1, 3))
    np.testing.assert_allclose(prior.log_prob(codes), _asked(batch.log_prob, codes.numpy()).sum(-1), rtol=0, atol=1e-5)


TRIL = np.array([[1.5, 0, 0], [0.6, 0.8, 0], [-0.3, 0.2, 2.0]])
MULTIVARIATE: dict[str, Callable[[], Any]] = {
    "TriL": lambda: tfd.MultivariateNormalTriL(np.array([1.0, -2, 0]), TRIL),
    "FullCovariance": lambda: tfd.MultivariateNormalFullCovariance(np.array([1.0, -2, 0]), TRIL @ TRIL.T),
    "Diag": lambda: tfd.MultivariateNormalDiag(np.array([1.0, -2, 0]), np.array([0.5, 1, 3])),
    "LinearOperator": lambda: tfd.MultivariateNormalLinearOperator(
        np.array([1.0, -2, 0]), tf.linalg.LinearOperatorLowerTriangular(tf.constant(TRIL))
    ),
    "equally correlated": lambda: tfd.MultivariateNormalTriL(
        np.zeros(3), np.linalg.cholesky(np.full((3, 3), 0.4) + 0.6 * np.eye(3))
    ),
    "lognormal": lambda: _transformed(tfd.MultivariateNormalTriL(np.zeros(3), 0.3 * TRIL), tfb.Exp()),
    "turned round": lambda: _transformed(
        tfd.MultivariateNormalTriL(np.zeros(3), TRIL), tfb.Scale(np.array([1.0, -2, 3])), tfb.Shift(F64(1))
    ),
    "through Softplus": lambda: _transformed(tfd.MultivariateNormalTriL(np.zeros(3), TRIL), tfb.Softplus()),
    "through a falling bijector": lambda: _transformed(
        tfd.MultivariateNormalTriL(np.zeros(3), 0.3 * TRIL), tfb.Exp(), tfb.Reciprocal()
    ),
}


@pytest.mark.parametrize("name", MULTIVARIATE)
def test_a_multivariate_normal_keeps_its_joint_density_and_samples(name: str, tmp_path: Path) -> None:
    distribution = MULTIVARIATE[name]()
    prior = JointPrior.from_tfp({"x": distribution})
    theirs = np.array(distribution.sample(DRAWS, seed=2), np.float64)
    inside = theirs[:2000][(prior.scores(torch.as_tensor(theirs[:2000])).abs() < 4.7).all(-1)]
    assert len(inside) > 1900
    expected = _asked(distribution.log_prob, inside)
    np.testing.assert_allclose(prior.log_prob(torch.as_tensor(inside)), expected, rtol=0, atol=1e-5)
    ours = prior.sample(DRAWS, torch.Generator().manual_seed(3)).double().numpy()
    for direction in np.random.default_rng(0).normal(size=(4, 3)):  # projections see the dependence
        scale = theirs.std(0)
        assert stats.ks_2samp((ours / scale) @ direction, (theirs / scale) @ direction).pvalue > 0.001
    path = tmp_path / "prior.yaml"
    path.write_text(yaml.safe_dump(prior.to_dict()), encoding="utf-8")
    assert JointPrior.from_yaml(path) == prior


def test_a_matrix_only_where_one_number_doesn_t_say_it() -> None:
    for name, correlation in (("Diag", 0.0), ("equally correlated", 0.4)):
        written = JointPrior.from_tfp({"x": MULTIVARIATE[name]()}).to_dict()
        assert "correlation" not in written
        assert written["factors"]["x"]["correlation"] == pytest.approx(correlation)
    assert "correlation" in JointPrior.from_tfp({"x": MULTIVARIATE["TriL"]()}).to_dict()


def test_companions_follow_their_lead_through_a_matrix_too() -> None:
    normal = MULTIVARIATE["TriL"]()
    parts = {"a": tfd.Exponential(0.1), "x": normal, "y": normal, "b": tfd.Uniform(-1.0, 1.0)}
    entries = [("a", "x", 0.3), ("x", "y", -0.4), ("x", "b", 0.1, "all")]
    R = JointPrior.from_tfp(parts, between=entries).correlation.numpy()
    covariance = TRIL @ TRIL.T
    own = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    np.testing.assert_allclose(R[5:8, 5:8], own, atol=1e-12)
    np.testing.assert_allclose(R[:5, 5:8], 0.3 * np.outer([1, 0.5, 0.5, 0.5, 0.5], own[0]), atol=1e-12)
    np.testing.assert_allclose(R[5:8, 8:11], -0.4 * np.outer(own[0], own[0]), atol=1e-12)
    np.testing.assert_allclose(R[5:8, 11:], 0.1, atol=1e-12)


def test_a_joint_distribution_of_independent_parts() -> None:
    joint = tfd.JointDistributionNamed(
        {"e": tfd.Independent(tfd.Gamma([2.0, 3.0], [0.1, 1.0]), 1), "n": lambda: tfd.Sample(tfd.Normal(0.0, 2.0), 1)}
    )
    prior = JointPrior.from_tfp(joint)
    assert prior.names == ("e[0]", "e[1]", "n[0]")
    draws = joint.sample(500, seed=0)
    codes = torch.as_tensor(np.concatenate([draws["e"], draws["n"]], -1))
    np.testing.assert_allclose(prior.log_prob(codes), joint.log_prob(draws), rtol=1e-4, atol=1e-4)  # TFP's in float32
    again = JointPrior.from_tfp(tfd.JointDistributionNamedAutoBatched({"n": tfd.Normal(0.0, 2.0)}))
    assert again.dimensions == 5


def test_training_and_events_need_nothing_of_tfp() -> None:
    prior = JointPrior.from_tfp({"x": tfd.Gamma(2.0, 0.2), "s": tfd.Bernoulli(probs=0.5)})
    scores = torch.zeros(4, 10, requires_grad=True)
    prior.relaxed(scores).sum().backward()
    assert torch.isfinite(scores.grad).all()
    codes = prior.given("x < 5 and s == 1").sample(200, torch.Generator().manual_seed(0))
    assert ((codes[:, 0] < 5) & (codes[:, 5] == 1)).all()


# --- what is refused --------------------------------------------------------------------------------------------------


class _Own(tfd.Distribution):
    """Somebody's distribution that can draw and no more."""

    def __init__(self) -> None:
        super().__init__(tf.float64, tfd.NOT_REPARAMETERIZED, False, True, parameters={}, name="own")

    def _batch_shape(self) -> tf.TensorShape:
        return tf.TensorShape([])

    def _event_shape(self) -> tf.TensorShape:
        return tf.TensorShape([])

    def _default_event_space_bijector(self) -> Any:
        return tfb.Identity()


WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: {"x": 3.0}, r"factor 'x': a float is not a distribution of TensorFlow Probability"),
    (lambda: tfd.Normal(0.0, 1.0), r"takes a mapping of names .* not a Normal"),
    (lambda: tfd.JointDistributionSequential([tfd.Normal(0.0, 1.0)]), r"takes a mapping of names"),
    (lambda: {"in": tfd.Normal(0.0, 1.0)}, r"factor 'in': a name consists of letters"),
    (lambda: {"x": tfd.Normal(np.nan, 1.0)}, r"factor 'x': loc of Normal is not a number"),
    (lambda: {"x": tfd.Gamma([1.0, np.nan], 1.0)}, r"factor 'x': concentration of Gamma is not a number"),
    (lambda: {"x": tfd.Normal(0.0, 0.0)}, r"factor 'x': standard_deviation = 0 is outside its range"),
    (lambda: {"x": tfd.Uniform(1.0, 1.0)}, r"factor 'x': low must be less than high"),
    (lambda: {"x": tfd.Deterministic(1.0)}, r"factor 'x': Deterministic has variance 0"),
    (lambda: {"x": tfd.MultivariateNormalDiag([0.0, 0.0], [1.0, 0.0])}, r"factor 'x': .* variance 0"),
    (lambda: {"x": tfd.Exponential(-1.0)}, r"factor 'x': mean = -1 is outside its range"),
    (lambda: {"x": tfd.Gamma(-1.0, 1.0)}, r"factor 'x': Gamma: its distribution function returns NaN"),
    (lambda: {"x": tfd.Cauchy(0.0, 1.0)}, r"factor 'x'"),
    (lambda: {"x": tfd.StudentT(1.5, 0.0, 1.0)}, r"factor 'x'.*variance"),
    (lambda: {"x": tfd.Normal(np.zeros((2, 3)), 1.0)}, r"factor 'x': Normal has batch shape \(2, 3\)"),
    (lambda: {"x": tfd.MultivariateNormalDiag(np.zeros((2, 3)))}, r"factor 'x': .*batch shape \(2,\) and event shape"),
    (lambda: {"x": tfd.Normal(np.zeros(0), 1.0)}, r"factor 'x': Normal has no dimensions"),
    (lambda: {"x": tfd.Poisson(3.0)}, r"factor 'x': Poisson is discrete"),
    (lambda: {"x": tfd.Binomial(5.0, probs=0.5)}, r"factor 'x': Binomial is discrete"),
    (lambda: {"x": tfd.Dirichlet([1.0, 2.0])}, r"factor 'x': Dirichlet is a joint distribution"),
    (lambda: {"x": tfd.OneHotCategorical(probs=[0.5, 0.5])}, r"factor 'x': OneHotCategorical .* use tfd.Categorical"),
    (
        lambda: {"x": tfd.MultivariateStudentTLinearOperator(3.0, [0.0, 0.0], tf.linalg.LinearOperatorIdentity(2))},
        r"factor 'x': MultivariateStudentTLinearOperator is a joint distribution",
    ),
    (
        lambda: {"x": _transformed(tfd.Sample(tfd.Normal(0.0, 1.0), 2), tfb.ScaleMatvecTriL([[1.0, 0.0], [1.0, 1.0]]))},
        r"factor 'x': .*mixes its dimensions.*MultivariateNormalTriL",
    ),
    (lambda: {"x": tfd.Blockwise([tfd.Normal(0.0, 1.0), tfd.Gamma(1.0, 1.0)])}, r"factor 'x': Blockwise is a joint"),
    (lambda: {"x": tfd.JointDistributionNamed({"a": tfd.Normal(0.0, 1.0)})}, r"factor 'x'"),
    (lambda: {"x": tfd.GeneralizedPareto(0.0, 1.0, [-0.5, 0.2])}, r"factor 'x': some dimensions .* two factors"),
    (lambda: {"x": _Own()}, r"factor 'x': _?Own has no distribution function"),
    (
        lambda: {
            "x": tfd.MixtureSameFamily(tfd.Categorical(probs=[0.5, 0.5]), tfd.Normal([-9.0, 9.0], [1.0, 1.0])),
        },
        r"factor 'x': MixtureSameFamily: .*too steep .* at a probability of 0.5",
    ),
    (
        lambda: tfd.JointDistributionNamed({"a": tfd.Exponential(1.0), "x": lambda a: tfd.Normal(a, 1.0)}),
        r"factor 'x': its distribution depends on a.*between=\[\('a', 'x', 0.3\)\]",
    ),
    (
        lambda: tfd.JointDistributionNamed(
            {"loc": tfd.Normal(0.0, 1.0), "scale": tfd.Gamma(2.0, 1.0), "x": tfd.Normal}
        ),
        r"factor 'x': its distribution depends on loc, scale",
    ),
]


@pytest.mark.parametrize(("make", "message"), WRONG, ids=[message[:50] for _, message in WRONG])
def test_errors(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(SemirayError, match=re.compile(message, re.DOTALL)):
        JointPrior.from_tfp(make())


def test_correlation_that_is_said_twice_is_refused() -> None:
    with pytest.raises(SemirayError, match=r"factor 'x': MultivariateNormalTriL has a correlation of its own"):
        JointPrior.from_tfp({"x": MULTIVARIATE["TriL"]()}, correlation={"x": 0.3})


def test_a_shape_that_only_a_graph_knows_is_refused() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def inside(rate: Any) -> Any:
        with pytest.raises(SemirayError, match=r"factor 'x': rate of Exponential is a symbolic tensor"):
            JointPrior.from_tfp({"x": tfd.Exponential(rate)})
        return rate

    inside(tf.constant([1.0]))


def test_the_page_s_example() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "priors.md").read_text(encoding="utf-8")
    (block,) = (b for b in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "import tensorflow_probability" in b)
    names: dict[str, Any] = {}
    exec(block, names)
    prior = names["prior"]
    assert [factor.family for factor in prior.factors] == ["bernoulli", "tabulated", "normal", "lognormal"]
    assert [factor.dimensions for factor in prior.factors] == [5, 3, 2, 5]
