from __future__ import annotations

import os
import re
import shlex

import pytest

from semiray.errors import SemirayError
from semiray.radiographs.reading.folders import label_by_folder, leave_out, walk


def unmarked(_path):
    return ""


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
    for name in ("a.gif", "b.jp2", "c.zip", "scan", "x.dcm"):
        (tmp_path / name).write_bytes(b"x")
    tree = walk(tmp_path)
    leave_out(tree, tmp_path.name, unmarked)
    assert list(tree.images) == ["a.png", "sub/B.JPEG"]
    assert list(tree.tables) == ["COVID.metadata.xlsx", "notes.txt", "table.csv"]
    assert list(tree.unknown) == ["scan", "x.dcm"]
    assert tree.left_out == {"masks": 4, "system files": 4, "GIF": 1, "JPEG 2000": 1, "archives": 1}


@pytest.mark.parametrize(
    "copies",
    [
        [("train/N/a.png", "set/train/N/a.png"), ("test/N/b.png", "set/test/N/b.png")],
        [("N/a.png", "images/N/a.png"), ("P/b.png", "images/P/b.png")],
        [("x/N/a.png", "x/x/N/a.png"), ("x/P/b.png", "x/x/P/b.png")],
    ],
)
def test_a_copy_of_the_set_inside_itself_is_left_out(tmp_path, draw, copies):
    for i, (first, copy) in enumerate(copies):
        path = draw(tmp_path / first, seed=i)
        (tmp_path / copy).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / copy).write_bytes(path.read_bytes())
    draw(tmp_path / copies[0][1].replace("a.png", "more.png"), seed=9)
    tree = walk(tmp_path)
    leave_out(tree, tmp_path.name, unmarked)
    assert tree.left_out == {"copies": 2}
    assert {first for first, _ in copies} < set(tree.images)
    assert len(tree.images) == 3


def test_files_of_one_name_and_other_content_are_no_copies(tmp_path, draw):
    draw(tmp_path / "N" / "a.png", seed=1)
    draw(tmp_path / "images" / "N" / "a.png", seed=2)
    tree = walk(tmp_path)
    leave_out(tree, tmp_path.name, unmarked)
    assert len(tree.images) == 2


def test_what_semiray_wrote_is_left_out(tmp_path, draw):
    for name in ("N/a.png", "N/made.png", "run/samples/1.png", "proof/figure.png"):
        draw(tmp_path / name)
    for name in ("run/settings.yaml", "run/split.json", "proof/report.html", "proof/report.json"):
        (tmp_path / name).write_text("{}")
    tree = walk(tmp_path)
    leave_out(tree, tmp_path.name, lambda path: "synthetic images" if path.name == "made.png" else "")
    assert list(tree.images) == ["N/a.png"]
    assert tree.left_out == {"semiray output": 2, "synthetic images": 1}
    with pytest.raises(SemirayError, match="a run that semiray wrote"):
        walk(tmp_path / "run")


def test_a_table_beside_images_that_are_gone_goes_too(tmp_path, draw):
    for name in ("N/a.png", "made/n/a.png"):
        draw(tmp_path / name)
    for name in ("made/manifest.csv", "table.csv"):
        (tmp_path / name).write_text("file\n")
    tree = walk(tmp_path)
    del tree.images["made/n/a.png"]
    leave_out(tree, tmp_path.name, unmarked, ["made/n/a.png"])
    assert list(tree.tables) == ["table.csv"]
    assert tree.left_out == {"semiray output": 1}


def test_a_folder_of_everything_may_be_called_after_masks(tmp_path, draw):
    for name in ("Masks and more/images/a.png", "Masks/images/b.png", "Masks/masks/b.png"):
        draw(tmp_path / name)
    tree = walk(tmp_path / "Masks")
    leave_out(tree, "Masks", unmarked)
    assert list(tree.images) == ["images/b.png"]


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
        (["COVID/a.png"], "a folder per class", ["COVID"], []),
        (["MontgomerySet/CXR_png/a.png"], "a folder without labels", [None], []),
        (["siteA/N/a.png", "siteA/P/b.png", "siteB/N/c.png", "siteB/P/d.png"], "a folder per class", list("NPNP"), []),
        (["0/a.png", "1/b.png"], "a folder without labels", [None, None], []),
        (["set/N/a.png", "set/P/b.png"], "a folder per class", ["N", "P"], []),
        (["train/N/a.png", "TEST/P/b.png"], SPLIT + " of classes", ["N", "P"], ["train", "test"]),
        (["set/train/N/a.png", "set/val/N/b.png"], SPLIT + " of classes", ["N", "N"], ["train", "validation"]),
        (["train/a.png", "valid/b.png"], SPLIT, [None, None], ["train", "validation"]),
        (["train/N/a.png", "train/P/b.png"], "a folder per class", ["N", "P"], []),
        (["Train Set/N/a.png", "Test Set/P/b.png"], SPLIT + " of classes", ["N", "P"], ["train", "test"]),
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
    assert [found.parts[key] for key in keys if key in found.parts] == splits


def test_loose_images_beside_class_folders_are_unlabelled_and_told_of():
    found = label_by_folder(["N/a.png", "P/b.png", "c.png"])
    assert "c.png" not in found.labels
    assert any("c.png" in note for note in found.notes)


def test_a_folder_per_patient_is_not_a_folder_per_class():
    found = label_by_folder([f"patient{i}/{j}.png" for i in range(30) for j in range(2)])
    assert not found.labels
    found = label_by_folder([f"{'abcdefghijklmnopqrstuvwxyz'[i]}ohn/{j}.png" for i in range(26) for j in range(2)])
    assert not found.labels
    assert any("--label-from" in advice.option for advice in found.advice)


def test_numbered_folders_are_storage_and_it_is_said():
    found = label_by_folder(["0/a.png", "1/b.png"])
    assert "storage, not as classes" in found.advice[0].text


def test_views_are_no_classes():
    found = label_by_folder(["Frontal/a.png", "Lateral/b.png"])
    assert not found.labels
    assert found.views == {"Frontal/a.png": "Frontal", "Lateral/b.png": "Lateral"}


def test_a_pattern_that_is_proposed_can_be_pasted():
    keys = [f"{site}/{name}/{i}.png" for site in ("St. John's (1)", "B+") for name in "NP" for i in range(3)]
    (advice,) = label_by_folder(keys).advice
    option, pattern = shlex.split(advice.option)
    assert option == "--label-from"
    assert {re.search(pattern, key)[1] for key in keys} == {"St. John's (1)", "B+"}
