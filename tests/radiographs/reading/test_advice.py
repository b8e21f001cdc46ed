from __future__ import annotations

from pathlib import Path

from semiray.radiographs.reading.advice import other_columns, same_names
from semiray.radiographs.reading.findings import Labels
from semiray.radiographs.reading.joining import Found
from semiray.radiographs.reading.options import reading_options
from semiray.radiographs.reading.tables import Table


def found(columns):
    """A set of twelve images and a table of these columns, each a function of the image's number."""
    rows = [{"file": f"{i}.png", **{name: str(cell(i)) for name, cell in columns.items()}} for i in range(12)]
    table = Table(Path("t.csv"), ("file", *columns), tuple(rows))
    keys = [row["file"] for row in rows]
    joined = [(table, "file")]
    return Found(Path(), "", {key: Path(key) for key in keys}, rows=dict(zip(keys, rows, strict=True)), joined=joined)


def test_a_column_of_few_values_is_proposed_and_others_are_not():
    data = found({"severity": lambda i: i % 3, "sex": lambda i: i % 2, "view": lambda i: i % 2, "text": lambda i: i})
    (advice,) = other_columns(data, Labels(), list(data.paths), reading_options({}))
    assert advice.option == "--label-column 'severity'"
    assert "0 (4), 1 (4), 2 (4)" in advice.text
    assert not other_columns(data, Labels(), list(data.paths), reading_options({"label_column": "sex"}))


def test_names_in_two_folders_are_told_of_unless_they_are_parts_or_numbers():
    twice = [f"{folder}/scan{i}.png" for folder in ("png", "jpg") for i in range(6)]
    (advice,) = same_names(twice)
    assert "6 names occur in more than one folder (jpg/scan0.png and png/scan0.png)" in advice.text
    assert not same_names([f"{folder}/scan{i}.png" for folder in ("train", "test") for i in range(6)])
    assert not same_names([f"{folder}/{i}.png" for folder in ("a", "b") for i in range(6)])
