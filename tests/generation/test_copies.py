"""Copies of training images among generated ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.generation import CopyFilter, generate
from semiray.radiographs import RadiographSet, Split, load_radiographs
from semiray.training import Run


@pytest.fixture(scope="module")
def data(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> RadiographSet:
    return load_radiographs(data_folder, resolution=32, cache=tmp_path_factory.mktemp("cache"))


def test_training_images_are_copies_and_are_counted(run: Run, data: RadiographSet) -> None:
    train = Split.load(run.path / "split.json", data.keys).train
    made = generate(run, 5).images
    copies = CopyFilter(run, data)
    kept = copies.keep(np.concatenate([made, data.images[train[:3]]]))
    assert kept.tolist() == [True] * 5 + [False] * 3
    assert (copies.seen, copies.dropped, copies.fingerprint) == (8, 3, data.fingerprint)
    assert copies.summary() == "3 of 8 images are copies of training images and were dropped"


def test_a_run_that_only_repeats_its_training_images_is_refused(run: Run, data: RadiographSet) -> None:
    copies = CopyFilter(run, data)
    copies.keep(data.images[Split.load(run.path / "split.json", data.keys).train[:2]])
    with pytest.raises(SemirayError, match="every generated image is a copy"):
        copies.summary()


def test_images_of_the_same_names_are_not_taken_for_training_images(run: Run, data: RadiographSet) -> None:
    assert len(CopyFilter(run, replace(data, fingerprint="moved")).keep(data.images[:2])) == 2
    other = np.random.default_rng(0).integers(0, 256, data.images.shape, np.uint8)
    with pytest.raises(SemirayError, match="have names of training images, but another content"):
        CopyFilter(run, replace(data, images=other, fingerprint="other"))


def test_generate_leaves_copies_out(run: Run, data: RadiographSet) -> None:
    copies = CopyFilter(run, data)
    assert len(generate(run, 5, reject_copies=copies)) == 5
    assert copies.seen == 5
    assert (generate(run, 5, reject_copies=data).images == generate(run, 5).images).all()
    assert CopyFilter.of(run, None) is None
