from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from semiray.errors import SemirayError, SemirayWarning
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.loading import load_radiographs
from semiray.radiographs.splits import Split, split_by_patient, split_ids

RNG = np.random.default_rng(0)


def cohort(n_patients: int, n_classes: int, rng: np.random.Generator, mixed: bool = False):
    """Patients with 1 to many images, of one class each unless mixed."""
    sizes = np.minimum(rng.geometric(0.4, n_patients), 20)
    patients = np.repeat(np.arange(n_patients), sizes)
    labels = rng.integers(0, n_classes, len(patients)) if mixed else rng.integers(0, n_classes, n_patients)[patients]
    order = rng.permutation(len(patients))
    return np.array([f"p{i}" for i in patients[order]]), labels[order]


def parts(split: Split):
    return split.train, split.validation, split.test


@pytest.mark.parametrize("fractions", [(0.7, 0.1, 0.2), (0.5, 0.5, 0.0), (0.8, 0.0, 0.2), (1.0, 0.0, 0.0)])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("n_patients", [5, 30, 400])
def test_every_image_in_one_part_and_every_patient_too(n_patients, mixed, fractions):
    for seed in range(5):
        patients, labels = cohort(n_patients, 3, np.random.default_rng(seed), mixed)
        split = split_ids(patients, labels, fractions=fractions, seed=seed)
        np.testing.assert_array_equal(np.sort(np.concatenate(parts(split))), np.arange(len(patients)))
        owners = [set(patients[part]) for part in parts(split)]
        assert len(owners[0] | owners[1] | owners[2]) == sum(map(len, owners))
        for part, fraction in zip(parts(split), fractions, strict=True):
            assert part.dtype == np.int64
            assert (len(part) > 0) == (fraction > 0)
            assert (np.diff(part) > 0).all()


@pytest.mark.parametrize("mixed", [False, True])
def test_classes_keep_their_proportions(mixed):
    for seed in range(5):
        patients, labels = cohort(600, 3, np.random.default_rng(seed), mixed)
        split = split_ids(patients, labels, seed=seed)
        for label in range(3):
            share = [np.mean(np.isin(np.flatnonzero(labels == label), part)) for part in parts(split)]
            np.testing.assert_allclose(share, (0.7, 0.1, 0.2), atol=0.015)


def test_few_patients_still_reach_every_part():
    for seed in range(20):
        # Three patients of a class, one of them with most images; two of another; one of a third.
        patients = list("aaaaaaaabc" + "dde" + "fff")
        labels = [0] * 10 + [1] * 3 + [2] * 3
        split = split_ids(patients, labels, seed=seed)
        found = [{labels[i] for i in part} for part in parts(split)]
        assert 0 in found[0] & found[1] & found[2]
        assert 1 in found[0] & found[2]
        assert 2 in found[0]


def test_many_patients_of_one_image_are_fast_and_exact():
    labels = RNG.choice(4, 20_000, p=[0.17, 0.48, 0.28, 0.07])
    split = split_ids([str(i) for i in range(20_000)], labels)
    for label in range(4):
        share = [np.mean(np.isin(np.flatnonzero(labels == label), part)) for part in parts(split)]
        np.testing.assert_allclose(share, (0.7, 0.1, 0.2), atol=0.002)


def test_the_seed_decides():
    patients, labels = cohort(100, 2, np.random.default_rng(1))
    first, same, other = (split_ids(patients, labels, seed=seed) for seed in (3, 3, 4))
    for a, b in zip(parts(first), parts(same), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.test, other.test)
    assert first.seed == 3


def test_unlabelled_images_split_like_a_class():
    patients, labels = cohort(200, 1, np.random.default_rng(2))
    split = split_ids(patients, np.where(labels == 0, -1, 0))
    assert len(split.train) == pytest.approx(0.7 * len(patients), abs=3)


@pytest.mark.parametrize(
    "fractions", [(0.5, 0.1, 0.1), (0.0, 0.5, 0.5), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5), (0.5, 0.5)]
)
def test_wrong_fractions(fractions):
    with pytest.raises(SemirayError, match="sum to 1"):
        split_ids(["a", "b", "c"], [0, 0, 0], fractions=fractions)


def test_too_few_patients():
    with pytest.raises(SemirayError, match="2 patients can't be split"):
        split_ids(["a", "a", "b"], [0, 0, 0])
    with pytest.raises(SemirayError, match="0 patients can't be split"):
        split_ids([], [])
    with pytest.raises(SemirayError, match="one of each"):
        split_ids(["a"], [0, 1])


def test_patients_who_share_a_picture_are_in_one_part():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 200, (60, 32, 32), dtype=np.uint8)
    copies = rng.permutation(60)[:20].reshape(2, 10)
    images[copies[1]] = images[copies[0]] + 9  # brighter copies, filed under other patients
    patients = np.array([f"p{i:02d}" for i in range(60)])
    labels = np.arange(60) % 2
    data = RadiographSet(images, labels, ("a", "b"), patients, tuple(patients.tolist()), ({},) * 60, "f")
    torn = 0
    for seed in range(5):
        split = split_by_patient(data, fractions=(0.4, 0.2, 0.4), seed=seed)
        for part in parts(split):
            assert set(copies[0]) & set(part) == {a for a, b in copies.T if b in part}
        plain = split_ids(patients, labels, fractions=(0.4, 0.2, 0.4), seed=seed)
        torn += sum((a in plain.test) != (b in plain.test) for a, b in copies.T)
    assert torn > 0  # which a split of ids alone doesn't prevent


def test_a_saved_split_is_the_same_split(tmp_path):
    patients, labels = cohort(50, 2, np.random.default_rng(3))
    keys = [f"k{i}" for i in range(len(patients))]
    split = split_ids(patients, labels, seed=9)
    split.save(tmp_path / "split.json", keys)
    assert [path.name for path in tmp_path.iterdir()] == ["split.json"]
    loaded = Split.load(tmp_path / "split.json", keys)
    # Names, not numbers: it holds when images were added in front.
    moved = Split.load(tmp_path / "split.json", ["new", *keys])
    for a, b, c in zip(parts(split), parts(loaded), parts(moved), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c - 1)
    assert loaded.seed == 9


@pytest.mark.parametrize("indent", [None, 0, 1, 4])
def test_a_split_laid_out_by_another_tool_is_read(tmp_path, indent):
    path, keys = tmp_path / "split.json", ["a:b", 'say "train": [', "ä/\udcff", "x]", "y"]
    content = {
        "made by": "hand",
        "left out": ["p", "q"],
        "test": keys[:1],
        "train": keys[1:4],
        "validation": [],
        "seed": 7,
    }
    path.write_text(json.dumps(content, indent=indent))
    split = Split.load(path, keys)
    assert [part.tolist() for part in parts(split)] == [[1, 2, 3], [], [0]]
    assert split.seed == 7
    path.write_text('{\n "seed": 7,\n "train": ["a:b", "y"],\n "validation": [\n "x]",\n "z"\n ],\n "test": []\n}')
    assert [part.tolist() for part in parts(Split.load(path, ["z", *keys]))] == [[1, 5], [0, 4], []]


def test_a_split_that_was_cut_is_no_split(tmp_path):
    path, keys = tmp_path / "split.json", [f"k{i}" for i in range(9)]
    whole = Split(np.arange(5), np.arange(5, 7), np.arange(7, 9))
    whole.save(path, keys)
    text = path.read_text()
    for length in range(len(text)):
        path.write_text(text[:length])
        with pytest.raises(SemirayError, match="isn't a split"):
            Split.load(path, keys)


def test_what_isnt_a_split_is_explained(tmp_path):
    path = tmp_path / "split.json"
    with pytest.raises(SemirayError, match="can't be read"):
        Split.load(path, [])
    for content in ("nonsense", "[]", '{"seed": 1}', '{"seed": 1, "train": 3, "validation": [], "test": []}'):
        path.write_text(content)
        with pytest.raises(SemirayError, match="isn't a split"):
            Split.load(path, [])
    path.write_text(json.dumps({"seed": 1, "train": ["a", "b"], "validation": [], "test": ["c"]}))
    with pytest.raises(SemirayError, match="2 of its 3 images are missing: b, c"):
        Split.load(path, ["a"])
    path.write_text(json.dumps({"seed": 1, "train": ["a"], "validation": [], "test": ["a"]}))
    with pytest.raises(SemirayError, match="named twice"):
        Split.load(path, ["a"])
    with pytest.raises(SemirayError, match="can't be written"):
        Split(*(np.zeros(0, np.int64),) * 3).save(tmp_path / "no" / "split.json", [])


def test_hannover(shared_data, tmp_path):
    xrays = load_radiographs(shared_data / "hannover", resolution=16, cache=tmp_path)
    split = split_by_patient(xrays)
    assert not set(xrays.patients[split.train]) & set(xrays.patients[split.test])
    assert len(split.test) == pytest.approx(0.2 * 243, abs=3)


def official_set(names: list[str], patients: list[str] | None = None, seed: int = 0) -> RadiographSet:
    """Images of noise, whose parts are named; one patient an image."""
    n = len(names)
    images = np.random.default_rng(seed).integers(0, 200, (n, 32, 32), dtype=np.uint8)
    ids = np.array(patients or [f"p{i:02d}" for i in range(n)])
    metadata = tuple({"split": name} if name else {} for name in names)
    return RadiographSet(images, np.arange(n) % 2, ("a", "b"), ids, tuple(f"{i}.png" for i in range(n)), metadata, "f")


def test_official_parts_are_kept():
    names = ["test", "train", "validation", "train", "train", "test"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing was left out, so nothing is said
        split = split_by_patient(official_set(names), official=True, seed=4)
    assert [part.tolist() for part in parts(split)] == [[1, 3, 4], [2], [0, 5]]
    assert split.seed == 4
    assert split.left_out == {}


@pytest.mark.parametrize(("missing", "counts"), [("validation", (34, 6, 20)), ("test", (32, 20, 8))])
def test_an_official_part_that_is_missing_is_drawn_from_the_training_patients(missing, counts):
    kept = "test" if missing == "validation" else "validation"
    data = official_set(["train"] * 40 + [kept] * 20, [f"p{i // 2:02d}" for i in range(60)])
    with pytest.warns(SemirayWarning, match=f"no official {missing} part: [68] {missing} images were drawn"):
        split = split_by_patient(data, official=True)
    assert tuple(map(len, parts(split))) == counts
    assert (split.test if kept == "test" else split.validation).tolist() == list(range(40, 60))
    owners = [set(data.patients[part]) for part in parts(split)]
    assert len(owners[0] | owners[1] | owners[2]) == sum(map(len, owners))
    # A share of 0 asks for none.
    drawn = split_by_patient(data, (1.0, 0.0, 0.0), official=True)
    assert drawn.train.tolist() == list(range(40))


def test_what_is_in_two_official_parts_is_tested_on_and_not_trained_on():
    names = ["train"] * 6 + ["validation"] * 3 + ["test"] * 3
    patients = ["a", "a", "b", "c", "d", "e", "f", "g", "h", "a", "i", "j"]  # a: in train and test
    data = official_set(names, patients)
    data.images[2] = data.images[10]  # a picture of b is that of i, in test
    data.images[3] = data.images[6] // 2 + 20  # one of c is that of f, in validation
    data.images[7] = data.images[11]  # one of g, in validation, is that of j, in test
    with pytest.warns(
        SemirayWarning, match="Left out of train: 4 images of 3 patients; validation or test has"
    ) as said:
        split = split_by_patient(data, official=True)
    assert [part.tolist() for part in parts(split)] == [[4, 5], [6, 8], [9, 10, 11]]
    assert "Left out of validation: 1 image of 1 patient; test has" in str(said[0].message)
    assert split.left_out == {"in validation, of patients in test": 1, "in train, of patients in validation or test": 4}
    everywhere = official_set(["train", "train", "test"], ["a", "a", "a"])
    with pytest.raises(SemirayError, match="no training image is left"):
        split_by_patient(everywhere, official=True)


def test_images_in_no_official_part_are_left_out_and_counted():
    data = official_set(["train", "train", "", "validation", "test", "holdout"])
    with pytest.warns(SemirayWarning, match="Left out: 2 images in no official part"):
        split = split_by_patient(data, official=True)
    assert [part.tolist() for part in parts(split)] == [[0, 1], [3], [4]]
    assert split.left_out == {"in no official part": 2}
    with pytest.raises(SemirayError, match=r"no image is in an official part\. Parts are known by folders"):
        split_by_patient(official_set(["", ""]), official=True)
    with pytest.raises(SemirayError, match="no image is in an official training part"):
        split_by_patient(official_set(["test", ""]), official=True)
    with pytest.raises(SemirayError, match="sum to 1"):
        split_by_patient(data, (1, 1, 1), official=True)


def test_those_trained_on_stay_in_train():
    for seed in range(5):
        patients, labels = cohort(60, 3, np.random.default_rng(seed))
        for share in (0.2, 0.5, 0.9):
            trained = np.isin(patients, np.unique(patients)[: round(share * 60)])
            split = split_ids(patients, labels, fractions=(0.7, 0.0, 0.3), seed=seed, trained=trained)
            assert set(np.flatnonzero(trained)) <= set(split.train)
            assert not set(patients[split.train]) & set(patients[split.test])
            assert len(split.train) + len(split.test) == len(patients)
            wanted = min(0.3 * len(patients), (~trained).sum())
            assert len(split.test) == pytest.approx(wanted, abs=3)


def test_images_that_were_trained_on_take_their_copies_and_patients_along():
    data = official_set([""] * 12, ["a", "a", *"bcdefghijk"])
    data.images[2] = data.images[1] // 2 + 20  # a picture of b is one of a
    trained = np.arange(12) == 0
    for seed in range(5):
        split = split_by_patient(data, (0.5, 0.0, 0.5), seed, trained=trained)
        assert {0, 1, 2} <= set(split.train.tolist())


def test_a_class_that_was_not_trained_on_is_learned_from_others():
    """Patients trained on are as many as the part needs, but of one class: some of the other join them."""
    split = split_ids(list("aabcdefgh"), [0] * 6 + [1] * 3, fractions=(0.7, 0.0, 0.3), trained=np.arange(9) < 6)
    labels = np.array([0] * 6 + [1] * 3)
    assert set(labels[split.train]) == {0, 1}
    assert set(labels[split.test]) == {1}
    only = split_ids(["a", "b"], [0, 0], fractions=(0.7, 0.0, 0.3), trained=np.array([True, True]))
    assert only.train.tolist() == [0, 1]


def test_a_split_of_which_only_some_images_are_there_can_be_read(tmp_path):
    path = tmp_path / "split.json"
    Split(np.array([0, 1]), np.array([2]), np.array([3])).save(path, ["a", "b", "c", "d"])
    split = Split.load(path, ["x", "b", "d"], partial=True)
    assert [part.tolist() for part in parts(split)] == [[1], [], [2]]
    with pytest.raises(SemirayError, match="2 of its 4 images are missing"):
        Split.load(path, ["x", "b", "d"])


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"seed": 0, "train": ["a"], "validation": [], "test": [1]}',
        '{"seed": 0, "train": [["a"]], "validation": [], "test": []}',
        '{"seed": true, "train": ["a"], "validation": [], "test": []}',
        '{"seed": Infinity, "train": ["a"], "validation": [], "test": []}',
        '{"seed": -1, "train": ["a"], "validation": [], "test": []}',
        '{"seed": %s, "train": ["a"], "validation": [], "test": []}' % ("9" * 400),
        '{"seed": 0, "train": {"a": 1}, "validation": [], "test": []}',
        '{"seed": 0, "train": ["a"], "train": ["b"], "validation": [], "test": []}',
        '{\n "seed": 0,\n "train": [\n  ' + "[" * 5000 + '\n ],\n "validation": [],\n "test": []\n}',
        '{\n "seed": 0,\n "train": [\n  "' + "x" * (1 << 21) + '"\n ],\n "validation": [],\n "test": []\n}',
        "",
        "{\n",
        "\x00",
    ],
    ids=range(14),
)
def test_what_no_split_can_say_is_a_sentence(tmp_path, text):
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(SemirayError, match=r"split\.json"):
        Split.load(tmp_path / "split.json", ["a"])
    with pytest.raises(SemirayError, match="isn't a split"):
        Split.load(tmp_path, ["a"])
