"""The prior as written: what a person would write is read, what is misspelt is pointed out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from semiray.errors import SemirayError
from semiray.priors import CorrelationError, JointPrior

TEXT = """\
factors:
  survival: {family: bernoulli, probability: 0.5, dimensions: 5, correlation: 0.5}
  duration: {family: exponential, mean: 10, unit: days}
  severity:
    family: categorical
    probabilities: [0.6, 0.3, 0.1]
    dimensions: 1
between:
  - [survival, duration, -0.3]
  - [duration, severity, 0.4, all]
"""


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prior.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_yaml_is_read(tmp_path: Path) -> None:
    prior = JointPrior.from_yaml(_write(tmp_path, TEXT))
    assert prior.dimensions == 11
    assert prior.slices["severity"] == slice(10, 11)
    assert prior.factors[1].unit == "days"
    assert float(prior.correlation[0, 5]) == -0.3


def test_written_and_read_again_it_is_the_same_prior(tmp_path: Path, mixed: JointPrior) -> None:
    for prior in (mixed, JointPrior.default(), JointPrior.from_yaml(_write(tmp_path, TEXT))):
        again = JointPrior.from_yaml(_write(tmp_path, yaml.safe_dump(prior.to_dict(), sort_keys=False)))
        assert again == prior
        assert (again.correlation == prior.correlation).all()


def test_a_full_matrix_survives(tmp_path: Path) -> None:
    R = [[1, 0.2, 0.1], [0.2, 1, 0.3], [0.1, 0.3, 1]]
    spec = {
        "factors": {"a": {"family": "normal", "mean": 0, "standard_deviation": 1, "dimensions": 3}},
        "correlation": R,
    }
    prior = JointPrior.from_dict(spec)
    assert prior.correlation.tolist() == R
    again = JointPrior.from_yaml(_write(tmp_path, yaml.safe_dump(prior.to_dict())))
    assert again == prior


ONE = {"family": "exponential", "mean": 10}
WRONG = [
    ({"factor": {"d": ONE}}, r"no key 'factor', did you mean 'factors'\?"),
    ({}, r"`factors` is missing or empty"),
    ({"factors": {}}, r"`factors` is missing or empty"),
    ([1], r"written as a mapping with the key `factors`"),
    (None, r"written as a mapping"),
    ({"factors": [ONE]}, r"`factors` must map names to families"),
    ({"factors": {"d": "exponential"}}, r"factor 'd': must be written as \{family"),
    ({"factors": {"d": {"mean": 10}}}, r"factor 'd': `family` is missing"),
    (
        {"factors": {"d": {"famly": "exponential", "mean": 10}}},
        r"factor 'd': no key 'famly', did you mean 'family'\?",
    ),
    ({"factors": {"d": {**ONE, "dimension": 3}}}, r"factor 'd': no key 'dimension', did you mean 'dimensions'\?"),
    ({"factors": {"d": {**ONE, "corelation": 0.3}}}, r"no key 'corelation', did you mean 'correlation'\?"),
    ({"factors": {"d": {"family": "exponential", "meen": 10}}}, r"no parameter 'meen', did you mean 'mean'\?"),
    ({"factors": {"d": {**ONE, "rate": 0.1}}}, r"no parameter 'rate' \(mean: expected value, 1 / rate\)"),
    (
        {"factors": {"d": {**ONE, "correlation": 0.3}}, "correlation": [[1]]},
        r"already holds the correlations within 'd'",
    ),
    ({"factors": {"d": {**ONE, "dimensions": 1}}, "correlation": [[1]], "between": [["d", "d", 1]]}, r"not both"),
    ({"factors": {"d": ONE}, "nearest": "yes"}, r"nearest = 'yes' must be true or false"),
    ({"factors": {"d": ONE}, "between": {"d": 0.3}}, r"between must be a list"),
]


@pytest.mark.parametrize(("spec", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_errors(spec, message: str) -> None:
    with pytest.raises(SemirayError, match=message):
        JointPrior.from_dict(spec)


def test_errors_of_a_file_name_it_and_the_line(tmp_path: Path) -> None:
    with pytest.raises(SemirayError, match=r"prior.yaml: factor 'd': mean = -1 is outside"):
        JointPrior.from_yaml(_write(tmp_path, "factors:\n  d: {family: exponential, mean: -1}\n"))
    with pytest.raises(SemirayError, match=r"prior.yaml, line 3, column 3: not valid YAML: 'd' is given twice"):
        JointPrior.from_yaml(_write(tmp_path, "factors:\n  d: {family: exponential, mean: 1}\n  d: {}\n"))
    with pytest.raises(SemirayError, match=r"prior.yaml, line \d, column \d+: not valid YAML"):
        JointPrior.from_yaml(_write(tmp_path, "factors: {d: [}\n"))
    with pytest.raises(SemirayError, match=r"missing.yaml: can't be read"):
        JointPrior.from_yaml(tmp_path / "missing.yaml")
    text = "factors:\n" + "".join(f"  {n}: {{family: exponential, mean: 1}}\n" for n in "abc")
    text += "between: [[a, b, 0.9], [b, c, 0.9], [a, c, -0.9]]\n"
    with pytest.raises(CorrelationError, match=r"prior.yaml: the correlations contradict") as caught:
        JointPrior.from_yaml(_write(tmp_path, text))
    assert caught.value.nearest.shape == (15, 15)
    assert JointPrior.from_yaml(_write(tmp_path, text + "nearest: true\n")).dimensions == 15


def test_yaml_builds_no_python_objects(tmp_path: Path) -> None:
    with pytest.raises(SemirayError, match="not valid YAML"):
        JointPrior.from_yaml(_write(tmp_path, "factors: !!python/object/apply:os.getcwd []\n"))
