from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.dataset import RadiographSet


@pytest.fixture
def xrays():
    return RadiographSet(
        images=np.arange(5 * 4, dtype=np.uint8).reshape(5, 2, 2),
        labels=np.array([0, 1, -1, 1, 0]),
        classes=("a", "b"),
        patients=np.array(list("vwxyz")),
        keys=tuple("vwxyz"),
        metadata=tuple({"row": str(i)} for i in range(5)),
        fingerprint="f",
        skipped=(("gone", "empty"),),
    )


@pytest.mark.parametrize("indices", [[3, 0, 0], np.array([3, 0, 0]), []])
def test_take(xrays, indices):
    taken = xrays.take(indices)
    assert len(taken) == len(indices)
    for i, j in enumerate(indices):
        np.testing.assert_array_equal(taken.images[i], xrays.images[j])
        assert taken.labels[i] == xrays.labels[j]
        assert (taken.patients[i], taken.keys[i], taken.metadata[i]) == (
            xrays.patients[j],
            xrays.keys[j],
            xrays.metadata[j],
        )
    assert taken.classes == xrays.classes
    assert taken.fingerprint != xrays.fingerprint


def test_take_by_mask(xrays):
    assert xrays.take(xrays.labels == 1).keys == ("w", "y")
    assert xrays.take(xrays.labels == 1).fingerprint == xrays.take([1, 3]).fingerprint
    with pytest.raises(IndexError):
        xrays.take([5])


def test_patients_as_numbers_follow_their_names(xrays):
    mixed = dataclasses.replace(xrays, patients=np.array(["z", "b", "z", "a", "b"]))
    assert mixed.patient_codes.tolist() == [2, 1, 2, 0, 1]
    codes = np.array([1, 0, 1, 0, 0], np.int32)
    assert dataclasses.replace(xrays, stored_codes=codes).patient_codes is codes


def test_groups_by_a_column(xrays):
    rows = ({"hospital": "north"}, {"hospital": "south "}, {}, {"hospital": ""}, {"hospital": "north"})
    groups, names = dataclasses.replace(xrays, metadata=rows).groups("hospital")
    assert names == ("north", "south")
    assert groups.tolist() == [0, 1, -1, -1, 0]
    with pytest.raises(SemirayError, match=r"'scanner'.*row"):
        xrays.groups("scanner")
