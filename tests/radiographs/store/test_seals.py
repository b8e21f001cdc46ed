from __future__ import annotations

import json

import pytest

from semiray.errors import SemirayError
from semiray.radiographs.store.seals import read_json, seal, unseal


@pytest.fixture
def sealed(tmp_path):
    (tmp_path / "small").write_bytes(b"abc")
    (tmp_path / "large").write_bytes(bytes(2000))
    seal(tmp_path / "facts.json", {"number": 3}, ("small", "large"))
    return tmp_path / "facts.json"


def test_facts_come_back(sealed):
    assert unseal(sealed, verify=True)["number"] == 3


@pytest.mark.parametrize("name", ["small", "large"])
def test_a_file_of_another_size_is_noticed(sealed, name):
    with (sealed.parent / name).open("ab") as file:
        file.write(b"x")
    with pytest.raises(SemirayError, match=f"{name} is missing or damaged"):
        unseal(sealed, cheap=0)
    (sealed.parent / name).unlink()
    with pytest.raises(SemirayError, match=f"{name} is missing or damaged"):
        unseal(sealed, cheap=0)


def test_checksums_of_large_files_are_compared_when_requested(sealed):
    (sealed.parent / "large").write_bytes(bytes(1999) + b"x")
    assert unseal(sealed, cheap=1000)["number"] == 3
    for options in ({"cheap": 1000, "verify": True}, {}):
        with pytest.raises(SemirayError, match="large is missing or damaged"):
            unseal(sealed, **options)


def test_facts_that_were_changed_are_noticed(sealed):
    sealed.write_text(sealed.read_text().replace('"number": 3', '"number": 4'))
    with pytest.raises(SemirayError, match=r"facts\.json is missing or damaged"):
        unseal(sealed)


def test_broken_json_is_empty(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"b": [1, "ü"]}), encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"b": [1, "ü"]}
    (tmp_path / "a.json").write_bytes(b"\xff\xfe{")
    assert read_json(tmp_path / "a.json") == {}
    assert read_json(tmp_path / "none.json") == {}
