"""report.json keeps to its schema, and the schema is strict."""

import copy
import json
import math
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter

from semiray.evaluation import JUDGEMENTS, ConcordanceResult, GroundingResult, Interval, Skipped
from semiray.report.schema import VERSION, report_content, report_schema


@pytest.fixture(scope="module")
def keeps() -> Any:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).is_valid


def test_it_names_its_version_everywhere_and_every_judgement() -> None:
    schema = report_schema()
    assert schema["properties"]["schema"]["const"] == VERSION
    assert schema["$id"].endswith(f":{VERSION}")
    assert tuple(schema["properties"]["judgements"]["properties"]) == JUDGEMENTS


def test_a_whole_report_and_an_empty_one_keep_to_it(whole: Any, make: Any, keeps: Any) -> None:
    assert keeps(json.loads((whole[1] / "report.json").read_text()))
    few = ConcordanceResult("auroc", 0.6, math.nan, math.nan, n_images=9, n_patients=7, n_events=2)
    grounding = GroundingResult({"survival": few, "texture": Skipped("no column")})
    results = make.results(phantom=True, utility=Skipped("why"), grounding=grounding)
    content = json.loads(json.dumps(report_content(results), allow_nan=False))
    assert keeps(content)
    found = content["judgements"]["grounding"]["factors"]["survival"]
    assert (found["value"], found["low"], found["high"], found["chance"]) == (0.6, None, None, 0.5)


def test_no_key_may_be_missing_of_another_type_or_added(whole: Any, keeps: Any) -> None:
    found = json.loads((whole[1] / "report.json").read_text())
    for key in found:
        assert not keeps({name: value for name, value in found.items() if name != key}), key
        assert not keeps(found | {key: {"another": 1} if key != "grounded" else 1}), key
    assert not keeps(found | {"new": 1})
    assert not keeps(found | {"schema": VERSION + 1})
    for name, judgement in found["judgements"].items():
        for key in judgement:
            spoilt = copy.deepcopy(found)
            spoilt["judgements"][name][key] = {"another": {"type": 1}}
            assert not keeps(spoilt), (name, key)
        assert not keeps(found | {"judgements": found["judgements"] | {name: judgement | {"new": 1}}}), name


def test_the_content_says_its_version_first_and_holds_what_stands_on_top(whole: Any) -> None:
    content = report_content(whole[0])
    assert list(content)[:3] == ["schema", "semiray", "created"]
    assert list(content)[-1] == "judgements"
    assert content["verdict"] == whole[0].verdict
    assert content["warnings"] == [whole[0].shortcuts.warning()]
    assert [one["name"] for one in content["headlines"]] == [one.name for one in whole[0].headlines]
    assert "samples" not in content


def test_a_number_that_does_not_exist_is_null() -> None:
    found = TypeAdapter(Interval).dump_python(Interval(0.5, math.nan, math.inf, (0.5,)), mode="json")
    assert found == {"mean": 0.5, "low": None, "high": None, "seeds": [0.5]}


@pytest.mark.parametrize("found", [{}, [], None, {"schema": 1}])
def test_what_is_no_report_does_not_keep_to_it(found: Any, keeps: Any) -> None:
    assert not keeps(found)
