"""Synthetic and real images as torch data sets with the same items, so that a training set can mix them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from semiray.errors import SemirayError
from semiray.generation.sampling import generate
from semiray.networks.intensities import to_input

if TYPE_CHECKING:
    from semiray.radiographs import RadiographSet
    from semiray.training.run import Run

__all__ = ["RadiographDataset", "SyntheticDataset"]

Transform = Callable[[Any], Any]


class _LabelledImages(Dataset[Any]):
    """Items (image (1, H, W) float32 in [-1, 1], label int), or dictionaries, over an array of uint8 images."""

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        synthetic: bool,
        transform: Transform | None,
        as_dict: bool,
        augment: Callable[..., Any] | None,
    ) -> None:
        self.images, self.labels, self.synthetic = images, labels, synthetic
        self.transform, self.as_dict, self.augment = transform, as_dict, augment

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Any:
        grey, label = self.images[index], int(self.labels[index])
        image: Any = to_input((grey if self.augment is None else _augmented(grey, self.augment))[None])[0]
        transform = self.transform or (lambda item: item)
        if self.as_dict:
            return transform({"image": image, "label": label, "synthetic": self.synthetic})
        return transform(image), label


def _augmented(grey: NDArray[np.uint8], augment: Callable[..., Any]) -> NDArray[np.uint8]:
    """Call an albumentations transform of one image (H, W)."""
    if hasattr(augment, "set_random_seed"):  # its own generator would repeat itself in every worker and every epoch
        augment.set_random_seed(int(torch.randint(2**31, ())))
    found = augment(image=grey[..., None].copy())["image"]
    shape, kind = getattr(found, "shape", ()), getattr(found, "dtype", type(found).__name__)
    if not isinstance(found, np.ndarray) or kind != np.uint8 or len(shape) < 2 or shape[2:] not in ((), (1,)):
        raise SemirayError(
            f"augment must give back grey levels, (H, W) or (H, W, 1) uint8, but gave {tuple(shape)} {kind}: "
            "leave out what makes tensors, other ranges or colours; the data set itself makes the tensor."
        )
    return found.reshape(found.shape[:2])


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
        transform: Applied to each image tensor, e.g. an augmentation; with ``as_dict`` to each item.
        progress: Called with (images done, n).
        as_dict: Items are dictionaries, as MONAI's transforms take them: ``image`` and ``label`` as above, and
            ``synthetic``, a bool.
        augment: A transform of albumentations, applied to the grey levels, (H, W, 1) uint8, before the tensor is
            made; its result must be such grey levels, of any size. It is seeded anew for each image from torch's
            generator: ``torch.manual_seed`` repeats it, and workers and epochs differ.

    Raises:
        SemirayError: As `semiray.generation.generate`; and from an item, where ``augment`` gives anything else.

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
        *,
        as_dict: bool = False,
        augment: Callable[..., Any] | None = None,
    ) -> None:
        synthetic = generate(run, n, label=label, where=where, seed=seed, progress=progress)
        super().__init__(synthetic.images, synthetic.labels, True, transform, as_dict, augment)
        self.codes, self.classes, self.names = synthetic.codes, synthetic.classes, synthetic.names


class RadiographDataset(_LabelledImages):
    """Real radiographs as items of the same kind as `SyntheticDataset`'s; an unknown label is -1.

    Args:
        data: A set of radiographs, e.g. ``data.take(split.train)``.
        classes: The order of classes that labels shall point into, e.g. ``run.classes``; None keeps the data's.
        transform: Applied to each image tensor; with ``as_dict`` to each item.
        as_dict: As for `SyntheticDataset`.
        augment: As for `SyntheticDataset`.

    Raises:
        SemirayError: The data have a class that ``classes`` lacks; and from an item, as for `SyntheticDataset`.
    """

    def __init__(
        self,
        data: RadiographSet,
        classes: Sequence[str] | None = None,
        transform: Transform | None = None,
        *,
        as_dict: bool = False,
        augment: Callable[..., Any] | None = None,
    ) -> None:
        self.classes = tuple(data.classes if classes is None else classes)
        missing = [name for name in data.classes if name not in self.classes]
        if missing:
            raise SemirayError(
                f"the data's class {missing[0]!r} is not among {', '.join(self.classes) or 'no classes'}."
            )
        place = np.array([*(self.classes.index(name) for name in data.classes), -1], np.int64)
        labels = place[data.labels]  # unknown, -1, picks the last place: -1
        super().__init__(data.images, labels, False, transform, as_dict, augment)
