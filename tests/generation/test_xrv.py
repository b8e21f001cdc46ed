from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from torch.utils.data import DataLoader

from semiray.generation.sampling import generate
from semiray.generation.synthetic import Synthetic
from semiray.generation.xrv import XrvDataset
from semiray.training import Run

NAN = float("nan")


def real(**more: Any) -> Any:
    images = np.array([0, 128, 255], np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8)
    rows: list[dict[str, str]] = [{"view": "PA"}, {"view": "AP", "patientid": "other"}, {}]
    words = {
        "images": images,
        "labels": np.array([1, -1, 0]),
        "classes": ("cold", "flu"),
        "patients": np.array(["p", "q", "p"]),
        "keys": ["a.png", "b.png", "c.png"],
        "metadata": rows,
        "finding_names": (),
        "findings": np.zeros((0, 0), np.float32),
    }
    return SimpleNamespace(**words | more)


def test_items() -> None:
    data = XrvDataset(real())
    item = data[1]
    assert set(item) == {"idx", "lab", "img"}
    assert item["idx"] == 1
    assert (item["img"].shape, item["img"].dtype) == ((1, 8, 8), np.float32)
    assert [data[i]["img"][0, 0, 0] for i in range(3)] == pytest.approx([-1024, 4.0157, 1024], abs=1e-3)
    assert (item["lab"].shape, item["lab"].dtype) == ((2,), np.float32)
    assert len(data) == len([*data]) == 3


def test_an_unknown_class_is_nan() -> None:
    data = XrvDataset(real())
    assert data.pathologies == ["cold", "flu"]
    np.testing.assert_array_equal(data.labels, [[0, 1], [NAN, NAN], [1, 0]])
    np.testing.assert_array_equal(data[1]["lab"], [NAN, NAN])


def test_findings_keep_their_blanks_and_stand_before_classes() -> None:
    findings = np.array([[1, NAN], [0, 1], [NAN, 0]], np.float32)
    data = XrvDataset(real(finding_names=("flu", "Mass"), findings=findings))
    assert data.pathologies == ["flu", "Mass", "cold"]
    np.testing.assert_array_equal(data.labels, [[1, NAN, 0], [0, 1, NAN], [NAN, 0, 1]])


def test_without_labels() -> None:
    data = XrvDataset(real(labels=np.array([-1, -1, -1]), classes=()))
    assert (data.pathologies, data.labels.shape, data[0]["lab"].shape) == ([], (3, 0), (0,))


def test_generated_images(run: Run) -> None:
    sample = generate(run, 6, seed=3)
    data = XrvDataset(sample)
    assert data.pathologies == list(run.classes)
    np.testing.assert_array_equal(data.labels, np.eye(3)[[0, 1, 2, 0, 1, 2]])
    np.testing.assert_allclose((data[4]["img"][0] / 1024 + 1) * 127.5, sample.images[4], atol=1e-4)
    assert data.csv["patientid"].is_unique
    assert data.csv["synthetic"].all()
    np.testing.assert_array_equal(data.csv["duration[0]"], sample.codes[:, sample.names.index("duration[0]")])


def test_findings_of_generated_images_are_factors_of_one_dimension() -> None:
    names = ("Mass[0]", "survival[0]", "survival[1]", "age[0]")
    codes = np.array([[1, 0, 1, 40.5], [0, 1, 1, 61]], np.float32)
    images, index = np.zeros((2, 8, 8), np.uint8), np.arange(2)
    data = XrvDataset(Synthetic(images, codes, np.array([-1, -1]), (), names, index, 0))
    assert data.pathologies == ["Mass"]
    np.testing.assert_array_equal(data.labels, [[1], [0]])


def test_table_has_the_metadata() -> None:
    table = XrvDataset(real()).csv
    assert table["patientid"].tolist() == ["p", "q", "p"]
    assert table["view"].tolist()[:2] == ["PA", "AP"]
    assert not table["synthetic"].any()


def test_transform_and_loader() -> None:
    batch = next(iter(DataLoader(XrvDataset(real(), transform=lambda image: image[:, ::2, ::2]), batch_size=3)))
    assert batch["img"].shape == (3, 1, 4, 4)
    assert batch["lab"].isnan().sum() == 2


def test_torchxrayvision_takes_it_as_its_own(run: Run) -> None:
    try:
        import torchxrayvision as xrv
    except Exception as error:  # its torchvision of another build than torch raises all kinds of exceptions
        pytest.skip(f"torchxrayvision isn't installed, and isn't needed ({error})")
    own, made = XrvDataset(real()), XrvDataset(generate(run, 6, seed=3))
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    expected = xrv.datasets.normalize(grey, 255, reshape=True)
    np.testing.assert_array_equal(XrvDataset(real(images=grey[None].repeat(3, 0)))[0]["img"], expected)
    names = ["virus", "cold"]
    for data in (own, made):
        xrv.datasets.relabel_dataset(names, data, silent=True)
        data.transform = xrv.datasets.XRayResizer(16)
    merged = xrv.datasets.MergeDataset([own, made])
    assert len(merged) == 9
    assert "XrvDataset num_samples=6" in merged.string()
    assert len(merged.csv) == 9
    np.testing.assert_array_equal([item["lab"] for item in (merged[2], merged[5])], [[NAN, 1], [1, NAN]])
    assert merged[5]["img"].shape == (1, 16, 16)
    part = xrv.datasets.SubsetDataset(merged, [2, 5])
    assert part.csv["patientid"].tolist() == ["p", "synthetic-3-2"]
