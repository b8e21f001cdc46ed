from __future__ import annotations

import numpy as np
import pytest

from semiray.radiographs.columns import Lines, index_lines, map_numbers, write_lines, write_numbers

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
    with pytest.raises(ValueError, match="Expecting value"):
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
