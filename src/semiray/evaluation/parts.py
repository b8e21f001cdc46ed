"""Labelled real images of a split's parts, in the order of the classes; and which images are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.evaluation.results import ImageSamples
from semiray.radiographs import ImageArray, RadiographSet, Split

__all__ = ["check_resolution", "describe", "in_order", "is_phantom", "labelled_parts", "match_labels", "sample_images"]

SHOWN = 10


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
    parts = []
    for part, name in ((train, "training"), (test, "test")):
        parts.append(in_order(classes, part))
        absent = [c for k, c in enumerate(classes) if not (parts[-1].labels == k).any()]
        if absent:
            return train, test, f"No real {name} patient has {', '.join(absent)}.", notes
    return parts[0], parts[1], "", notes


def in_order(classes: Sequence[str], data: RadiographSet) -> RadiographSet:
    """The labelled images of a set, with labels in the order of ``classes``, which are the set's own."""
    order = np.array([list(classes).index(name) for name in data.classes], np.int64)
    labelled = data.take(np.flatnonzero(data.labels >= 0))
    return replace(labelled, labels=order[labelled.labels], classes=tuple(classes))


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
