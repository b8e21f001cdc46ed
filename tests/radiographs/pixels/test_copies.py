import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from semiray.errors import SemirayError
from semiray.priors import JointPrior
from semiray.radiographs.phantom import phantom_labels, render_phantoms
from semiray.radiographs.pixels.copies import find_copies, nearest_aligned

Images = NDArray[np.uint8]
PRIOR = JointPrior.default()


def phantoms(count: int, seed: int) -> Images:
    codes = PRIOR.sample(count, torch.Generator().manual_seed(seed)).numpy()
    return render_phantoms(codes, phantom_labels(count, seed=seed), resolution=64, seed=seed)


TRAIN, HELD_OUT = phantoms(400, 0), phantoms(200, 1)
PATIENTS = np.array([f"p{i}" for i in range(400)])
PICKED = np.random.default_rng(0).permutation(400)[:25]


def altered(how: str) -> Images:
    images = TRAIN[PICKED].astype(np.float64)
    rng = np.random.default_rng(1)
    if how == "brighter":
        images = images * 0.85 + 25
    elif how == "noisy":
        images = images + rng.normal(0, 8, images.shape)
    elif how == "shifted":
        images = np.pad(images, ((0, 0), (2, 2), (2, 2)), mode="edge")[:, 3:67, :64]
    elif how == "mirrored":
        images = images[:, :, ::-1]
    elif how == "blurred":
        small = [Image.fromarray(image.astype(np.uint8)).resize((32, 32)).resize((64, 64)) for image in images]
        images = np.stack([np.asarray(image, np.float64) for image in small])
    return images.round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("how", ["as they are", "brighter", "noisy", "shifted", "mirrored", "blurred"])
def test_copies_are_found_whatever_was_done_to_them(how: str) -> None:
    found = find_copies(altered(how), TRAIN, PATIENTS)
    assert found.copied.mean() >= 0.95
    assert (found.original[found.copied] == PICKED[found.copied]).all()


def test_two_planted_copies_of_a_hundred_are_found_and_nothing_else() -> None:
    images = np.concatenate([HELD_OUT[:147], altered("shifted")[:2], altered("noisy")[:1]])
    found = find_copies(images, TRAIN, PATIENTS)
    assert np.flatnonzero(found.copied).tolist() == [147, 148, 149]
    assert found.ratio[:147].min() > 0.65


def test_images_of_the_same_patient_do_not_make_the_neighbourhood_narrow() -> None:
    """Two nearly equal images of one patient: a copy of one must still be seen."""
    train = np.concatenate([TRAIN[:50], TRAIN[:1]])
    train[50, :4, :4] += 20
    patients = np.append(PATIENTS[:50], PATIENTS[0])
    found = find_copies(TRAIN[:1], train, patients)
    assert found.copied.all()


def test_a_picture_filed_under_two_patients_does_not_hide_its_copies() -> None:
    """Twins without their patient's id are what a generator remembers first."""
    rng = np.random.default_rng(3)
    twins = (TRAIN[:50] + rng.normal(0, 2, TRAIN[:50].shape)).round().clip(0, 255).astype(np.uint8)
    train = np.concatenate([TRAIN[:50], twins])
    copies = (TRAIN[:20] + rng.normal(0, 8, TRAIN[:20].shape)).round().clip(0, 255).astype(np.uint8)
    found = find_copies(copies, train, np.arange(100).astype(str))
    assert found.copied.all()
    assert not find_copies(HELD_OUT, train, np.arange(100).astype(str)).copied.any()


@pytest.mark.parametrize("side", [16, 32, 64])
@pytest.mark.parametrize("reach", [-2, 2])
def test_shifts_up_and_down_are_found_alike(side: int, reach: int) -> None:
    """Of 2 pixels at 64 px and of as many as fit below: all ways, at every size."""
    rows = np.linspace(0, 63, side).round().astype(int)
    small = TRAIN[:60][:, rows][:, :, rows]
    moved = np.roll(small[:30], round(reach * side / 64) or reach // 2, axis=1)
    found = find_copies(moved, small, PATIENTS[:60])
    assert found.copied.mean() >= 0.9


def test_progress_ends_at_its_total() -> None:
    told: list[tuple[int, int]] = []
    find_copies(HELD_OUT[:3], TRAIN[:5], PATIENTS[:5], progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == list(range(1, 197))
    assert {total for _, total in told} == {196}


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(SemirayError, match="one size"):
        find_copies(HELD_OUT[:, :32, :32], TRAIN, PATIENTS)
    with pytest.raises(SemirayError, match="one patient"):
        find_copies(HELD_OUT, TRAIN, np.repeat("p", 400))


@pytest.fixture
def images() -> Images:
    coarse = np.random.default_rng(0).integers(0, 200, (12, 8, 8), dtype=np.uint8)
    return np.kron(coarse, np.ones((8, 8), np.uint8))


def test_exposure_mirroring_and_shifts_do_not_count(images: Images) -> None:
    shifted = np.pad(images, ((0, 0), (2, 2), (2, 2)), mode="edge")[:, 4:68, 1:65]
    for changed in (images, images + 20, images[:, :, ::-1], shifted):
        nearest, distance = nearest_aligned(changed, images)
        assert nearest.tolist() == list(range(12))
        assert distance.max() < 2.5
    assert (nearest_aligned(images, images)[1] == 0).all()


def test_pairs_can_be_passed_over(images: Images) -> None:
    nearest, distance = nearest_aligned(images, images, np.eye(12, dtype=bool))
    assert (nearest != np.arange(12)).all()
    assert (distance > 5).all()
    assert np.isinf(nearest_aligned(images, images, np.ones((12, 12), bool))[1]).all()


def test_progress_counts_the_views(images: Images) -> None:
    seen: list[tuple[int, int]] = []
    nearest_aligned(images, images, progress=lambda done, views: seen.append((done, views)))
    assert seen == [(i, 98) for i in range(1, 99)]  # 7 x 7 shifts, mirrored or not


@pytest.mark.parametrize("side", [8, 32])
def test_other_sizes_are_explained(images: Images, side: int) -> None:
    small = np.zeros((2, side, side), np.uint8)
    with pytest.raises(SemirayError, match="16 px or more"):
        nearest_aligned(small if side == 8 else images, small)
