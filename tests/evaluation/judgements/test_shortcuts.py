from pathlib import Path

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.evaluation.judgements.shortcuts import measure_shortcuts
from semiray.radiographs import load_radiographs

COUNT = 120
PATIENTS = np.array([f"p{i // 2}" for i in range(2 * COUNT)])
GROUPS = np.repeat([0, 1], COUNT)


def noise(side: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(60, 200, (2 * COUNT, side, side)).astype(np.uint8)


def test_alike_groups_are_at_chance() -> None:
    result = measure_shortcuts(noise(), GROUPS, ("a", "b"), PATIENTS)
    (pair,) = result.pairs
    assert pair.n_images == (COUNT, COUNT)
    assert pair.n_patients == (COUNT // 2, COUNT // 2)
    for auroc in pair.auroc.values():
        assert auroc.low < 0.5
        assert auroc.mean < 0.6
    assert not pair.flagged


def test_a_letter_in_the_corner_is_found_in_the_border() -> None:
    images = noise()
    images[GROUPS == 1, :2, :2] = 255
    result = measure_shortcuts(images, GROUPS, ("a", "b"), PATIENTS)
    (pair,) = result.pairs
    assert pair.auroc["border"].mean > 0.99
    assert pair.auroc["intensities"].mean > 0.9  # grey levels that noise doesn't have
    assert pair.flagged


def test_what_lies_in_the_lungs_is_not_in_the_border() -> None:
    images = noise()
    images[GROUPS == 1, 12:20, 12:20] = 200
    (pair,) = measure_shortcuts(images, GROUPS, ("a", "b"), PATIENTS).pairs
    assert pair.auroc["thumbnail"].mean > 0.95
    assert pair.auroc["border"].low < 0.5
    assert not pair.flagged


def test_a_perfect_shortcut_is_seen_however_patients_images_are_dealt() -> None:
    """One patient with a hundred images fills a fold: scores of two folds must not be compared."""
    patients = np.array([f"a{i}" for i in range(200)] + [f"b{i}" for i in np.repeat(range(6), [100, 20, 5, 5, 3, 2])])
    groups = np.repeat([0, 1], [200, 135])
    images = np.random.default_rng(0).integers(60, 200, (335, 32, 32)).astype(np.uint8)
    images[groups == 1, :2] = 255
    (pair,) = measure_shortcuts(images, groups, ("a", "b"), patients).pairs
    assert pair.auroc["border"].mean > 0.99
    assert pair.flagged


def test_patients_are_not_told_by_their_other_images() -> None:
    """Each patient has a frame of their own, which says nothing of the group: images of one patient share a fold."""
    images = noise()
    patients = np.array([f"p{i // 12}" for i in range(2 * COUNT)])
    for patient in np.unique(patients):
        rows = patients == patient
        images[rows, 0] = images[rows, 0][:1]
        images[rows, 1] = images[rows, 1][:1]
    (pair,) = measure_shortcuts(images, GROUPS, ("a", "b"), patients).pairs
    assert pair.auroc["border"].mean < 0.75


def test_groups_of_few_patients_are_left_out() -> None:
    groups = GROUPS.copy()
    groups[:6] = 2  # three patients
    groups[6:12] = -1
    result = measure_shortcuts(noise(), groups, ("a", "b", "rare"), PATIENTS)
    assert [pair.groups for pair in result.pairs] == [("a", "b")]
    assert result.left_out == ("rare",)
    none = measure_shortcuts(noise(), np.full(2 * COUNT, -1), ("a", "b"), PATIENTS)
    assert none.pairs == ()
    assert result.pairs[0].n_images == (COUNT - 12, COUNT)


def test_sides_that_sixteen_does_not_divide() -> None:
    (pair,) = measure_shortcuts(noise(37), GROUPS, ("a", "b"), PATIENTS).pairs
    assert set(pair.auroc) == {"border", "intensities", "thumbnail"}
    with pytest.raises(SemirayError, match="12 x 12"):
        measure_shortcuts(noise(12), GROUPS, ("a", "b"), PATIENTS)


def test_hannover_is_told_from_normal_by_its_border_and_virus_from_bacteria_is_not() -> None:
    data = Path(__file__).resolve().parents[3] / ".." / "shared" / "data"
    if not (data / "kermany").is_dir() or not (data / "hannover").is_dir():
        pytest.skip(f"the real radiographs aren't in {data}")
    children = load_radiographs(
        data / "kermany", resolution=32, label_from="NORMAL|virus|bacteria", patient_from=r"(person\d+)"
    )
    adults = load_radiographs(data / "hannover", resolution=32)
    result = measure_shortcuts(
        np.concatenate([children.images, adults.images]),
        np.concatenate([children.labels, np.full(len(adults), 3)]),
        (*children.classes, "hannover"),
        np.concatenate([children.patients, adults.patients]),
        resamples=100,
    )
    flagged = {frozenset(pair.groups): pair.flagged for pair in result.pairs}
    assert flagged[frozenset(("NORMAL", "hannover"))]
    assert not flagged[frozenset(("virus", "bacteria"))]
