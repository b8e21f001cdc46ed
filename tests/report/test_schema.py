"""The schema's other half, that every report of this room's tests keeps to it, is a fixture in conftest.py."""

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from semiray.evaluation.skipped import Skipped

from semiray.evaluation import ImageSamples, Results
from semiray.evaluation.judgements.benefit import ARMS
from semiray.evaluation.judgements.grounding import ConcordanceResult
from semiray.report import content, report_content
from semiray.report.schema import VERSION, report_schema

# Whose keys are numbers: fractions, shares, counts of images.
BY_NUMBER = {*ARMS, "synthetic_only", "mixing", "n_real_images", "n_real_patients"}


def keeps(found: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(report_schema()).is_valid(found))


def test_it_is_a_schema_and_names_its_version_everywhere() -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["schema"]["const"] == VERSION
    assert schema["$id"].endswith(f":{VERSION}")


def test_every_definition_is_used() -> None:
    schema = report_schema()
    text = json.dumps(schema)
    assert [name for name in schema["$defs"] if f'"#/$defs/{name}"' not in text] == []


def test_a_whole_report_and_an_empty_one_keep_to_it(whole: Any) -> None:
    assert keeps(json.loads((whole[1] / "report.json").read_text()))
    few = ConcordanceResult("auroc", 0.6, math.nan, math.nan, n_images=9, n_patients=7, n_events=2)
    grounding = {"survival": few, "texture": Skipped("no column")}
    report = Results("a", "b", True, Skipped("why"), ImageSamples(("",), (), ()), grounding=grounding)
    assert keeps(json.loads(json.dumps(report_content(report), allow_nan=False)))


def places(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where keys of ours lie: those below a factor's, a class's or a list's entry aren't followed."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield (*path, key)
            if key not in {"grounded", "per_class", "measure", "recall_at_specificity", "authenticity", *BY_NUMBER}:
                yield from places(value, (*path, key))


def spoil(found: dict[str, Any], path: tuple[str, ...], *, remove: bool) -> dict[str, Any]:
    spoilt = copy.deepcopy(found)
    node = spoilt
    for key in path[:-1]:
        node = node[key]
    if remove:
        del node[path[-1]]
    else:
        node[path[-1]] = {"another": "type"}
    return spoilt


def test_no_key_may_be_missing_of_another_type_or_added(whole: Any) -> None:
    found = json.loads((whole[1] / "report.json").read_text())
    factors = set(found["commitment"]["mean"])
    optional = {"probe", "effect_mean", "effect", "energy", "correlation", "white_box"}
    seen = 0
    for path in places(found):
        if path[-1] not in factors:
            assert path[-1] in optional or not keeps(spoil(found, path, remove=True)), path
        assert not keeps(spoil(found, path, remove=False)), path
        seen += 1
    assert seen > 150
    for part in ("utility", "benefit", "commitment", "sorting", "privacy", "shortcuts"):
        assert not keeps(found | {part: found[part] | {"new": 1}}), part
    assert not keeps(found | {"new": 1})
    assert not keeps(found | {"schema": VERSION + 1})


def test_the_content_says_its_version_first() -> None:
    report = Results("a", "b", False, Skipped("why"), ImageSamples(("",), (), ()))
    assert next(iter(content.report_content(report).items())) == ("schema", VERSION)


@pytest.mark.parametrize("found", [{}, [], None, {"schema": 1}])
def test_what_is_no_report_does_not_keep_to_it(found: Any) -> None:
    assert not keeps(found)
