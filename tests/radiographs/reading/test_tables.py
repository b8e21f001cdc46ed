from __future__ import annotations

import sys

import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.tables import ImageIndex, choose_column, find_path_column, read_table


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".csv", ";"), (".csv", "\t"), (".tsv", "\t")])
def test_delimiters_and_encodings(tmp_path, encoding, suffix, delimiter):
    path = tmp_path / f"t{suffix}"
    rows = [["file", "class"], ["a.png", "Müller"], [], ["b.png"]]
    path.write_bytes("\r\n".join(delimiter.join(row) for row in rows).encode(encoding))
    table = read_table(path)
    assert table.columns == ("file", "class")
    assert table.rows == ({"file": "a.png", "class": "Müller"}, {"file": "b.png", "class": ""})


def test_broken_tables_are_named_with_their_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n1,2,3\n")
    with pytest.raises(SemirayError, match=r"t\.csv, line 3: 3 cells"):
        read_table(path)
    path.write_text("")
    with pytest.raises(SemirayError, match="empty"):
        read_table(path)
    path.write_text("a\n" + "x" * 200_000)
    with pytest.raises(SemirayError, match=r"line \d+: this isn't a table"):
        read_table(path)


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"file": ["a.png", "b.png"], "age": [3, None]}), path)
    assert read_table(path).rows == ({"file": "a.png", "age": "3"}, {"file": "b.png", "age": ""})
    path.write_bytes(b"nonsense")
    with pytest.raises(SemirayError, match=r"t\.parquet: this isn't a Parquet table"):
        read_table(path)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"")
    with pytest.raises(SemirayError, match=r"semiray\[parquet\]"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        ("png/a1.png", "png/a1.png"),
        ("./png/a1.png", "png/a1.png"),
        ("png\\a1.png", "png/a1.png"),
        ("a1.png", "png/a1.png"),
        ("a1", "png/a1.png"),
        ("/home/someone/data/png/a1.png", "png/a1.png"),
        ("png/a1", "png/a1.png"),
        ("jpg/a1.png", None),
        ("twice.png", None),
        ("x/twice.png", "x/twice.png"),
        ("dots.1.2", "png/dots.1.2.png"),
        ("", None),
        ("nothing", None),
    ],
)
def test_cells_find_their_image(cell, key):
    index = ImageIndex(["png/a1.png", "x/twice.png", "y/twice.png", "png/dots.1.2.png"])
    assert index.find(cell) == key


def test_the_column_that_names_images_is_found(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("row,age,photo\n1,9,1.png\n2,9,3.png\n3,9,2.png\n")
    table, index = read_table(path), ImageIndex(["1.png", "2.png", "3.png"])
    assert find_path_column(table, index) == ("photo", ["1.png", "3.png", "2.png"])
    assert find_path_column(table, index, "row") == ("row", ["1.png", "2.png", "3.png"])
    assert find_path_column(table, ImageIndex(["q.png"])) is None
    with pytest.raises(SemirayError, match="'age': no cell names an image"):
        find_path_column(table, index, "age")
    with pytest.raises(SemirayError, match=r"no column 'nope' \(path_column=\). The columns are: row, age, photo"):
        find_path_column(table, index, "nope")


def test_known_columns_are_found_whatever_their_case(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Patient ID,b\n1,2\n")
    table = read_table(path)
    assert choose_column(table, None, ("patient_id",), "") == "Patient ID"
    assert choose_column(table, "b", ("patient_id",), "") == "b"
    assert choose_column(table, None, ("label",), "") is None
