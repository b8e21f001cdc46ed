from __future__ import annotations

import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.matching import ImageIndex, find_path_column
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
