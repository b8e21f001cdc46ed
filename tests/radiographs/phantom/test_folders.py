"""A folder of phantoms is there as a whole or not at all."""

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.radiographs.phantom.folders import new_folder, save_png


@pytest.mark.parametrize("there", [False, True])
def test_what_was_written_is_there_in_the_end(tmp_path, there):
    out = tmp_path / "out"
    if there:
        out.mkdir()
    with new_folder(out, ("a", "b"), "table.csv") as folder:
        (folder / "a" / "1.png").write_bytes(b"1")
        (folder / "table.csv").write_text("x")
        assert not (out / "table.csv").exists()
    assert sorted(path.name for path in out.iterdir()) == ["a", "b", "table.csv"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_is_left_of_a_folder_that_failed(tmp_path):
    with pytest.raises(SemirayError, match="can't write phantoms"), new_folder(tmp_path / "out", ("a",), "t.csv"):
        raise OSError("disk full")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(SemirayError, match="isn't an empty folder"), new_folder(tmp_path / "out", ("a",), "t.csv"):
        pass


def test_images_say_that_they_are_phantoms(tmp_path):
    save_png(tmp_path / "x.png", np.zeros((4, 4), np.uint8), {"Label": "normal"})
    with Image.open(tmp_path / "x.png") as image:
        assert image.text == {"Phantom": "true", "Synthetic": "true", "Software": "semiray", "Label": "normal"}
