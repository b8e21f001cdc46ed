"""Synthetic and real images as torch data sets with the same items, so that a training set can mix them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from semiray.errors import SemirayError
from semiray.generation.sampling import generate
from semiray.networks.intensities import to_input

if TYPE_CHECKING:
    from semiray.radiographs import RadiographSet
    from semiray.training.run import Run

__all__ = ["RadiographDataset", "SyntheticDataset"]

Transform = Callable[[Tensor], Any]


class _LabelledImages(Dataset[tuple[Any, int]]):
    """Items (image (1, H, W) float32 in [-1, 1], label int) over an array of uint8 images."""

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64], transform: Transform | None) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image = to_input(self.images[index][None])[0]
        return (image if self.transform is None else self.transform(image)), int(self.labels[index])


class SyntheticDataset(_LabelledImages):
    """A torch data set of ``n`` generated images: items (image (1, H, W) float32 in [-1, 1], label int).

    All images are generated when it is made and held as uint8 (4 kB each at 64 px), so that items are cheap in any
    order, and DataLoader workers need neither the run nor its device. Its attributes ``images``, ``codes``, ``labels``,
    ``classes`` and ``names`` are those of the sample.

    Args:
        run: A trained run.
        n: How many images.
        label: The class of all images; by default all classes in equal shares.
        where: An event that all codes obey.
        seed: The same seed gives the same images.
        transform: Applied to each image tensor, e.g. an augmentation.
        progress: Called with (images done, n).

    Raises:
        SemirayError: As `semiray.generation.generate`.

    Examples:
        ``DataLoader(SyntheticDataset(run, 600, label="COVID"), batch_size=32, shuffle=True)``
    """

    def __init__(
        self,
        run: Run,
        n: int,
        label: str | None = None,
        where: str | None = None,
        seed: int = 0,
        transform: Transform | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        synthetic = generate(run, n, label=label, where=where, seed=seed, progress=progress)
        super().__init__(synthetic.images, synthetic.labels, transform)
        self.codes, self.classes, self.names = synthetic.codes, synthetic.classes, synthetic.names


class RadiographDataset(_LabelledImages):
    """Real radiographs as items of the same kind as `SyntheticDataset`'s.

    Args:
        data: A set of radiographs, e.g. ``data.take(split.train)``.
        classes: The order of classes that labels shall point into, e.g. ``run.classes``; None keeps the data's.
        transform: Applied to each image tensor.

    Raises:
        SemirayError: The data have a class that ``classes`` lacks.
    """

    def __init__(
        self, data: RadiographSet, classes: Sequence[str] | None = None, transform: Transform | None = None
    ) -> None:
        self.classes = tuple(data.classes if classes is None else classes)
        missing = [name for name in data.classes if name not in self.classes]
        if missing:
            raise SemirayError(
                f"the data's class {missing[0]!r} is not among {', '.join(self.classes) or 'no classes'}."
            )
        place = np.array([*(self.classes.index(name) for name in data.classes), -1], np.int64)
        super().__init__(data.images, place[data.labels], transform)  # unknown, -1, picks the last place: -1
