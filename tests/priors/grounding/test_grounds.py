"""Rules as people write them: what is meant is read, what is misspelt is pointed out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from semiray.errors import SemirayError
from semiray.priors import JointPrior, read_grounds
from semiray.priors.grounding.recipes import RECIPES

PRIOR = JointPrior.default()


def test_rules_are_read_in_the_prior_s_order() -> None:
    text = "{duration: {time: days, event: discharged}, survival: {column: outcome, values: {recovered: 1, Died: 0}}}"
    rules = read_grounds(yaml.safe_load(text), PRIOR)
    assert list(rules) == ["survival", "duration"]
    assert (rules["survival"].column, rules["survival"].event) == ("outcome", None)
    assert rules["survival"].words["recovered"] == 1.0
    assert rules["survival"].words["died"] == 0.0
    assert (rules["duration"].column, rules["duration"].event) == ("days", "discharged")


def test_nothing_said_is_nothing_grounded() -> None:
    assert read_grounds(None, PRIOR) == {}
    assert read_grounds({}, PRIOR) == read_grounds({"recipe": None, "survival": None}, PRIOR) == {}


def test_yaml_s_yes_and_no_are_the_words() -> None:
    rules = read_grounds(yaml.safe_load("survival: {column: died, values: {yes: 0, no: 1, '?': null}}"), PRIOR)
    words = rules["survival"].words
    assert [words[word] for word in ("yes", "y", "no", "n", "?")] == [0.0, 0.0, 1.0, 1.0, None]


def test_rules_mean_the_same_once_settings_have_written_them() -> None:
    tree = yaml.safe_load("{survival: {column: died, values: {no: 1, yes: null}}}")
    again = json.loads(json.dumps(tree))  # which makes words of the two keys
    assert read_grounds(again, PRIOR) == read_grounds(tree, PRIOR)


def test_a_continuous_factor_knows_no_words_of_its_own() -> None:
    assert read_grounds({"texture": {"column": "t"}}, PRIOR)["texture"].words == {}


@pytest.mark.parametrize("tree", ["hannover", {"recipe": "hannover"}])
def test_a_recipe_brings_the_rules_that_the_prior_has_factors_for(tree: Any) -> None:
    rules = read_grounds(tree, PRIOR)
    assert list(rules) == ["survival", "duration"]
    assert {rule.recipe for rule in rules.values()} == {"hannover"}


def test_a_measure_needs_no_column() -> None:
    rules = read_grounds("lateral", PRIOR)
    assert {name: (rule.measure, rule.column) for name, rule in rules.items()} == {"presentation": ("asymmetry", "")}
    beside = read_grounds({"recipe": "hannover", "texture": {"measure": "asymmetry"}}, PRIOR)
    assert [rule.measure for rule in beside.values()] == [None, None, "asymmetry"]


def test_rules_beside_a_recipe_are_added_replaced_or_taken_away() -> None:
    tree = {"recipe": "hannover", "texture": {"column": "t"}, "survival": None, "duration": {"time": "treated_days"}}
    rules = read_grounds(tree, PRIOR)
    assert list(rules) == ["duration", "texture"]
    assert rules["duration"].event is None


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_s_rules_can_be_read(name: str) -> None:
    factors = {
        factor: {"family": "exponential", "mean": 1} if "time" in rule else {"family": "bernoulli", "probability": 0.5}
        for factor, rule in RECIPES[name].grounds.items()
    }
    assert set(read_grounds(name, JointPrior.from_dict({"factors": factors}))) == set(RECIPES[name].grounds)


WRONG = [
    ({"duratin": {"time": "days"}}, r"no factor 'duratin', did you mean 'duration'\?"),
    ({"survival": {"colum": "s"}}, r"survival: no option 'colum', did you mean 'column'\?"),
    ({"survival": {}}, r"survival: give either column or time"),
    ({"duration": {"column": "a", "time": "b"}}, r"duration: give either column or time"),
    ({"duration": {"column": "a", "event": "b"}}, r"duration: event needs time"),
    ({"survival": {"time": "a"}}, r"survival: time is for durations, but this factor is 0 or 1"),
    ({"survival": {"column": 3}}, r"survival: column = 3 must be the name of a column"),
    ({"survival": "outcome"}, r"survival = 'outcome': write \{column"),
    ({"survival": {"column": "s", "values": ["y"]}}, r"survival: values must map words to numbers"),
    ({"survival": {"column": "s", "values": {"y": "alive"}}}, r"survival: values: y must be a number"),
    ({"duration": {"time": "a", "event": "b", "values": {"died": 2}}}, r"duration: values must be 1 \(.*, 0"),
    ("hanover", r"no recipe 'hanover', did you mean 'hannover'\?"),
    ({"texture": {"measure": "asymetry"}}, r"texture: no measure 'asymetry', did you mean 'asymmetry'\?"),
    ({"texture": {"measure": "grain"}}, r"texture: no measure 'grain'.*asymmetry"),
    ({"texture": {"measure": "asymmetry", "column": "t"}}, r"measure is taken of the image itself.* without column"),
    ({"texture": {"measure": "asymmetry", "values": {}}}, r"it goes without values"),
    ({"recipe": 7}, r"no recipe 7"),
    ({"recipe": ["hannover"]}, r"no recipe \['hannover'\]"),
    ([1], r"ground = \[1\]: write factor"),
]


@pytest.mark.parametrize(("tree", "message"), WRONG)
def test_what_is_wrong_is_named(tree: Any, message: str) -> None:
    with pytest.raises(SemirayError, match=message):
        read_grounds(tree, PRIOR)


def test_a_recipe_that_speaks_of_none_of_the_factors_says_so() -> None:
    prior = JointPrior.from_dict({"factors": {"x": {"family": "normal", "mean": 0, "standard_deviation": 1}}})
    with pytest.raises(SemirayError, match=r"has rules for survival, duration.* it has x"):
        read_grounds("hannover", prior)


def test_the_page_s_rules_are_read() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "grounding.md"
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)
    read = [read_grounds(yaml.safe_load(block)["ground"], PRIOR) for block in blocks]
    assert [list(rules) for rules in read] == [
        ["survival", "duration", "presentation"],
        ["survival"],
        ["survival", "duration"],
    ]


def test_a_factor_may_be_called_recipe() -> None:
    prior = JointPrior.from_dict({"factors": {"recipe": {"family": "bernoulli", "probability": 0.5}}})
    assert read_grounds({"recipe": {"column": "c"}}, prior)["recipe"].column == "c"


def test_a_finding_stands_for_a_factor_of_two_values() -> None:
    rules = read_grounds({"survival": {"finding": "Effusion"}}, PRIOR)
    assert rules["survival"].finding == "Effusion"
    assert rules["survival"].in_images
    with pytest.raises(SemirayError, match="finding is for a factor that is 0 or 1"):
        read_grounds({"duration": {"finding": "Effusion"}}, PRIOR)
    with pytest.raises(SemirayError, match="it goes without column"):
        read_grounds({"survival": {"finding": "Effusion", "column": "x"}}, PRIOR)
    with pytest.raises(SemirayError, match="must be the name of a finding"):
        read_grounds({"survival": {"finding": " "}}, PRIOR)
