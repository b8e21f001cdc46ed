from __future__ import annotations

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.options import reading_options
from semiray.radiographs.reading.readers import read_records


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
