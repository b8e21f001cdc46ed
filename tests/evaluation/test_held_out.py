from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semiray.errors import SemirayError, SemirayWarning
from semiray.evaluation.held_out import Sides, sides_of_run, sides_of_set
from semiray.evaluation.results import Overlap
from semiray.radiographs import RadiographSet, ReadingOptions, Split, split_by_patient
from semiray.radiographs.pixels.traces import Traces
from semiray.training import RunFiles

pytestmark = pytest.mark.filterwarnings("ignore::semiray.errors.SemirayWarning")


@pytest.fixture
def run(real: RadiographSet, run_maker: Any, tmp_path: Path) -> Any:
    """A run that keeps traces of its training images."""
    made, split = run_maker(tmp_path / "RUN", real)
    Traces.of(real.images, split.train).save(RunFiles(made.path).traces)
    return made


def elsewhere(data: RadiographSet, **changes: Any) -> RadiographSet:
    """The same images in another folder, under other names."""
    keys = tuple(f"elsewhere/{i}.png" for i in range(len(data)))
    return replace(data, keys=keys, fingerprint="another", **changes)


def check_sound(sides: Sides, data: RadiographSet, trained: np.ndarray) -> None:
    """No patient is on two sides, and none who was trained on is held out."""
    patients = data.patients
    assert not set(patients[sides.split.train]) & set(patients[sides.split.test])
    assert not set(patients[trained]) & set(patients[sides.held_out])
    assert set(sides.split.test) <= set(sides.held_out)


def test_the_runs_own_split_is_kept(real: RadiographSet, run: Any) -> None:
    split, sides = run.split(real), sides_of_run(run, real)
    assert np.array_equal(sides.split.train, split.train)
    assert np.array_equal(sides.split.test, split.test)
    assert np.array_equal(sides.held_out, split.test)
    assert sides.own
    assert sides.notes == []
    assert sides.overlap == Overlap(len(split.train), len(split.test), 0, 0, 0)


def test_a_renamed_folder_is_recognised(real: RadiographSet, run: Any) -> None:
    split, data = run.split(real), elsewhere(real)
    with pytest.warns(SemirayWarning, match="aren't tested on"):
        sides = sides_of_run(run, data)
    assert not sides.own
    assert sorted(sides.held_out) == sorted([*split.validation, *split.test])
    assert sides.overlap == Overlap(len(split.train), 90, len(split.train), len(split.train), len(split.train) // 2)
    assert any(f"{len(split.train)} of these 90 images are among" in note for note in sides.notes)
    check_sound(sides, data, split.train)


def test_copies_are_recognised_with_their_patients(run_maker: Any, set_maker: Any, tmp_path: Path) -> None:
    """One of the two images of each training patient was saved again, darker; the other is new."""
    real = set_maker(120)
    real = replace(real, images=np.kron(real.images[:, ::4, ::4], np.ones((4, 4))).astype(np.uint8))
    run, split = run_maker(tmp_path / "RUN", real)
    Traces.of(real.images, split.train).save(RunFiles(run.path).traces)
    other = np.kron(set_maker(120, seed=9).images[:, ::4, ::4], np.ones((4, 4)))
    copied = np.isin(np.arange(120), split.train) & (np.arange(120) % 2 == 0)
    images = np.where(copied[:, None, None], real.images * 0.9, other).astype(np.uint8)
    data = elsewhere(real, images=images)
    sides = sides_of_run(run, data)
    assert sides.overlap is not None
    assert sides.overlap.n_recognised == copied.sum()
    assert sides.overlap.n_left_out == 2 * copied.sum()
    assert sides.overlap.n_patients_left_out == copied.sum()
    check_sound(sides, data, split.train)


def test_a_set_that_shares_nothing_is_used_whole(set_maker: Any, run: Any) -> None:
    data = set_maker(100, seed=4, prefix="other")
    sides = sides_of_run(run, replace(data, keys=tuple("q" + key for key in data.keys)))
    assert np.array_equal(sides.held_out, np.arange(100))
    assert len(sides.split.train) + len(sides.split.test) == 100
    assert len(sides.split.test) == pytest.approx(30, abs=2)
    assert sides.overlap is not None
    assert sides.overlap.n_left_out == 0
    assert "use all 100" in sides.notes[0]
    assert "none of them is among the" in sides.notes[1]


def test_file_names_prove_nothing(real: RadiographSet, set_maker: Any, run: Any) -> None:
    """Other images, called as the run's are: their content decides."""
    other = set_maker(90, seed=4)
    data = replace(other, keys=tuple(f"elsewhere/{Path(key).name}" for key in real.keys))
    assert len(sides_of_run(run, data).held_out) == 90


def test_names_that_are_the_runs_by_chance_prove_nothing(set_maker: Any, real: RadiographSet, run: Any) -> None:
    other = set_maker(120, seed=4)  # 0 to 89 of them have the names of the run's images
    data = replace(other, keys=("more/0.png", *other.keys[1:]), fingerprint="another")
    sides = sides_of_run(run, data)
    assert len(sides.held_out) == 120
    assert "by content it was trained on others" in sides.notes[0]
    less = real.take(range(1, 90))
    with pytest.raises(SemirayError, match="are missing"):
        sides_of_run(run, less)
    # Where all names are the run's, other images may be the same that were changed: they are left out by name.
    changed = replace(other.take(range(90)), keys=real.keys, fingerprint="another")
    sides = sides_of_run(run, changed)
    assert np.array_equal(sides.held_out, run.split(real).test)
    assert not sides.own
    assert "they are others, or have changed" in sides.notes[-1]


def test_test_images_alone_are_all_used(real: RadiographSet, run: Any) -> None:
    """The training images were deleted: what is left is new to the generator by content."""
    test = run.split(real).test
    sides = sides_of_run(run, real.take(test))
    assert len(sides.held_out) == len(test)


def test_nothing_left_is_refused(real: RadiographSet, run: Any) -> None:
    with pytest.raises(SemirayError, match="nothing is left to test on"):
        sides_of_run(run, elsewhere(real).take(run.split(real).train))


def test_one_new_patient_is_enough(real: RadiographSet, set_maker: Any, run: Any) -> None:
    one = set_maker(2, seed=4, classes=real.classes, prefix="other")
    sides = sides_of_run(run, one)
    assert sides.split.test.tolist() == sides.held_out.tolist() == [0, 1]
    assert len(sides.split.train) == 0
    joined = elsewhere(real).take(run.split(real).train)
    joined = replace(
        joined,
        images=np.concatenate([joined.images, one.images]),
        labels=np.concatenate([joined.labels, one.labels]),
        patients=np.concatenate([joined.patients, ["new", "new"]]),
        keys=(*joined.keys, *one.keys),
        metadata=({},) * (len(joined) + 2),
    )
    sides = sides_of_run(run, joined)
    assert sides.split.test.tolist() == sides.held_out.tolist() == [len(joined) - 2, len(joined) - 1]


def test_another_framing_would_hide_copies(real: RadiographSet, run: Any) -> None:
    assert run.settings.data.framing == "crop"
    assert sides_of_run(run, elsewhere(real, options=ReadingOptions(framing="crop"))).overlap is not None
    with pytest.raises(SemirayError, match="these with framing=pad"):
        sides_of_run(run, elsewhere(real, options=ReadingOptions(framing="pad")))


def test_an_old_run_says_that_content_was_not_compared(real: RadiographSet, run: Any) -> None:
    RunFiles(run.path).traces.unlink()
    sides = sides_of_run(run, elsewhere(real))
    assert sides.overlap is None
    assert any("couldn't be compared" in note for note in sides.notes)
    assert sides_of_run(run, real).notes == []


def test_damaged_traces_are_an_error(real: RadiographSet, run: Any) -> None:
    RunFiles(run.path).traces.write_bytes(b"nonsense")
    with pytest.raises(SemirayError, match=r"traces\.npy"):
        sides_of_run(run, real)


def test_another_split_beside_the_run_is_seen_through(real: RadiographSet, run: Any) -> None:
    trained = run.split(real).train
    other = split_by_patient(real, seed=8)
    other.save(RunFiles(run.path).split, real.keys)
    sides = sides_of_run(run, real)
    assert set(sides.split.test) == set(other.test) - set(trained)
    assert not sides.own
    assert any("the split isn't that of its training" in note for note in sides.notes)
    assert any("test images of" in note and "left out" in note for note in sides.notes)
    check_sound(sides, real, trained)
    turned = Split(np.setdiff1d(np.arange(90), trained), trained[:0], trained)
    turned.save(RunFiles(run.path).split, real.keys)
    with pytest.raises(SemirayError, match="nothing is left to test on"):
        sides_of_run(run, real)


def test_training_images_that_a_split_calls_test_images_are_seen_through(real: RadiographSet, run: Any) -> None:
    """Every training image of the split was trained on; some of its test images, too."""
    split, traces = run.split(real), run.traces()
    moved = np.isin(split.train, np.flatnonzero(np.isin(real.patients, real.patients[split.train[:10]])))
    told = Split(split.train[~moved], split.validation, np.sort([*split.test, *split.train[moved]]))
    sides = sides_of_set(real, told, traces, official_split=False)
    assert np.array_equal(sides.split.test, split.test)
    assert sides.own
    check_sound(sides, real, split.train)


def test_patients_of_whom_another_part_holds_a_training_image_are_left_out(real: RadiographSet) -> None:
    """A split by image: of each patient one image, which was trained on, is for validation, the other for testing."""
    told = Split(np.arange(0, 30), np.arange(30, 90, 2), np.arange(31, 90, 2))
    with pytest.raises(SemirayError, match="nothing is left to test on"):
        sides_of_set(real, told, Traces.of(real.images, told.validation), official_split=False)


def test_copies_across_a_given_split_are_left_out(real: RadiographSet, set_maker: Any) -> None:
    """A split that somebody made by image: patients and copies are on both sides."""
    images = np.kron(real.images[:, ::4, ::4], np.ones((4, 4))).astype(np.uint8)
    split = split_by_patient(real, seed=1)
    copy, original = split.test[0], split.train[0]
    images[copy] = images[original] * 0.9
    data = replace(real, images=images)
    sides = sides_of_set(data, split, None, official_split=False)
    assert sides.own
    assert sides.overlap is not None
    assert (sides.overlap.n_recognised, sides.overlap.n_left_out) == (1, 2)
    assert set(sides.split.test) == set(split.test) - set(np.flatnonzero(real.patients == real.patients[copy]))
    torn = Split(np.arange(0, 90, 2), np.zeros(0, np.int64), np.arange(1, 90, 2))
    with pytest.raises(SemirayError, match="nothing is left to test on"):
        sides_of_set(real, torn, None, official_split=False)


def test_without_a_split_every_image_is_used(real: RadiographSet) -> None:
    sides = sides_of_set(real, None, None, official_split=False)
    assert sides.own is None
    assert len(sides.split.train) + len(sides.split.test) == len(sides.held_out) == 90
    assert any("seen the test patients" in note for note in sides.notes)
    traces = Traces.of(real.images, np.arange(40))
    sides = sides_of_set(real, None, traces, official_split=False)
    assert sides.held_out.tolist() == list(range(40, 90))
    assert sides.own is False


def test_official_parts_are_kept_where_a_set_is_judged(real: RadiographSet) -> None:
    part = np.where(np.arange(90) < 60, "train", "test")
    data = replace(real, metadata=tuple({"split": name} for name in part.tolist()))
    sides = sides_of_set(data, None, None, official_split=True)
    assert sides.split.train.tolist() == list(range(60))
    assert sides.split.test.tolist() == sides.held_out.tolist() == list(range(60, 90))
    assert "official parts of the real images were kept: classifiers are trained on 60" in sides.notes[0]
    with pytest.raises(SemirayError, match="exclude each other"):
        sides_of_set(data, sides.split, None, official_split=True)
    sides = sides_of_set(data, None, Traces.of(real.images, np.arange(50, 70)), official_split=True)
    assert sides.split.train.tolist() == list(range(60))
    assert sides.split.test.tolist() == sides.held_out.tolist() == list(range(70, 90))
    assert sides.own is False


def test_added_and_changed_images_are_told(real: RadiographSet, set_maker: Any, run: Any) -> None:
    other = set_maker(60, seed=4, prefix="other")
    both = replace(
        real,
        images=np.concatenate([real.images, other.images]),
        labels=np.concatenate([real.labels, other.labels]),
        patients=np.concatenate([real.patients, np.char.add("q", other.patients)]),
        keys=real.keys + other.keys,
        metadata=real.metadata + other.metadata,
        fingerprint="both",
    )
    sides = sides_of_run(run, both)
    assert sides.own
    assert np.array_equal(sides.split.test, run.split(real).test)
    assert sides.notes == ["60 images that the run's split doesn't name were left out."]
    assert "have changed" in sides_of_run(run, replace(real, fingerprint="other")).notes[0]


def test_a_run_without_names_recognises_its_own_set(real: RadiographSet, run: Any) -> None:
    split = run.split(real)
    RunFiles(run.path).split.unlink()
    sides = sides_of_run(run, elsewhere(real))
    assert sides.own
    assert np.array_equal(sides.split.train, split.train)
    assert sorted(sides.held_out) == sorted([*split.validation, *split.test])
    assert any("those that it recognises by content train the ceiling" in note for note in sides.notes)
    check_sound(sides, real, split.train)


def test_a_run_without_names_keeps_its_patients_out_of_another_set(real: RadiographSet, run: Any) -> None:
    split, some = run.split(real), np.arange(30, 90)
    RunFiles(run.path).split.unlink()
    with pytest.warns(SemirayWarning, match="aren't tested on"):
        sides = sides_of_run(run, elsewhere(real.take(some)))
    assert sides.own is False
    assert set(some[sides.held_out]) == set(some) - set(split.train)


def test_a_run_without_names_and_traces_says_so(real: RadiographSet, run: Any) -> None:
    RunFiles(run.path).split.unlink()
    RunFiles(run.path).traces.unlink()
    with pytest.warns(SemirayWarning, match="or was published without them"):
        assert sides_of_run(run, real).own is False
