"""Which real images train, which test, and which are shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.evaluation.results import ImageSamples
from semiray.radiographs import ImageArray, RadiographSet, Split, split_by_patient
from semiray.training import Run

__all__ = ["check_resolution", "describe", "is_phantom", "labelled_parts", "match_labels", "run_split", "sample_images"]

SHOWN = 10


def run_split(run: Run, data: RadiographSet[ImageArray]) -> tuple[Split, bool, list[str]]:
    """The run's split of its own data, or a fresh one of another data set; whether it is its own; notes."""
    path = Path(run.path) / "split.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = {str(key) for part in ("train", "validation", "test") for key in content[part]}
    except OSError as error:
        raise SemirayError(f"{path}: the run's split can't be read ({error.strerror or error}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SemirayError(f"{path}: this is not a split; without it, held-out images are unknown.") from error
    named = known & set(data.keys)
    if not named:
        files = {Path(key).name for key in known}
        alike = sum(Path(key).name in files for key in data.keys)
        if alike > len(data) / 2:
            raise SemirayError(
                f"{alike:,} of the {len(data):,} images have the names of the run's own images, but other folders. "
                "Load the data from the same folder as for training, so that held-out patients are known. If they are "
                "other images, rename them, or evaluate generated images with semiray.judge."
            )
        note = (
            "The run's split names none of these images: the run was trained on another data set. This one was split "
            "by patient here (70 % train the ceiling, 20 % test, seed 0)."
        )
        return split_by_patient(data), False, [note]
    split = run.split(data)
    if not len(split.test):
        raise SemirayError(f"{path}: the split has no test image; evaluate on another data set.")
    added = len(data) - len(named)
    notes = [f"{added:,} images that the run's split doesn't name were left out."] if added else []
    if not added and run.data.get("fingerprint", data.fingerprint) != data.fingerprint:
        notes.append(
            "The images have the names of those that the run was trained on, but another content, labels or framing: "
            "files, or the options that they were read with, have changed."
        )
    return split, True, notes


def labelled_parts(
    classes: Sequence[str], data: RadiographSet[ImageArray], split: Split
) -> tuple[RadiographSet, RadiographSet, str, list[str]]:
    """Real training and test images with labels in the order of ``classes``; why that is impossible, if so; notes."""
    train, test = data.take(split.train), data.take(split.test)
    if not classes:
        return train, test, "The generator knows no classes, so there is nothing for a classifier to learn.", []
    if not data.classes:
        return train, test, "The real images have no labels, so a classifier can't be tested on them.", []
    if set(classes) != set(data.classes):
        raise SemirayError(
            f"The synthetic images' classes are {', '.join(classes)}; the real data's are {', '.join(data.classes)}. "
            "Read the real data with the same labels (label_from, classes)."
        )
    if len(classes) < 2:
        return train, test, f"There is only one class ({classes[0]}): nothing to classify.", []
    notes = []
    unlabelled = int((train.labels < 0).sum() + (test.labels < 0).sum())
    if unlabelled:
        notes.append(f"{unlabelled:,} real images without a label were left out of utility.")
    order = np.array([list(classes).index(name) for name in data.classes], np.int64)
    parts = []
    for part, name in ((train, "training"), (test, "test")):
        labelled = part.take(np.flatnonzero(part.labels >= 0))
        labels = order[labelled.labels]
        absent = [c for k, c in enumerate(classes) if not (labels == k).any()]
        if absent:
            return train, test, f"No real {name} patient has {', '.join(absent)}.", notes
        parts.append(replace(labelled, labels=labels, classes=tuple(classes)))
    return parts[0], parts[1], "", notes


def check_resolution(data: RadiographSet[ImageArray], resolution: int, who: str) -> None:
    """Raise an error unless there are real images, at the resolution of ``who``."""
    if not len(data):
        raise SemirayError("There is no real image to evaluate on.")
    if data.images.shape[1] != resolution:
        raise SemirayError(
            f"{who} has images of {resolution} px, the real data was loaded at {data.images.shape[1]} px: "
            f"load it with resolution={resolution}."
        )


def is_phantom(data: RadiographSet[ImageArray]) -> bool:
    """Whether all images have names as `save_phantoms` gives them."""
    return bool(data.keys) and all(Path(key).name.startswith("phantom_") for key in data.keys)


def sample_images(
    names: Sequence[str], real: RadiographSet, synthetic: NDArray[np.uint8], labels: NDArray[np.int64]
) -> ImageSamples:
    """A few real and a few synthetic images of every class; one empty name where there are no classes.

    Args:
        names: The classes, in the order of ``labels``.
        real: Real images, labelled by these names.
        synthetic: (N, H, W) uint8.
        labels: (N,) positions in ``names``; -1 where there are no classes.
    """
    shown = tuple(names) or ("",)
    everyone = np.ones(len(real), bool)
    of_class = {name: real.labels == k for k, name in enumerate(real.classes)} | {"": everyone}
    return ImageSamples(
        shown,
        tuple(_few(real.images, of_class.get(name, ~everyone)) for name in shown),
        tuple(_few(synthetic, labels == (k if names else -1)) for k in range(len(shown))),
    )


def _few(images: NDArray[np.uint8], chosen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A few of the chosen images, spread evenly over the set, so that one patient's series doesn't fill the row."""
    places = np.flatnonzero(chosen)
    spread = np.linspace(0, max(len(places) - 1, 0), min(SHOWN, len(places))).astype(np.int64)
    return np.asarray(images[places[spread]])


def describe(data: RadiographSet[ImageArray]) -> str:
    """Held-out images in words."""
    if is_phantom(data):
        return f"{len(data):,} held-out phantom images"
    return f"{len(data):,} held-out real images of {len(np.unique(data.patients)):,} patients"


def match_labels(classes: Sequence[str], others: Sequence[str], labels: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Labels as positions among other names; None where either has no classes."""
    if not classes or not others:
        return None
    places = np.array([others.index(name) if name in others else -1 for name in classes] + [-1], np.int64)
    return places[labels]  # -1, no label, takes the last
