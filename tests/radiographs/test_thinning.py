from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs import Split
from semiray.radiographs.thinning import thin_split


@pytest.fixture
def parts(set_maker: Any) -> tuple[Any, Split]:
    data = set_maker(240)  # of three classes, two images a patient
    rows = np.arange(240)
    return data, Split(rows[:180], rows[180:210], rows[210:], 0)


def test_a_class_keeps_few_training_patients_with_all_their_images(parts: tuple[Any, Split]) -> None:
    data, split = parts
    name = data.classes[1]
    thinned = thin_split(data, split, {name: 0.2}, seed=0)
    before, after = (one.train[data.labels[one.train] == 1] for one in (split, thinned))
    whole, kept = set(data.patients[before]), set(data.patients[after])
    assert len(kept) == round(0.2 * len(whole))
    assert set(after) == {row for row in before if data.patients[row] in kept}
    others = data.labels[split.train] != 1
    assert set(split.train[others]) == set(thinned.train) - set(after)
    assert np.array_equal(thinned.test, split.test)
    assert np.array_equal(thinned.validation, split.validation)
    (reason,) = thinned.left_out
    assert f"{name}, cut down to {len(kept)} of {len(whole)}" in reason
    assert thinned.left_out[reason] == len(before) - len(after)


def test_a_smaller_share_is_part_of_a_larger_and_seeds_differ(parts: tuple[Any, Split]) -> None:
    data, split = parts
    name = data.classes[0]
    small, large, other = (
        set(thin_split(data, split, {name: share}, seed=seed).train) for share, seed in ((0.1, 0), (0.5, 0), (0.1, 1))
    )
    assert small < large
    assert small != other
    assert len(thin_split(data, split, {name: 1e-6}, seed=0).train) < len(small)


def test_patients_under_other_names_are_the_same(parts: tuple[Any, Split]) -> None:
    data, split = parts
    renamed = replace(data, patients=np.char.add("z", data.patients[::1]), stored_codes=None)
    found = [thin_split(one, split, {data.classes[2]: 0.3}, seed=4).train for one in (data, renamed)]
    assert np.array_equal(*found)


@pytest.mark.parametrize(("thin", "says"), [({"none": 0.5}, "classes: "), ({"a": 1.0}, "between 0 and 1")])
def test_bad_shares_are_told(thin: dict[str, float], says: str, parts: tuple[Any, Split]) -> None:
    with pytest.raises(SemirayError, match=says):
        thin_split(*parts, thin, seed=0)
