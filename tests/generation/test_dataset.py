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
    context = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    loader = DataLoader(mixed, batch_size=4, shuffle=True, num_workers=2, multiprocessing_context=context)
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
