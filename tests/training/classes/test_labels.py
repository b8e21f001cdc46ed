"""Known labels stay; unknown ones are drawn as estimated, the same for any number of processes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from semiray.errors import SemirayError
from semiray.radiographs import RadiographSet, Split
from semiray.settings import make_settings
from semiray.training.classes import estimates as class_estimates
from semiray.training.classes.labels import (
    TrainingLabels,
    chosen_images,
    decide,
    read_labels,
    run_labels,
    said_of_labels,
)

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_estimates, "STEPS", 5)


def whole(data: RadiographSet) -> Split:
    return Split(np.arange(len(data)), np.zeros(0, np.int64), np.zeros(0, np.int64))


def test_unknown_labels_are_drawn_as_often_as_estimated_and_known_ones_stay() -> None:
    known = np.array([2, -1, -1])
    estimates = np.array([[1, 0, 0], [0.2, 0.3, 0.5], [0, 1, 0]], np.float32)
    labels = TrainingLabels(known, estimates, seed=1)
    drawn = torch.stack([labels.take(torch.arange(3), 3 * step, slice(0, 3), 3) for step in range(4000)])
    assert (drawn[:, 0] == 2).all()
    assert (drawn[:, 2] == 1).all()
    shares = torch.bincount(drawn[:, 1], minlength=3) / 4000
    torch.testing.assert_close(shares, torch.tensor([0.2, 0.3, 0.5]), atol=0.03, rtol=0)
    assert labels.unknown == 2


def test_each_process_draws_its_rows_of_the_same_batch() -> None:
    estimates = np.full((50, 2), 0.5, np.float32)
    labels, index = TrainingLabels(np.full(50, -1), estimates, seed=0), torch.arange(8)
    together = labels.take(index, 16, slice(0, 8), 8)
    apart = [labels.take(index[rows], 16, rows, 8) for rows in (slice(0, 4), slice(4, 8))]
    assert torch.equal(torch.cat(apart), together)
    assert not torch.equal(labels.take(index, 24, slice(0, 8), 8), together)
    assert torch.equal(labels.once(), labels.once())


def test_what_is_drawn_is_more_decided_than_estimates_and_keeps_the_shares() -> None:
    rare = np.random.default_rng(0).beta(0.3, 6.0, 500)  # seldom above a half
    estimates = np.stack([rare, 1 - rare], axis=1).astype(np.float32)
    found = decide(estimates)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found.mean(axis=0), estimates.mean(axis=0), rtol=1e-3)
    assert found.max(axis=1).mean() > estimates.max(axis=1).mean() + 0.01
    assert (found[:, 0].argsort() == estimates[:, 0].argsort()).all()
    certain = np.eye(3, dtype=np.float32)[[0, 0, 1]]  # a class that no image is of
    np.testing.assert_array_equal(decide(certain), certain)


def test_what_is_known_needs_no_estimate(data: RadiographSet, tmp_path: Path) -> None:
    settings, file = make_settings(), tmp_path / "estimates"
    chosen = np.array([5, 4, 9])
    found = read_labels(settings, data, chosen, data.labels, file, CPU)
    assert found.take(torch.arange(3), 0, slice(0, 3), 3).tolist() == data.labels[chosen].tolist()
    assert not file.exists()
    assert said_of_labels(data, chosen, data.labels) == ""


def test_estimates_are_kept_and_those_of_other_labels_are_made_anew(
    data: RadiographSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, file, chosen = make_settings(), tmp_path / "estimates", np.arange(60)
    labels = np.where(chosen < 20, data.labels, -1)
    first = read_labels(settings, data, chosen, labels, file, CPU)
    monkeypatch.setattr(class_estimates, "STEPS", 9)  # estimates made now would differ
    kept = read_labels(settings, data, chosen, labels, file, CPU)
    assert torch.equal(kept.below, first.below)
    others = read_labels(settings, data, chosen, np.where(chosen < 22, data.labels, -1), file, CPU)
    assert not torch.equal(others.below, first.below)


def test_only_training_labels_are_hidden_and_unlabelled_images_can_be_left_out(data: RadiographSet) -> None:
    split = Split(np.arange(40), np.arange(40, 50), np.arange(50, 60))
    settings = make_settings({"label_fraction": 0.1})
    labels = run_labels(settings, data, split)
    assert (labels[:40] >= 0).sum() == 4
    np.testing.assert_array_equal(labels[40:], data.labels[40:])
    np.testing.assert_array_equal(chosen_images(settings, data, split, labels), split.train)
    few = chosen_images(make_settings({"unlabelled": "omit"}), data, split, labels)
    np.testing.assert_array_equal(few, np.flatnonzero(labels[:40] >= 0))
    said = said_of_labels(data, split.train, labels)
    assert "4 of 40 training images, of 4 patients" in said
    assert "unlabelled=omit" in said


def test_data_without_classes_have_no_unknown_label(make_blobs: Callable[..., RadiographSet], tmp_path: Path) -> None:
    data = make_blobs(classes=())
    settings = make_settings({"label_fraction": 0.1})
    labels = run_labels(settings, data, whole(data))
    chosen = chosen_images(settings, data, whole(data), labels)
    assert len(chosen) == len(data)
    assert read_labels(settings, data, chosen, labels, tmp_path / "estimates", CPU).unknown == 0
    assert said_of_labels(data, chosen, labels) == ""


def test_errors_name_what_is_missing(data: RadiographSet, tmp_path: Path) -> None:
    nothing = replace(data, labels=np.full(60, -1))
    with pytest.raises(SemirayError, match="None of the 60 training images has a label"):
        chosen_images(make_settings(), nothing, whole(nothing), nothing.labels)
    dark = np.where(np.arange(60) == 0, 0, -1)
    with pytest.raises(SemirayError, match=r"is of class bright[\s\S]*unlabelled=omit"):
        read_labels(make_settings(), data, np.arange(60), dark, tmp_path / "estimates", CPU)
    shares = make_settings({"class_shares": "dark=0.4,grey=0.6"})
    some = np.where(np.arange(60) < 4, data.labels, -1)
    with pytest.raises(SemirayError, match="class_shares names dark, grey; the classes are dark, bright"):
        read_labels(shares, data, np.arange(60), some, tmp_path / "estimates", CPU)
