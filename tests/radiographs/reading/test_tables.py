from __future__ import annotations

import bz2
import gzip
import lzma
import sys

import openpyxl
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.tables import choose_column, read_table


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
    assert len(read_table(path).rows) == 1


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"file": ["a.png", "b.png"], "age": [3, None]}), path)
    assert read_table(path).rows == ({"file": "a.png", "age": "3"}, {"file": "b.png", "age": ""})
    parquet.write_table(pyarrow.table({"file": ["a.png"], "image": [{"bytes": b"x"}], "raw": [b"x"]}), path)
    assert read_table(path).rows == ({"file": "a.png"},)
    path.write_bytes(b"nonsense")
    with pytest.raises(SemirayError, match=r"t\.parquet: this isn't a Parquet table"):
        read_table(path)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"")
    with pytest.raises(SemirayError, match=r"semiray\[parquet\]"):
        read_table(tmp_path / "t.parquet")


def test_known_columns_are_found_whatever_their_case():
    assert choose_column(["Patient ID", "b"], ("patient_id",)) == "Patient ID"
    assert choose_column(["b"], ("label",)) is None


def test_utf_16_and_packed_tables(tmp_path):
    text = "file;age\na.png;3,5\n"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        (tmp_path / "t.csv").write_bytes(text.encode(encoding))
        assert read_table(tmp_path / "t.csv").rows == ({"file": "a.png", "age": "3,5"},)
    for name, module in (("t.csv.gz", gzip), ("t.csv.bz2", bz2), ("t.csv.xz", lzma)):
        (tmp_path / name).write_bytes(module.compress(text.encode()))
        assert read_table(tmp_path / name).columns == ("file", "age")
    (tmp_path / "t.csv.gz").write_bytes(b"no archive")
    with pytest.raises(SemirayError, match="can't be read"):
        read_table(tmp_path / "t.csv.gz")


def test_lists_without_a_header(tmp_path):
    (tmp_path / "train.txt").write_text("p1 a.png COVID-19 cohen\np2 b.png normal rsna\n")
    table = read_table(tmp_path / "train.txt").without_header()
    assert table.columns == ("column 1", "column 2", "column 3", "column 4")
    assert [row["column 3"] for row in table.rows] == ["COVID-19", "normal"]


def test_ragged_lines_open_quotes_and_repeated_columns(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2,,\n3\n")
    assert read_table(path).rows == ({"a": "1", "b": "2"}, {"a": "3", "b": ""})
    path.write_text('a,b\n1,"2\n3,4\n')
    with pytest.raises(SemirayError, match="opens a quote that is never closed"):
        read_table(path)
    path.write_text("a,a,\n1,2,3\n")
    table = read_table(path)
    assert table.columns == ("a", "a (2)", "column 3")
    assert any("several columns called a" in note for note in table.notes)
    path.write_text("a,a,a (2),,column 4\n1,2,3,4,5\n")
    table = read_table(path)
    assert table.columns == ("a", "a (3)", "a (2)", "column (2)", "column 4")
    assert list(table.without_header().rows[0].values()) == ["a", "a", "a (2)", "", "column 4"]


def test_workbooks(tmp_path):
    path = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    for row in (("FILE NAME", "AGE"), ("COVID-1", 3), ("COVID-2", None)):
        book.active.append(row)
    book.save(path)
    assert read_table(path).rows == ({"FILE NAME": "COVID-1", "AGE": "3"}, {"FILE NAME": "COVID-2", "AGE": ""})
    path.write_bytes(b"PK nonsense")
    with pytest.raises(SemirayError, match="isn't a workbook"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "columns", "count"),
    [
        ('{"labels": [["0/a.png", 1], ["0/b.png", 0]]}', ("name", "label"), 2),
        ('{"a.png": "COVID", "b.png": "normal"}', ("name", "label"), 2),
        ('{"a.png": {"age": 3}, "b.png": {"sex": "f"}}', ("name", "age", "sex"), 2),
        ('[{"file": "a.png", "labels": ["x", "y"]}]', ("file", "labels"), 1),
        ('{"labels": [["a.png", [1, 1]], ["b.png", [0, 1, 1]]]}', ("name", "label 0", "label 1", "label 2"), 2),
    ],
)
def test_json_tables(tmp_path, content, columns, count):
    (tmp_path / "t.json").write_text(content)
    table = read_table(tmp_path / "t.json")
    assert (table.columns, len(table.rows)) == (columns, count)


def test_the_name_of_an_image_is_not_that_of_a_person(tmp_path):
    (tmp_path / "t.json").write_text('{"a.png": {"age": 3, "name": "X"}}')
    assert read_table(tmp_path / "t.json").rows == ({"name": "a.png", "age": "3"},)


@pytest.mark.parametrize("content", ["{", "[1, 2]", "[]", "3", '{"labels": null}', "[" * 5000])
def test_json_that_is_no_table(tmp_path, content):
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(SemirayError, match=r"t\.json"):
        read_table(tmp_path / "t.json")
