from __future__ import annotations

import pytest

from semiray.radiographs.reading.names import is_mask_file, is_mask_folder, is_no_class, is_system, part_of, words

NO_CLASSES = [
    *"images_001 p10 00000 0 files images_normalized p10000032 s50414267 study1 patient00001 sub-S03044".split(),
    *"ses-E07985 mod-rx 2020-03-01 20200301 Mar2020 1.2.840.113619.2 a3f4bc990012 CXR_png Train train_val".split(),
    *"Lateral view1_frontal 7 stage_2_train_images dicom-images-train batch3 fold_1".split(),
    "d8a4c6f1-0b1a-4e2f-9c3d-112233445566",
    "Train Set",
    "Lung Segmentation Data",
    "chest xray",
    "lung masks",
]
CLASSES = [
    *"NORMAL PNEUMONIA COVID COVID-19 Non-COVID virus bacteria No_Finding Lung_Opacity Viral_Pneumonia".split(),
    *"positive abnormal edema 1-covid NORMAL2 grade2 severity_3 face decade Infection Lung Left cap".split(),
    "Viral Pneumonia",
    "Lung Opacity",
    "No finding",
    "정상",
]
MASKS = "mask,Masks,lung masks,leftMask,ManualMask,ground truth,groundtruths,annotations,lung_segmentation,gt,labels"
OTHERS = "images and masks,Lung Segmentation Data,images,COVID,without mask"


@pytest.mark.parametrize("name", NO_CLASSES)
def test_names_of_storage_people_dates_and_parts_are_no_classes(name):
    assert is_no_class(name)


@pytest.mark.parametrize("name", CLASSES)
def test_other_names_may_be_classes(name):
    assert not is_no_class(name)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Train Set", "train"),
        ("valid", "validation"),
        ("TESTING", "test"),
        ("train_val", "train"),
        ("stage_2_test_images", "test"),
        ("COVID train", None),
        ("images", None),
        ("train_test", None),
    ],
)
def test_parts(name, part):
    assert part_of(name) == part


@pytest.mark.parametrize(
    ("name", "mask"), [*((name, True) for name in MASKS.split(",")), *((name, False) for name in OTHERS.split(","))]
)
def test_folders_of_masks(name, mask):
    assert is_mask_folder(name) is mask


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("x_mask.png", True),
        ("alone_mask.png", True),
        ("x_seg.png", True),
        ("x-left-mask.png", True),
        ("y_seg.png", False),
        ("x.png", False),
        ("person1_bacteria_2.png", False),
    ],
)
def test_files_of_masks(name, mask):
    assert is_mask_file(name, {"x", "person1_bacteria_2"}) is mask


def test_words_and_system_files():
    assert words("leftMask_2") == ["left", "mask", "2"]
    assert [name for name in ("._a.png", "Thumbs.db", ".DS_Store", "__MACOSX", "a.png") if not is_system(name)] == [
        "a.png"
    ]
