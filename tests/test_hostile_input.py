"""Every entrance, given anything: it is read, or refused in a sentence. Properties, with examples by hypothesis."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unicodedata import category

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semiray.cli import main
from semiray.errors import SemirayError
from semiray.escaping import from_spreadsheet, in_markdown, in_spreadsheet, in_terminal, printable
from semiray.generation.formats import open_format
from semiray.priors import JointPrior, fit_prior, read_grounds
from semiray.radiographs import Split
from semiray.radiographs.reading.options import parse_classes, reading_options
from semiray.radiographs.reading.patterns import compile_pattern, search
from semiray.radiographs.reading.readers import read_records
from semiray.report.compare import compare_lines, read_reports
from semiray.settings import load_settings, make_settings, parse_assignment
from semiray.structured import parse_json, parse_toml, parse_yaml

few = settings(max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))

ODD = st.sampled_from(
    [
        "",
        "\x1b[31m",
        "$\\frac{",
        "=1+1",
        "9" * 400,
        "nan",
        "true",
        "&a [*a]",
        "../x",
        "\u202e",
        "[" * 200,
        "\\ud800",
        "-1",
    ]
)
TEXTS = st.text(max_size=40) | ODD
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.sampled_from([10**400, -1, 10**20])
TREES = st.recursive(
    LEAVES, lambda one: st.lists(one, max_size=4) | st.dictionaries(TEXTS, one, max_size=4), max_leaves=12
)
PRIOR = JointPrior.default()


def refused_or(read: Callable[[], Any]) -> Any:
    """What was read; None where it was refused in a sentence, which must be one."""
    try:
        return read()
    except SemirayError as error:
        said = str(error)
    assert said.strip()
    assert len(said) < 20_000
    in_terminal(said).encode()
    return None


def chosen(keys: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with known keys, so that more than the first check is reached."""
    return st.dictionaries(keys | TEXTS, TREES, max_size=5)


@few
@given(TEXTS | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_readers_of_text(text: str) -> None:
    for parse in (parse_json, parse_yaml, parse_toml):
        refused_or(lambda parse=parse: parse(text, "f"))  # type: ignore[misc]


@few
@given(TREES)
def test_what_is_written_as_json_and_yaml_is_read_or_refused(tree: Any) -> None:
    found = refused_or(lambda: parse_json(json.dumps(tree), "f"))
    assert found is None or json.dumps(found) == json.dumps(tree)
    refused_or(lambda: parse_yaml(yaml.safe_dump(tree), "f"))


OPTIONS = ["preset", "resolution", "seed", "minutes", "images", "prior", "ground", "data", "networks", "objectives"]


@few
@given(chosen(st.sampled_from(OPTIONS)) | TREES)
def test_settings(tree: Any) -> None:
    if isinstance(tree, dict):
        refused_or(lambda: make_settings(tree))


@few
@given(st.sampled_from([*OPTIONS, "objectives.sort", "optimisation.betas", "data.classes", "a.b.c", ""]), TEXTS)
def test_assignments(name: str, value: str) -> None:
    refused_or(lambda: load_settings(assignments=[f"{name}={value}"]))
    refused_or(lambda: parse_assignment(value))


FACTOR = st.fixed_dictionaries(
    {"family": st.sampled_from(["bernoulli", "uniform", "normal", "categorical", "tabulated", "weibull"]) | TEXTS},
    optional={
        name: LEAVES | st.lists(LEAVES, max_size=4) | st.floats(0, 1)
        for name in (
            "probability",
            "low",
            "high",
            "mean",
            "sd",
            "values",
            "probabilities",
            "dimensions",
            "correlation",
            "unit",
        )
    },
)


@few
@given(chosen(st.sampled_from(["factors", "between", "correlation", "nearest"])))
def test_priors_of_any_tree(tree: dict[str, Any]) -> None:
    refused_or(lambda: JointPrior.from_dict(tree))


@few
@given(st.dictionaries(st.sampled_from(["a", "b", "dose"]) | TEXTS, FACTOR, max_size=3), TREES, TREES)
def test_priors_of_any_factors(factors: dict[str, Any], between: Any, correlation: Any) -> None:
    refused_or(lambda: JointPrior.from_dict({"factors": factors}))
    refused_or(lambda: JointPrior.from_dict({"factors": factors, "between": between}))
    refused_or(lambda: JointPrior.from_dict({"factors": factors, "correlation": correlation}))


RULE = chosen(st.sampled_from(["column", "time", "event", "values"]))
RULES = st.dictionaries(st.sampled_from(["survival", "duration", "recipe"]) | TEXTS, RULE | TREES, max_size=3) | TREES


@few
@given(RULES, st.lists(st.dictionaries(st.sampled_from(["a", "b", "days"]), TEXTS, max_size=3), max_size=4))
def test_ground_rules_and_tables(rules: Any, rows: list[dict[str, str]]) -> None:
    refused_or(lambda: read_grounds(rules, PRIOR))
    plain = read_grounds({"duration": {"time": "days", "event": "a"}}, PRIOR)
    refused_or(lambda: fit_prior(rows, None, plain, PRIOR))


WORDS = [
    "survival",
    "duration",
    "texture[1]",
    "all(survival)",
    "==",
    "<=",
    "<",
    "in",
    "not",
    "and",
    "or",
    "(",
    ")",
    "{0, 1}",
    "1",
    "14",
]


@few
@given(st.lists(st.sampled_from(WORDS) | TEXTS, max_size=9).map(" ".join))
def test_events(text: str) -> None:
    found = refused_or(lambda: PRIOR.given(text))
    assert found is None or 0 <= found.probability <= 1


@few
@given(TEXTS)
def test_classes_and_reading_options(text: str) -> None:
    refused_or(lambda: parse_classes(text))
    refused_or(lambda: reading_options({"classes": text, "label_from": text, "framing": text}))


KEYS = ["p10/patient00001/study1/view1_frontal.jpg", "a" * 60 + "!", "NORMAL/IM-0001.jpeg"]


@few
@given(
    st.lists(
        st.sampled_from([r"\d", "(", ")", "a", "+", "*", "|", "[a-z]", "{3}", "?", "(?:", "$", "\\"]), max_size=12
    ).map("".join)
    | TEXTS
)
def test_patterns(pattern: str) -> None:
    compiled = refused_or(lambda: compile_pattern(pattern, "label_from"))
    if compiled is not None:
        refused_or(lambda: search(compiled, KEYS, "label_from", "unlabelled", [], seconds=0.2))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for files that one example after the other is written to."""
    return tmp_path_factory.mktemp("hostile")


PART = st.lists(st.sampled_from("abc") | TEXTS | LEAVES, max_size=3) | TREES


@few
@given(
    st.fixed_dictionaries({"seed": LEAVES | st.just(0)}, optional=dict.fromkeys(("train", "validation", "test"), PART)),
    st.sampled_from([None, 1]),
)
def test_splits(work: Path, tree: dict[str, Any], indent: int | None) -> None:
    (work / "split.json").write_text(json.dumps(tree, indent=indent))
    found = refused_or(lambda: Split.load(work / "split.json", ["a", "b", "c"]))
    if found is not None:
        used = np.concatenate([found.train, found.validation, found.test])
        assert len(set(used.tolist())) == len(used) <= 3


LINE = chosen(st.sampled_from(["name", "value", "low", "high", "section", "digits", "unit", "signed"]))
REPORT = chosen(st.sampled_from(["subject", "data", "schema", "headlines", "utility"]))


@few
@given(REPORT, st.lists(LINE | TREES, max_size=3))
def test_reports(work: Path, tree: dict[str, Any], lines: list[Any]) -> None:
    for content in (tree, {"subject": "s", "data": "d", "schema": 2, "headlines": lines}):
        (work / "report.json").write_text(json.dumps(content))
        found = refused_or(lambda: read_reports([work / "report.json"]))
        if found:
            in_terminal("\n".join(compare_lines(found))).encode()


@few
@given(st.lists(st.lists(TEXTS, max_size=4), max_size=4), st.sampled_from([",", ";", "\t"]))
def test_tables(work: Path, rows: list[list[str]], between: str) -> None:
    folder = work / "set"
    folder.mkdir(exist_ok=True)
    (folder / "a.png").write_bytes(b"no image")
    text = io.StringIO()
    csv.writer(text, delimiter=between).writerows([["path", "label"], ["a.png", "x"], *rows])
    (folder / "table.csv").write_text(text.getvalue(), encoding="utf-8", errors="replace")
    for data in (folder, folder / "table.csv"):
        refused_or(lambda data=data: read_records(data, reading_options({})))  # type: ignore[misc]


@few
@given(st.binary(max_size=1200))
def test_shards(work: Path, tail: bytes) -> None:
    folder = work / "shards"
    folder.mkdir(exist_ok=True)
    (folder / "a.tar").write_bytes(tail)
    refused_or(lambda: read_records(folder, reading_options({})))


@few
@given(st.text(max_size=40) | ODD)
def test_words_of_others(text: str) -> None:
    assert from_spreadsheet(in_spreadsheet(text)) == text
    assert "<" not in in_markdown(text)
    assert "\n" not in in_markdown(text)
    assert not any(category(x) in ("Cc", "Cs") for x in in_terminal(text) if x not in "\n\t")
    printable(text).encode()


@few
@given(st.lists(TEXTS, min_size=1, max_size=3, unique=True))
def test_folders_of_classes(work: Path, names: list[str]) -> None:
    out = work / "classes"
    made = refused_or(lambda: open_format("png", out, "run", tuple(name[:60] for name in names), ["a[0]"]))
    if made is not None:
        assert all((out / folder).resolve().parent == out.resolve() for folder in made.folders)


@settings(few, max_examples=25)
@given(st.sampled_from(["-n", "--resolution", "--seed", "--out", "--nonsense"]), TEXTS)
def test_the_command_line(capsys: pytest.CaptureFixture[str], work: Path, option: str, value: str) -> None:
    words = ["data", "phantom", str(work / "new"), "-n", "0", option, value.replace("\0", "")]
    assert main(words) == 2
    said = "".join(capsys.readouterr())
    assert said
    assert all(character.isprintable() or character in "\n\t" for character in said)
