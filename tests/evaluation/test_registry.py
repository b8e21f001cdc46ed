"""Adding a judgement takes a file that measures, one that shows (tested in report), and one line in the registry."""

import sys
from pathlib import Path
from typing import Any

import pytest

from semiray.evaluation import Results, judgements, measure_set, registry
from semiray.evaluation.results import Result

DUMMY = '''
"""How many images there are."""

from pydantic.dataclasses import dataclass

from semiray.evaluation.context import Context
from semiray.evaluation.results import Result


@dataclass(frozen=True)
class DummyResult(Result):
    n_images: int


def measure(context: Context) -> DummyResult:
    return DummyResult(len(context.synthetic.images))
'''


def test_a_dummy_judgement_needs_one_file_and_one_line(
    set_maker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dummy.py").write_text(DUMMY)
    monkeypatch.setattr(judgements, "__path__", [*judgements.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "JUDGEMENTS", ("shortcuts", "dummy"))
    monkeypatch.delitem(sys.modules, "semiray.evaluation.judgements.dummy", raising=False)
    results = measure_set(set_maker(60, seed=7), set_maker(120), benefit=False, device="cpu")
    dummy = registry.judgement_module("dummy")
    assert results.dummy == results.get(dummy.DummyResult) == dummy.DummyResult(60)
    assert results.model_dump(mode="json")["judgements"]["dummy"] == {"n_images": 60}
    schema = Results.model_json_schema(mode="serialization")
    assert schema["properties"]["judgements"]["properties"]["dummy"]["anyOf"][0]["title"] == "DummyResult"
    sys.modules.pop("semiray.evaluation.judgements.dummy")


def test_every_judgement_has_its_module_and_says_what_it_returns() -> None:
    for name in registry.JUDGEMENTS:
        module = registry.judgement_module(name)
        assert module.__all__
        assert issubclass(registry.result_types(name)[0], Result)
