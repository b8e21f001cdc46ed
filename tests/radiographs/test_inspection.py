from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.radiographs.inspection import inspect


@pytest.fixture
def folder(tmp_path, draw):
    root = tmp_path / "data"
    for i in range(8):
        draw(root / "train" / "NP"[i % 2] / f"person{i // 2}_{i}.png", seed=i, size=(80, 70))
    draw(root / "test" / "P" / "person9_9.png", seed=0, size=(80, 70))
    with Image.open(root / "train" / "N" / "person1_2.png") as image:
        image.save(root / "train" / "N" / "person1_copy.jpg", quality=60)
    Image.fromarray(np.arange(2500, dtype=np.uint16).reshape(50, 50) * 3).save(root / "test" / "N.png")
    (root / "train" / "N" / "broken.png").write_bytes(b"x")
    return root


def test_everything_is_counted(folder, tmp_path):
    seen = inspect(folder, patient_from=r"(person\d+)", cache=tmp_path / "cache")
    assert seen.lines()[1].startswith("11 images of 6 patients")
    assert seen.images_per_patient == (1, 2.0, 3)
    assert seen.classes == {"N": (5, 4), "P": (5, 5), "(unlabelled)": (1, 1)}
    assert seen.splits == {"train": 9, "test": 2}
    assert seen.widths == (50, 80.0, 80)
    assert seen.heights == (50, 70.0, 70)
    assert seen.sizes == {"80 x 70": 10, "50 x 50": 1}
    assert seen.kinds == {"8-bit grey": 10, "16-bit grey": 1}
    assert seen.smaller == 1
    assert [key for key, _ in seen.data.radiographs.skipped] == ["train/N/broken.png"]
    assert seen.exact == (("test/P/person9_9.png", "train/N/person0_0.png"),)
    assert seen.near == (("train/N/person1_2.png", "train/N/person1_copy.jpg"),)
    # The exact copy is another patient's and of another class; the near one isn't.
    assert seen.conflicts == seen.exact
    assert not (tmp_path / "sheet.png").exists()


def test_lines_say_it_and_every_unreadable_file_is_named(folder, tmp_path):
    seen = inspect(folder, cache=tmp_path / "cache")
    text = "\n".join(seen.lines())
    for part in (
        "11 images",
        "N ",
        "80 x 70 (10)",
        "16-bit grey (1)",
        "unreadable files: 1",
        "broken.png: not an image",
        "person0_0",
    ):
        assert part in text, part
    for i in range(30):
        (folder / "train" / "N" / f"broken{i}.png").write_bytes(b"x")
    lines = inspect(folder, cache=tmp_path / "cache").lines(most=3)
    assert all(any(line.strip().startswith(f"train/N/broken{i}.png: ") for line in lines) for i in range(30))


def test_the_sheet_is_written(folder, tmp_path):
    for name in ("a/sheet.png", "sheet.jpg", "sheet"):
        inspect(folder, cache=tmp_path / "cache", sheet=tmp_path / name)
        with Image.open(tmp_path / name) as page:
            assert page.width > 500
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SemirayError, match="can't be written"):
        inspect(folder, cache=tmp_path / "cache", sheet=tmp_path / "file" / "sheet.png")
    with pytest.raises(SemirayError, match="into the data set"):
        inspect(folder, cache=tmp_path / "cache", sheet=folder / "sheet.png")
    with pytest.raises(SemirayError, match="isn't a figure of semiray's"):
        inspect(folder, cache=tmp_path / "cache", sheet=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_hannover(shared_data, tmp_path):
    seen = inspect(shared_data / "hannover", cache=tmp_path / "cache", sheet=tmp_path / "sheet.png")
    assert seen.lines()[1].startswith("243 images of 71 patients")
    assert seen.kinds == {"8-bit grey": 243}
    assert not seen.exact
    assert not seen.near
