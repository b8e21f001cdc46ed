"""A factor refuses what is wrong, and says which factor, which entry, which range."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.priors import Factor, factor_of

WRONG = [
    (("d", "exponential", 5, {"mean": -3}), r"factor 'd': mean = -3 is outside its range, greater than 0"),
    (("d", "exponential", 5, {"mean": 0}), r"mean = 0 is outside its range"),
    (("d", "exponential", 5, {"mean": "ten"}), r"factor 'd': mean must be a number, not 'ten'"),
    (("d", "exponential", 5, {"mean": True}), r"mean must be a number, not True"),
    (("d", "exponential", 5, {"mean": float("nan")}), r"mean = nan must be finite"),
    (("d", "exponential", 5, {"mean": None}), r"mean must be a number, not None"),
    (("d", "exponential", 3, {"mean": [1, -2, 3]}), r"mean\[1\] = -2 is outside its range"),
    (("d", "exponential", 3, {"mean": [1, 2]}), r"mean lists 2 values for 3 dimensions"),
    (("d", "exponential", 5, {}), r"exponential needs mean \(mean: expected value"),
    (("d", "exponential", 5, {"mena": 3}), r"no parameter 'mena', did you mean 'mean'\?"),
    (("d", "exponentail", 5, {"mean": 3}), r"no family 'exponentail', did you mean 'exponential'\?"),
    (("d", "normal", 5, {"mean": 1}), r"normal needs standard_deviation"),
    (
        ("s", "bernoulli", 5, {"probability": 1.0}),
        r"probability = 1 is outside its range, between 0 and 1, both excluded",
    ),
    (("u", "uniform", 5, {"low": 2, "high": 2}), r"factor 'u': low must be less than high"),
    (("c", "categorical", 5, {"probabilities": [0.5, 0.4]}), r"must sum to 1; they sum to 0.9"),
    (("c", "categorical", 5, {"probabilities": [0.5, 0.5], "values": [1, 0]}), r"values must ascend"),
    (("c", "categorical", 5, {"probabilities": [0.5, 0.5], "values": [1, 2, 3]}), r"values lists 3 categories"),
    (("c", "categorical", 5, {"probabilities": 0.5}), r"probabilities must be a list of numbers"),
    (("c", "categorical", 5, {"probabilities": [0.5]}), r"at least two categories"),
    (("c", "categorical", 5, {"probabilities": []}), r"at least two categories"),
    (("c", "categorical", 2, {"probabilities": [[0.5, 0.5], [0.2, 0.3, 0.5]]}), r"same number of values"),
    (("c", "categorical", 3, {"probabilities": [[0.5, 0.5], [0.2, 0.8]]}), r"lists 2 values for 3 dimensions"),
    (("w", "weibull", 5, {"shape": 0.01, "scale": 1}), r"factor 'w': with shape = 0.01, scale = 1.0 its codes leave"),
    (("l", "lognormal", 5, {"median": 1, "sigma": 40}), r"leave the range of 32-bit numbers"),
    (("d", "exponential", 0, {"mean": 3}), r"dimensions = 0 is not a whole number from 1 to 256"),
    (("d", "exponential", 2.5, {"mean": 3}), r"dimensions = 2.5 is not a whole number"),
    (("d", "exponential", True, {"mean": 3}), r"dimensions = True is not a whole number"),
    (
        ("d", "exponential", 5, {"mean": 3}, -0.3),
        r"correlation = -0.3 is outside its range for 5 dimensions, between -0.25",
    ),
    (
        ("d", "exponential", 2, {"mean": 3}, 1.0),
        r"correlation = 1 is outside its range for 2 dimensions, between -1 and 1",
    ),
    (("d", "exponential", 5, [3]), r"parameters must be written as name: value"),
    (("2d", "exponential", 5, {"mean": 3}), r"a name consists of letters"),
    (("in", "exponential", 5, {"mean": 3}), r"a name consists of letters"),
    (("mean", "exponential", 5, {"mean": 3}), r"'mean' is a word of the event language"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_errors_name_factor_entry_and_range(arguments, message: str) -> None:
    with pytest.raises(SemirayError, match=message):
        Factor(*arguments)


def test_spelling_is_forgiven_where_it_is_clear() -> None:
    assert Factor("x", "Log-Normal", parameters={"median": "1e-1", "sigma": 1}).family == "lognormal"
    assert Factor("x", "exponential", parameters={"mean": np.float32(2)}).parameters == {"mean": 2.0}
    array = Factor("x", "exponential", 2, {"mean": np.array([1, 2])})
    assert array.parameters == {"mean": [1.0, 2.0]}


def test_one_value_is_for_all_dimensions_a_list_for_each() -> None:
    assert Factor("x", "exponential", 3, {"mean": 4}).constants()["mean"].tolist() == [4, 4, 4]
    assert Factor("x", "exponential", 3, {"mean": [1, 2, 3]}).constants()["mean"].tolist() == [1, 2, 3]


def test_a_factor_is_a_value() -> None:
    factor = Factor("x", "exponential", 3, {"mean": 4}, 0.1, "days")
    for twin in (copy.deepcopy(factor), pickle.loads(pickle.dumps(factor))):
        assert twin == factor
        assert hash(twin) == hash(factor)
    assert factor.names == ("x[0]", "x[1]", "x[2]")


def test_a_single_dimension_takes_any_correlation() -> None:
    assert Factor("x", "exponential", 1, {"mean": 4}, -0.9).correlation == -0.9


def test_a_dimension_belongs_to_its_factor() -> None:
    assert factor_of("survival[0]") == factor_of("survival") == "survival"
    assert factor_of("x_2[13]") == "x_2"
