from __future__ import annotations

import os

import pytest

from semiray.radiographs.reading.folders import label_by_folder, walk

SPLIT = "train, validation and test folders"


def test_walk_leaves_out_what_is_no_radiograph(tmp_path, draw):
    for name in (
        "a.png",
        "sub/B.JPEG",
        "masks/a.png",
        "sub/Masks/b.png",
        ".hidden.png",
        "__MACOSX/._a.png",
        ".git/c.png",
    ):
        draw(tmp_path / name)
    draw(tmp_path / "a_mask.png")
    draw(tmp_path / "alone_mask.png")
    for name in ("Thumbs.db", ".DS_Store", "notes.txt", "COVID.metadata.xlsx", "table.csv"):
        (tmp_path / name).write_bytes(b"x")
    tree = walk(tmp_path)
    assert list(tree.images) == ["a.png", "alone_mask.png", "sub/B.JPEG"]
    assert list(tree.tables) == ["table.csv"]
    assert any("3 masks" in note for note in tree.notes)
    assert any("1 spreadsheet not read" in note for note in tree.notes)


def test_walk_follows_links_once(tmp_path, draw):
    draw(tmp_path / "real" / "a.png")
    try:
        (tmp_path / "real" / "up").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "again").symlink_to(tmp_path / "real", target_is_directory=True)
    except OSError:
        pytest.skip("this platform makes no symbolic links")
    tree = walk(tmp_path)
    assert len(tree.images) == 1


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid"), reason="needs file names of any bytes")
def test_walk_makes_every_name_printable(tmp_path, draw):
    draw(tmp_path / "ok.png")
    try:
        (tmp_path / "ok.png").rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    except OSError:
        pytest.skip("this file system wants Unicode")
    tree = walk(tmp_path)
    next(iter(tree.images)).encode("utf-8")
    assert next(iter(tree.images.values())).is_file()


@pytest.mark.parametrize(
    ("keys", "layout", "labels", "splits"),
    [
        (["a.png", "b.png"], "a folder without labels", [None, None], []),
        (["images/a.png", "images/b.png"], "a folder without labels", [None, None], []),
        (["N/a.png", "P/x/b.png"], "a folder per class", ["N", "P"], []),
        (["N/images/a.png", "P/images/b.png"], "a folder per class", ["N", "P"], []),
        (["N/a.png"], "a folder per class", ["N"], []),
        (["set/N/a.png", "set/P/b.png"], "a folder per class", ["N", "P"], []),
        (["train/N/a.png", "TEST/P/b.png"], SPLIT + " of classes", ["N", "P"], ["train", "test"]),
        (["set/train/N/a.png", "set/val/N/b.png"], SPLIT + " of classes", ["N", "N"], ["train", "validation"]),
        (["train/a.png", "valid/b.png"], SPLIT, [None, None], ["train", "validation"]),
        (["train/N/a.png", "train/P/b.png"], SPLIT + " of classes", ["N", "P"], ["train", "train"]),
        (
            ["COVID/images/a.png", "Normal/images/b.png", "Lung_Opacity/images/c.png", "Viral Pneumonia/images/d.png"],
            "COVID-19 Radiography Database (images/ and masks/)",
            ["COVID", "Normal", "Lung_Opacity", "Viral Pneumonia"],
            [],
        ),
        (
            ["db/COVID/a.png", "db/NORMAL/b.png", "db/Viral Pneumonia/d.png"],
            "COVID-19 Radiography Database (images in the class folders)",
            ["COVID", "NORMAL", "Viral Pneumonia"],
            [],
        ),
    ],
)  # fmt: skip
def test_layouts(keys, layout, labels, splits):
    found = label_by_folder(keys)
    assert found.layout == layout
    assert [found.labels.get(key) for key in keys] == labels
    assert [found.splits[key] for key in keys if key in found.splits] == splits


def test_images_beside_split_folders_are_left_out_and_told_of():
    found = label_by_folder(["train/N/a.png", "test/N/b.png", "chest_xray/train/N/a.png"])
    assert found.images == ["train/N/a.png", "test/N/b.png"]
    assert any("1 images outside" in note and "chest_xray" in note for note in found.notes)


def test_loose_images_beside_class_folders_are_unlabelled_and_told_of():
    found = label_by_folder(["N/a.png", "P/b.png", "c.png"])
    assert "c.png" not in found.labels
    assert any("c.png" in note for note in found.notes)


def test_a_folder_per_patient_is_not_a_folder_per_class():
    found = label_by_folder([f"patient{i}/{j}.png" for i in range(30) for j in range(2)])
    assert not found.labels
    assert any("label_from" in note for note in found.notes)
