from __future__ import annotations

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.joining import ImageIndex, find_path_column
from semiray.radiographs.reading.options import reading_options
from semiray.radiographs.reading.readers import read_records
from semiray.radiographs.reading.tables import read_table


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
        ("a1.dcm", "png/a1.png"),
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


def test_many_images_of_one_name_are_told_apart_by_folders():
    keys = [f"train/patient{i:05d}/study1/view1_frontal.jpg" for i in range(20_000)]
    index = ImageIndex(keys)
    assert [index.find(f"set/{key}") for key in keys] == keys
    assert index.find("patient00007/study1/view1_frontal.jpg") == keys[7]
    assert index.find("study1/view1_frontal.jpg") is None


@pytest.mark.parametrize("text", ["img/0.png,A\nimg/1.png,B\n", "file,label\nimg/0.png,A\nimg/1.png,B\n"])
def test_a_table_that_is_the_set_is_read_with_and_without_a_header(tmp_path, draw, text):
    for i in range(3):
        draw(tmp_path / "img" / f"{i}.png", seed=i)
    (tmp_path / "t.csv").write_text(text)
    listing = read_records(tmp_path / "t.csv", reading_options({}))
    assert {record.key: record.label for record in listing.records} == {"img/0.png": "A", "img/1.png": "B"}
    (tmp_path / "t.csv").write_text("\n".join(line.split(",")[0] for line in text.splitlines()))
    assert len(read_records(tmp_path / "t.csv", reading_options({}))) == 2
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "t.csv").write_text(text.replace("img/", "../img/"))
    listing = read_records(tmp_path / "lists" / "t.csv", reading_options({}))
    assert {record.key: record.label for record in listing.records} == {"../img/0.png": "A", "../img/1.png": "B"}


def test_tables_are_not_joined_by_a_disease(tmp_path, draw):
    for i in range(12):
        draw(tmp_path / f"x{i}.png", seed=i)
    (tmp_path / "images.csv").write_text("file,covid\n" + "".join(f"x{i}.png,{i % 2}\n" for i in range(12)))
    (tmp_path / "people.csv").write_text("age,covid\n" + "".join(f"{50 + i},{i % 2}\n" for i in range(12)))
    listing = read_records(tmp_path, reading_options({}))
    assert set().union(*(record.metadata for record in listing.records)) == {"file", "covid"}


def test_a_table_beside_dicom_files_may_contradict_their_headers(tmp_path, make_dicom):
    for name in ("a.dcm", "b"):
        (tmp_path / name).write_bytes(make_dicom(np.zeros((8, 8), np.uint16), PatientSex="M"))
    (tmp_path / "t.csv").write_text("file,PatientSex,label\na.dcm,F,A\nb,M,B\n")
    listing = read_records(tmp_path, reading_options({}))
    assert [record.metadata["PatientSex"] for record in listing.records] == ["M", "M"]
    assert any("t.csv says otherwise than the DICOM header" in one.text for one in listing.summary.advice)
    assert [record.label for record in read_records(tmp_path / "t.csv", reading_options({})).records] == ["A", "B"]
    (tmp_path / "t.csv").unlink()
    with pytest.raises(SemirayError, match="label_column= is given, but no table"):
        read_records(tmp_path, reading_options({"label_column": "label"}))


def test_an_image_called_like_a_column_is_no_first_line(tmp_path, draw):
    for i, name in enumerate(("image", "x1", "x2", "x3")):
        draw(tmp_path / f"{name}.png", seed=i)
    (tmp_path / "t.csv").write_text("image,label\nimage.png,A\nx1.png,B\nx2.png,A\nx3.png,B\n")
    listing = read_records(tmp_path, reading_options({}))
    assert [record.label for record in listing.records] == ["A", "B", "A", "B"]


def test_columns_that_contradict_folders_about_parts_are_told_of(tmp_path, draw):
    for i in range(6):
        draw(tmp_path / ("train" if i < 4 else "test") / f"{i}.png", seed=i)
    lines = [f"{i}.png,{'test' if i in (3, 4) else 'train'}" for i in range(6)]
    (tmp_path / "t.csv").write_text("\n".join(["file,split", *lines]))
    listing = read_records(tmp_path, reading_options({}))
    assert [record.metadata["split"] for record in listing.records] == ["test", "train", *["train"] * 3, "test"]
    assert any("2 images are in another part" in one.text for one in listing.summary.advice)


def test_tables_share_patients_with_and_without_decimals(tmp_path, draw):
    for i in range(12):
        draw(tmp_path / f"x{i}.png", seed=i)
    images = "".join(f"x{i}.png,{100 + i // 2}\n" for i in range(12))
    (tmp_path / "images.csv").write_text(f"file,patient_id\n{images}")
    (tmp_path / "people.csv").write_text("patient_id,sex\n" + "".join(f"{100 + i}.0,f\n" for i in range(6)))
    assert all(record.metadata["sex"] == "f" for record in read_records(tmp_path, reading_options({})).records)
