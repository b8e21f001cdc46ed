from __future__ import annotations

import json

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.store.files import (
    Lines,
    index_lines,
    map_numbers,
    read_json,
    seal,
    unseal,
    write_lines,
    write_numbers,
)

VALUES = ["a", "", "ü\n€", "x" * 3_000_000, 'quote " and \\', "\ud800 alone"]


def test_lines_are_what_was_written(tmp_path):
    write_lines(tmp_path, "text", VALUES)
    lines = Lines(tmp_path, "text", str)
    assert len(lines) == len(VALUES)
    assert list(lines) == VALUES
    assert lines[-1] == VALUES[-1]
    assert lines[np.int64(2)] == VALUES[2]
    assert lines[1:3] == tuple(VALUES[1:3])
    assert "ü\n€" in lines
    with pytest.raises(IndexError):
        lines[6]


def test_no_lines_at_all(tmp_path):
    write_lines(tmp_path, "text", [])
    assert list(Lines(tmp_path, "text", str)) == []


def test_lines_are_decoded_when_asked_for(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(b'["k", {"age": "3"}]\nno JSON\n')
    index_lines(tmp_path, "rows")
    lines = Lines(tmp_path, "rows", lambda row: row[1]["age"])
    assert lines[0] == "3"
    assert len(lines) == 2
    with pytest.raises(SemirayError, match=r"line 2.*not JSON"):
        lines[1]


@pytest.mark.parametrize(
    "values", [np.arange(6).reshape(3, 2), np.zeros(0, np.int32), np.array(["a", "ü€", "\ud800"]), np.zeros(0, "<U3")]
)
def test_numbers_are_plain_npy(tmp_path, values):
    write_numbers(tmp_path / "a.npy", values)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), values)
    mapped = map_numbers(tmp_path / "a.npy")
    assert mapped.dtype == values.dtype
    np.testing.assert_array_equal(mapped, values)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


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


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"\x80\x04."])
def test_what_is_no_array_is_a_sentence(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(SemirayError, match=r"a\.npy"):
        map_numbers(tmp_path / "a.npy")


@pytest.mark.parametrize("header", ["(" * 3000, "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "{1: 2}"])
def test_headers_that_nobody_wrote_are_sentences(tmp_path, header):
    text = header.encode() + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(64))
    with pytest.raises(SemirayError, match=r"a\.npy"):
        map_numbers(tmp_path / "a.npy")


def test_arrays_of_another_kind_are_sentences(tmp_path):
    write_numbers(tmp_path / "a.npy", np.zeros((2, 2)))
    with pytest.raises(SemirayError, match="isn't the array"):
        map_numbers(tmp_path / "a.npy", "i")
    with pytest.raises(SemirayError, match="isn't the array"):
        map_numbers(tmp_path / "a.npy", "f", 1)


def test_lines_that_begin_nowhere_are_sentences(tmp_path):
    write_lines(tmp_path, "text", ["a", "b"])
    write_numbers(tmp_path / "text.npy", np.array([-5, 2, 10**12]))
    lines = Lines(tmp_path, "text", str)
    for at in (0, 1):
        with pytest.raises(SemirayError, match="damaged"):
            lines[at]


def test_a_seal_reads_no_device_and_no_other_folder(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "outside").write_bytes(b"abc")
    seal(tmp_path / "set" / "facts.json", {}, ("../outside",))
    with pytest.raises(SemirayError, match="damaged"):
        unseal(tmp_path / "set" / "facts.json")
