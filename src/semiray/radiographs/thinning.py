"""Cut a class down to few of its training patients: what is a method worth where a finding is rare?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from semiray.errors import SemirayError
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.splits import Split

__all__ = ["thin_split"]


def thin_split(data: RadiographSet[Any], split: Split, thin: Mapping[str, float], seed: int) -> Split:
    """A split that keeps of some classes a share of the training patients; validation and test stay whole.

    Of the others the images of that class are in no part any more. Who trains on the split, generator or classifier,
    sees neither.

    Args:
        data: the set.
        split: of the set.
        thin: class name -> share of its training patients to keep, above 0 and below 1; at least one patient stays.
        seed: of the order in which patients are kept; a smaller share is part of a larger one.

    Raises:
        SemirayError: a class has no training image, or a share is out of range.

    Examples:
        >>> thin_split(xrays, split, {"virus": 0.1}, seed=0).left_out  # doctest: +SKIP
        {'of virus, cut down to 98 of 977 training patients': 851}
    """
    train, left_out = split.train, dict(split.left_out)
    for name, share in thin.items():
        if not 0 < share < 1:
            raise SemirayError(f"thin={name}={share:g}: the share of patients to keep must lie between 0 and 1.")
        rows = split.train[data.labels[split.train] == data.classes.index(name)] if name in data.classes else train[:0]
        if not len(rows):
            known = ", ".join(data.classes) or "none"
            raise SemirayError(f"thin={name}={share:g}: no training image has the class {name!r}; classes: {known}.")
        patients, first = np.unique(data.patient_codes[rows], return_index=True)
        order = patients[np.argsort(first)][np.random.default_rng(seed).permutation(len(patients))]
        kept = order[: max(1, round(share * len(order)))]
        gone = rows[~np.isin(data.patient_codes[rows], kept)]
        train = np.setdiff1d(train, gone)
        left_out[f"of {name}, cut down to {len(kept):,} of {len(order):,} training patients"] = len(gone)
    return replace(split, train=train, left_out=left_out)
