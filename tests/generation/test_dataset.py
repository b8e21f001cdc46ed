import multiprocessing
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader

from semiray.errors import SemirayError
from semiray.generation.dataset import RadiographDataset, SyntheticDataset
from semiray.generation.sampling import generate
from semiray.training import Run

CONTEXT = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"


def real(classes: tuple[str, ...], labels: list[int]) -> Any:
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None] * np.ones((1, 32, 32), np.uint8)
    return SimpleNamespace(images=images, labels=np.array(labels), classes=classes)


def test_items(run: Run) -> None:
    dataset = SyntheticDataset(run, 10, label="virus", where="survival == 1", seed=4)
    expected = generate(run, 10, label="virus", where="survival == 1", seed=4)
    image, label = dataset[3]
    assert (image.shape, image.dtype, label, type(label)) == ((1, 32, 32), torch.float32, 2, int)
    assert (image[0].numpy() + 1) * 127.5 == pytest.approx(expected.images[3], abs=1e-3)
    assert len(dataset) == 10
    assert (dataset.codes == expected.codes).all()
    assert dataset.classes == run.classes
    assert dataset.names == run.prior.names


def test_transform(run: Run) -> None:
    dataset = SyntheticDataset(run, 2, transform=lambda image: image * 0 + 5)
    assert (dataset[1][0] == 5).all()


def test_mixes_with_real_images_in_workers(run: Run) -> None:
    mixed: ConcatDataset[Any] = ConcatDataset(
        [RadiographDataset(real(("a", "b"), [0, 1, -1]), ("b", "a")), SyntheticDataset(run, 21)]
    )
    loader = DataLoader(mixed, batch_size=4, shuffle=True, num_workers=2, multiprocessing_context=CONTEXT)
    batches = list(loader)
    images, labels = torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches])
    assert images.shape == (24, 1, 32, 32)
    assert labels.dtype == torch.int64
    assert sorted(labels.tolist()) == sorted([1, 0, -1, *(i % 3 for i in range(21))])
    assert -1 <= images.min() <= images.max() <= 1


def test_real_labels_follow_the_run_s_order() -> None:
    dataset = RadiographDataset(real(("bacteria", "normal"), [0, 1, -1, 0]), ("normal", "virus", "bacteria"))
    assert [dataset[i][1] for i in range(4)] == [2, 0, -1, 2]
    assert dataset[3][0].unique().tolist() == pytest.approx([3 / 127.5 - 1])
    assert [RadiographDataset(real((), [-1, -1]))[i][1] for i in range(2)] == [-1, -1]
    with pytest.raises(SemirayError, match="'bacteria' is not among normal, virus"):
        RadiographDataset(real(("bacteria", "normal"), [0]), ("normal", "virus"))


def test_errors_of_generate_pass(run: Run) -> None:
    with pytest.raises(SemirayError, match="not a class"):
        SyntheticDataset(run, 2, label="cold")


def test_holds_no_run(run: Run) -> None:
    dataset = SyntheticDataset(run, 2)
    assert not any(value is run or isinstance(value, torch.nn.Module) for value in vars(dataset).values())


def grey_only(image: Any) -> dict[str, Any]:
    """What albumentations gives back, of a transform that inverts."""
    assert (image.shape, image.dtype) == ((32, 32, 1), np.uint8)
    return {"image": 255 - image}


class Noise:
    """As albumentations' transforms: random numbers of its own, which a worker gets a copy of."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)

    def set_random_seed(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def __call__(self, image: Any) -> dict[str, Any]:
        return {"image": self.random.integers(0, 256, image.shape, np.uint8)}


def test_dictionaries(run: Run) -> None:
    synthetic = SyntheticDataset(run, 3, seed=4, as_dict=True)
    data = RadiographDataset(real(("virus",), [0, -1]), run.classes, as_dict=True)
    pairs = SyntheticDataset(run, 3, seed=4)
    for i in range(3):
        assert torch.equal(synthetic[i]["image"], pairs[i][0])
        assert (synthetic[i]["label"], synthetic[i]["synthetic"]) == (pairs[i][1], True)
    assert [(item["label"], item["synthetic"]) for item in (data[0], data[1])] == [(2, False), (-1, False)]
    batch = next(iter(DataLoader(synthetic + data, batch_size=5)))
    assert (batch["image"].dtype, batch["image"].shape) == (torch.float32, (5, 1, 32, 32))
    assert (batch["label"].dtype, batch["synthetic"].tolist()) == (torch.int64, [True] * 3 + [False] * 2)


def test_with_dictionaries_transforms_get_the_whole_item() -> None:
    data = RadiographDataset(
        real(("a",), [0]), as_dict=True, transform=lambda item: {**item, "more": item["label"] + 7}
    )
    assert data[0]["more"] == 7


def test_augment_sees_grey_levels_before_the_tensor() -> None:
    data = RadiographDataset(real(("a",), [0, 0, 0]), transform=lambda image: image + 1, augment=grey_only)
    assert data[2][0].unique().tolist() == pytest.approx([253 / 127.5])
    assert data.images[2].max() == 2  # what is held stays


def test_augment_repeats_with_torch_s_seed_and_differs_between_workers_and_epochs() -> None:
    data = RadiographDataset(real(("a",), [0] * 6), augment=Noise())
    loader = DataLoader(data, batch_size=1, num_workers=2, multiprocessing_context=CONTEXT)

    def epochs() -> list[float]:
        torch.manual_seed(3)
        return [image.mean().item() for _ in range(2) for image, _ in loader]

    found = epochs()
    assert len(set(found)) == 12
    assert epochs() == found


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        (lambda image: image / 255, r"\(32, 32, 1\) float64"),
        (lambda image: image.repeat(3, axis=2), r"\(32, 32, 3\) uint8"),
        (lambda image: torch.from_numpy(image), r"\(32, 32, 1\) torch.uint8"),
        (lambda image: image[0, 0, 0], r"\(\) uint8"),
        (lambda image: image[0, :, 0], r"\(32,\) uint8"),
        (lambda image: image.tolist(), r"\(\) list"),
    ],
)
def test_augment_that_gives_anything_else_says_so(gives: Any, said: str) -> None:
    data = RadiographDataset(real(("a",), [0]), augment=lambda image: {"image": gives(image)})
    with pytest.raises(SemirayError, match=f"grey levels.* but gave {said}"):
        data[0]


def test_albumentations(run: Run) -> None:
    albumentations = pytest.importorskip("albumentations", reason="albumentations is not installed")
    augment = albumentations.Compose(
        [albumentations.Affine(rotate=(-9, 9), p=1), albumentations.RandomBrightnessContrast(p=1)]
    )
    data = SyntheticDataset(run, 4, augment=augment)

    def epoch(workers: int) -> list[torch.Tensor]:
        torch.manual_seed(3)
        given = {"num_workers": workers, "multiprocessing_context": CONTEXT} if workers else {}
        return [images for images, _ in DataLoader(data, batch_size=1, **given)]

    here, apart = epoch(0), epoch(2)
    assert all(image.shape == (1, 1, 32, 32) for image in here + apart)
    assert all(torch.equal(a, b) for a, b in zip(here, epoch(0), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(apart, epoch(2), strict=True))
    assert not torch.equal(here[0], data[0][0])


def test_monai_seeds_transforms_that_stand_in_the_data_set(run: Run) -> None:
    monai = pytest.importorskip("monai", reason="monai is not installed")
    noise = monai.transforms.Compose([monai.transforms.RandGaussianNoised("image", prob=1, std=1.0)])
    data = SyntheticDataset(run, 4, as_dict=True, transform=noise)
    loader = monai.data.DataLoader(data + data, batch_size=1, num_workers=2, multiprocessing_context=CONTEXT)
    found = torch.cat([batch["image"] for batch in loader]) - torch.stack(
        [pair[0] for pair in [*SyntheticDataset(run, 4)] * 2]
    )
    assert len(found.mean((1, 2, 3)).unique()) == 8
