"""Radiographs and generated images as data sets of torchxrayvision, which mixes them with its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from semiray.generation.synthetic import Synthetic

if TYPE_CHECKING:
    from pandas import DataFrame

    from semiray.radiographs import RadiographSet

__all__ = ["XrvDataset"]


class XrvDataset(Dataset[dict[str, Any]]):
    """Images as a data set of torchxrayvision (Cohen et al. 2022, arXiv 2111.00595), which isn't needed for it.

    Items are dictionaries: ``idx``, an int; ``lab``, (K,) float32; ``img``, (1, H, W) float32 in [-1024, 1024].
    torchxrayvision's ``relabel_dataset``, ``MergeDataset``, ``SubsetDataset`` and transforms take it as one of theirs.

    Attributes:
        pathologies: K names: findings, then the classes that are no findings. The findings of generated images are the
            factors of one dimension whose codes are all 0 or 1.
        labels: (N, K) float32: 1 present, 0 absent, NaN unknown. A class is 1 for its images and 0 for those of other
            classes; all are NaN where the label is unknown.
        csv: A table of N rows: ``patientid``, ``synthetic``, and the metadata of real radiographs or the codes of
            generated images, each of which is a patient of its own.
        transform: Applied to each ``img``; None leaves it.

    Args:
        source: Real radiographs, e.g. ``data.take(split.train)``, or generated images, from `generate`.
        transform: As above, e.g. ``torchxrayvision.datasets.XRayResizer(224)``.

    Examples:
        ``XrvDataset(semiray.generate(run, 600)).pathologies``
    """

    def __init__(
        self, source: RadiographSet | Synthetic, transform: Callable[[NDArray[np.float32]], Any] | None = None
    ) -> None:
        self.images, self.transform = source.images, transform
        columns = _findings(source)
        for k, name in enumerate(source.classes):
            columns.setdefault(name, np.where(source.labels < 0, np.nan, source.labels == k))
        self.pathologies = list(columns)
        self.labels = np.array([*columns.values()], np.float32).reshape(len(columns), len(source.images)).T
        self.csv = _table(source)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Any]:
        grey = self.images[index][None].astype(np.float32)
        image = (2 * (grey / 255) - 1) * 1024  # in this order: the same bits as torchxrayvision's `normalize`
        label = self.labels[index].astype(np.float32)  # which `relabel_dataset` may have replaced
        return {"idx": index, "lab": label, "img": image if self.transform is None else self.transform(image)}

    def string(self) -> str:
        """What torchxrayvision prints."""
        return f"{type(self).__name__} num_samples={len(self)}"


def _findings(source: RadiographSet | Synthetic) -> dict[str, NDArray[np.floating[Any]]]:
    if not isinstance(source, Synthetic):
        return dict(zip(source.finding_names, source.findings.T, strict=True))
    factors = [name.removesuffix("[0]") for name in source.names if name.endswith("[0]")]
    alone = [name for name in factors if f"{name}[1]" not in source.names]
    columns = {name: source.codes[:, source.names.index(f"{name}[0]")] for name in alone}
    return {name: column for name, column in columns.items() if np.isin(column, (0, 1)).all()}


def _table(source: RadiographSet | Synthetic) -> DataFrame:
    from pandas import DataFrame

    if isinstance(source, Synthetic):
        patients = [f"synthetic-{source.seed}-{index}" for index in source.index]
        return DataFrame(source.codes, columns=list(source.names)).assign(patientid=patients, synthetic=True)
    return DataFrame(
        {**row, "file": key, "patientid": str(patient), "synthetic": False}
        for row, key, patient in zip(source.metadata, source.keys, source.patients, strict=True)
    )
