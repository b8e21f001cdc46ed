"""Promises of the reader of JSON, YAML and TOML: plain data, or one sentence with file and place."""

from pathlib import Path

import pytest

from semiray.errors import SemirayError
from semiray.structured import DEEPEST, parse_json, parse_toml, parse_yaml, read_json, read_structured, read_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "levels deep"),
        ("{a: " * 5_000, "levels deep"),
        ("- " * 5_000 + "x", "levels deep"),
        ("&a [*a]", "inside of"),
        ("a: &x {b: *x}", "inside of"),
        (BOMB, "more than 200,000 values"),
        ("!!python/object/apply:os.system [ls]", "tag"),
        ("%TAG ! tag:yaml.org,2002:python/\n---\n!name:os.system x", "tag"),
        ("!!binary aGk=", "tag"),
        ("!!set {a, b}", "tag"),
        ("!!timestamp 2020-01-01", "tag"),
        ("!!int ''", "isn't a whole number"),
        ("!!bool foo", "isn't true or false"),
        ("!!float x", "isn't a number"),
        ("!!map [1]", "mapping is expected"),
        ("!!seq {a: b}", "expected a sequence"),
        ("a: " + "9" * 400, "300 digits"),
        ("9" * 5_000, "isn't a whole number"),
        ("{[1]: 2}", "a key must be a word or a number"),
        ("? {a: b}\n: c", "a key must be a word or a number"),
        ("a: 1\na: 2", "line 2, column 1: .*'a' is given twice"),
        (r'"\ud800"', "half a character"),
        (r'"\UFFFFFFFF"', "not valid YAML"),
        ("a\x00b", "special characters"),
        ("a\n---\nb", "another document"),
        ("<<: [1, 2]", "merging"),
        ("*x", "undefined alias"),
        ("a: [1", "line 1, column 6"),
        ("x" * (5 << 20), "too large"),
    ],
    ids=range(29),
)
def test_what_yaml_can_hide_is_a_sentence(text: str, says: str) -> None:
    with pytest.raises(SemirayError, match=says) as caught:
        parse_yaml(text, "settings.yaml")
    assert str(caught.value).startswith("settings.yaml")
    assert len(str(caught.value)) < 400


def test_plain_yaml_is_read() -> None:
    text = "a: &a {x: 1, y: [true, null, 1.5, text]}\nb: {<<: *a, y: 2}\nsince: 2020-13-45\n3: =\n"
    assert parse_yaml(text, "f") == {
        "a": {"x": 1, "y": [True, None, 1.5, "text"]},
        "b": {"x": 1, "y": 2},
        "since": "2020-13-45",
        3: "=",
    }
    assert parse_yaml("- " * (DEEPEST - 2) + "x", "f") is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "levels deep"),
        ('{"a":' * 900 + "1" + "}" * 900, "levels deep"),
        ("9" * 400, "300 digits"),
        ("9" * 5_000, "300 digits"),
        (r'"\ud800"', "half a character"),
        (b"\xff\xfe", "UTF-8"),
        ("[1,\n,", "line 2, column 1: not JSON"),
        ("", "not JSON"),
    ],
    ids=range(8),
)
def test_what_json_can_hide_is_a_sentence(text: str | bytes, says: str) -> None:
    with pytest.raises(SemirayError, match=says):
        parse_json(text, "report.json")


def test_plain_json_is_read() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": [1, 2.5, null]}', "f") == {"a": [1, 2.5, None]}
    assert parse_json(r'"\udcff"', "f", halves=True) == "\udcff"
    with pytest.raises(SemirayError, match="larger than 3 bytes"):
        parse_json("[1, 2]", "f", largest=3)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = " + "[" * 100_000, "levels deep"),
        ("a" + ".a" * 100_000 + " = 1", "levels deep"),
        ("[" + "a . 'b.b' ." * 50 + "c]", "levels deep"),
        ("a = " + "9" * 5_000, "doesn't exist"),
        ("a = 2020-01-01", "in quotes"),
        ("a = ", "not TOML"),
    ],
    ids=range(6),
)
def test_what_toml_can_hide_is_a_sentence(text: str, says: str) -> None:
    with pytest.raises(SemirayError, match=says):
        parse_toml(text, "f.toml")


def test_a_row_of_dots_is_no_key() -> None:
    assert parse_toml(f"# {'.' * 100}\na = [{'1.5, ' * 100}]\nb = 1", "f.toml")["b"] == 1


def test_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("a.b = 0.5\n")
    assert read_structured(tmp_path / "a.toml") == {"a": {"b": 0.5}}
    (tmp_path / "a.yaml").write_text("a: [")
    for read in (read_structured, read_yaml, read_json):
        with pytest.raises(SemirayError, match=r"a\.yaml, line 1, column"):
            read(tmp_path / "a.yaml")
    with pytest.raises(OSError, match="missing"):
        read_json(tmp_path / "missing.json")
