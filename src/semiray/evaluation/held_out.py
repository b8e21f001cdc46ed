"""Which real images are held out: by the split that the generator was trained with, and by content.

An image that the generator was trained on, or a copy of it, tests nothing, wherever it lies; nor does another image of
its patient. Copies within a data set are found as for a split (`semiray.radiographs.pixels.duplicates`), those of
another data set by the traces that a run keeps (`semiray.radiographs.pixels.traces`).
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError, SemirayWarning
from semiray.evaluation.results import Overlap
from semiray.radiographs import ImageArray, RadiographSet, Split, near_duplicates, split_by_patient, unite_patients
from semiray.radiographs.pixels.traces import Traces
from semiray.radiographs.splits import split_ids
from semiray.training import Run, RunFiles

__all__ = ["Sides", "sides_of_run", "sides_of_set"]

MOST = 0.5  # of a split's training images must be those that the generator was trained on, else it is another set's
FRACTIONS = (0.7, 0.0, 0.3)  # of a data set that is split here: nothing needs validation
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Sides:
    """Which real images train the ceiling, and which are held out.

    Attributes:
        split: Its training images train, its test images test.
        held_out: Rows that the generator hasn't seen; those of ``split.test`` if no others.
        own: Whether the generator was trained on ``split.train``; None where that isn't known.
        overlap: How images compare with those that the generator was trained on; None where they couldn't be compared.
        notes: What a reader must know of this, in sentences.
    """

    split: Split
    held_out: Rows
    own: bool | None
    overlap: Overlap | None = None
    notes: list[str] = field(default_factory=list)


def sides_of_run(run: Run, data: RadiographSet[ImageArray]) -> Sides:
    """The sides of a run's own data, as its split divides them, or of another data set, which is split here.

    Raises:
        SemirayError: Images that the split names are missing, or the run's files are damaged; no image is left to test
            on; another data set was framed otherwise than the run's.
    """
    path, traces = RunFiles(Path(run.path)).split, run.traces()
    if not path.exists():
        return _by_content(run, data, traces)
    split = Split.load(path, data.keys, partial=True)
    named = len(split.train) + len(split.validation) + len(split.test)
    unchanged = run.data.get("fingerprint", data.fingerprint) == data.fingerprint
    own = run.known(data, split)
    opening = "" if named else "The run was trained on another data set: its split names none of these images."
    try:
        split = run.split(data) if named else split
    except SemirayError:  # some are missing: this isn't the run's data, or not all of it
        if traces is None or unchanged or _known(traces, own, split).mean() >= MOST:
            raise
        opening = "The run's split names some of these images, but by content it was trained on others."
    if opening:
        _check_framing(run, data, traces)
        return _of_another_set(data, traces, opening)
    if not len(split.test):
        raise SemirayError(f"{path}: the split has no test image; evaluate on another data set.")
    notes = [f"{len(data) - named:,} images that the run's split doesn't name were left out."] * (named < len(data))
    if named == len(data) and not unchanged:
        notes.append(
            "The images have the names of those that the run was trained on, but another content, labels or framing: "
            "files, or the options that they were read with, have changed."
        )
    return _of_own_set(own, split, traces, notes, unchanged=unchanged)


def _by_content(run: Run, data: RadiographSet[ImageArray], traces: Traces | None) -> Sides:
    """The sides of a run that names no image, as published ones don't: traces tell what it was trained on."""
    _check_framing(run, data, traces)
    if traces is not None:
        with suppress(SemirayError):  # these aren't the images that it was trained on, or not all of them
            split = run.split(data)
            note = (
                "The run doesn't say by name which images it was trained on: those that it recognises by content train "
                "the ceiling, and all others are held out, also those that it may have been validated on."
            )
            return _of_own_set(run.known(data, split), split, traces, [note], unchanged=False)
    return _of_another_set(data, traces, "The run names none of the images that it was trained on.")


def _check_framing(run: Run, data: RadiographSet[ImageArray], traces: Traces | None) -> None:
    """Raise SemirayError where traces can't recognise images, because these were cut otherwise."""
    framing = run.settings.data.framing
    if traces is not None and data.options is not None and data.options.framing != framing:
        raise SemirayError(
            f"The images that the run was trained on were read with framing={framing}, these with "
            f"framing={data.options.framing}: copies couldn't be recognised. Read these with framing={framing}."
        )


def sides_of_set(
    data: RadiographSet[ImageArray], split: Split | None, traces: Traces | None, official_split: bool
) -> Sides:
    """The sides of real images that a folder of synthetic images is judged on.

    Args:
        data: The real images.
        split: The generator's split of them; None where it isn't known.
        traces: What is kept of the images that the generator was trained on; None where nothing is.
        official_split: Whether, without a split, the parts that the data came with are kept.
    """
    if split is not None:
        if official_split:
            raise SemirayError("official_split=True and split= exclude each other: choose one.")
        if not len(split.test):
            raise SemirayError("split= has no test image.")
        by_name = (
            "The images of the split are known by name only: content is compared with a run's traces.npy beside it."
        )
        return _of_own_set(data, split, traces, [by_name] if traces is None else [], unchanged=False)
    if traces is not None and not official_split:
        return _of_another_set(data, traces, "The real images were split here.")
    drawn = split_by_patient(data, FRACTIONS, official=official_split)
    parts = f"classifiers are trained on {len(drawn.train):,} of them and tested on {len(drawn.test):,}"
    how = (
        f"The official parts of the real images were kept: {parts}."
        if official_split
        else f"The real images were split here by patient (seed {drawn.seed}): {parts}."
    )
    if traces is not None:
        return _of_own_set(data, drawn, traces, [how], unchanged=False)
    note = (
        "It is not known which real images the generator was trained on. If it has seen the test patients, the "
        "figures are too good."
    )
    return Sides(drawn, drawn.test if official_split else np.arange(len(data)), None, None, [how, note])


def _of_own_set(
    data: RadiographSet[ImageArray], split: Split, traces: Traces | None, notes: list[str], *, unchanged: bool
) -> Sides:
    """By a split; test images are left out if they, or copies, or images of their patients, were trained on.

    With ``unchanged``, images are those of the training: if traces don't know them, the split isn't that of the run.
    """
    groups = near_duplicates(data.images)
    persons = unite_patients(data.patient_codes, groups)
    trained = np.zeros(len(data), bool)
    trained[split.train] = True
    own = True
    if traces is not None:
        known = _known(traces, data, split)
        if not known.all() or len(traces) > len(known):  # the split isn't that of the training, or the images aren't
            trained |= traces.find(data.images).recognised
        own = bool(known.all() or (not unchanged and known.mean() >= MOST))
        if not own:
            _say(
                notes,
                f"By content, {(~known).sum():,} of the {len(known):,} training images of the split aren't among "
                "those that the generator was trained on: "
                + ("the split isn't that of its training." if unchanged else "they are others, or have changed."),
            )
    copied = np.zeros(len(data), bool)
    for group in groups:
        copied[list(group)] = trained[list(group)].any()
    leak = np.isin(persons[split.test], persons[trained])
    test = split.test[~leak]
    overlap = Overlap(
        n_trained=len(data.labelled(split.train)) if traces is None else len(traces),
        n_compared=len(split.test),
        n_recognised=int((copied | trained)[split.test].sum()),
        n_left_out=int(leak.sum()),
        n_patients_left_out=len(np.unique(persons[split.test[leak]])),
    )
    if not len(test):
        raise SemirayError(
            f"All {len(leak):,} test images of the split, or other images of their patients, are among those that the "
            "generator was trained on: nothing is left to test on. Train with a split by patient, or test on images "
            "of other patients."
        )
    if leak.any():
        _say(
            notes,
            f"{overlap.n_left_out:,} test images of {overlap.n_patients_left_out:,} patients were left out, because "
            f"the generator was trained on images of these patients; {overlap.n_recognised:,} are such images or "
            "copies of them.",
        )
    return Sides(replace(split, test=test), test, own, overlap, notes)


def _say(notes: list[str], note: str) -> None:
    """Note it, and warn before an hour is spent on a judgement that somebody may want to make on other images."""
    notes.append(note)
    warnings.warn(note, SemirayWarning, stacklevel=5)


def _known(traces: Traces, data: RadiographSet[ImageArray], split: Split) -> NDArray[np.bool_]:
    """Whether each training image of a split, if it has a label where others do, is one that left a trace."""
    found = traces.find(data.images, data.labelled(split.train))
    known: NDArray[np.bool_] = found.recognised | found.blank
    return known if len(known) else np.zeros(1, bool)


def _of_another_set(data: RadiographSet[ImageArray], traces: Traces | None, opening: str) -> Sides:
    """Split here: patients of whom the generator has seen an image may train the ceiling, all others are held out."""
    persons = unite_patients(data.patient_codes, near_duplicates(data.images))
    recognised = np.zeros(len(data), bool) if traces is None else traces.find(data.images).recognised
    trained = np.isin(persons, persons[recognised])
    held_out = np.flatnonzero(~trained)
    if not len(held_out):
        raise SemirayError(
            f"All {len(data):,} real images, or other images of their patients, are among those that the generator was "
            "trained on: nothing is left to test on. Give images of other patients; or the run's own data, from the "
            "same folder as for training, whose held-out patients are known by name."
        )
    if len(np.unique(persons)) > 1:
        split = split_ids(persons, data.labels, fractions=FRACTIONS, trained=trained)
    else:
        split = Split(held_out[:0], held_out[:0], held_out)
    notes = [
        f"{opening} Classifiers of real images are trained on {len(split.train):,} of them and tested on "
        f"{len(split.test):,} (by patient, seed {split.seed}); judgements that train nothing on real images use all "
        f"{len(held_out):,} that the generator hasn't seen."
    ]
    if traces is None:
        _say(
            notes,
            "These images couldn't be compared with those that the generator was trained on, because the run keeps no "
            "traces of them: it was begun before there were any, or was published without them. If it has seen these "
            "images under other names, the figures are too good.",
        )
        return Sides(split, held_out, False, None, notes)
    overlap = Overlap(
        n_trained=len(traces),
        n_compared=len(data),
        n_recognised=int(recognised.sum()),
        n_left_out=int(trained.sum()),
        n_patients_left_out=len(np.unique(persons[trained])),
    )
    if overlap.n_left_out:
        _say(
            notes,
            f"By content, {overlap.n_recognised:,} of these {len(data):,} images are among the {len(traces):,} that "
            "the generator was trained on, or copies of them. They, and all images of their "
            f"{overlap.n_patients_left_out:,} patients, {overlap.n_left_out:,} in all, aren't tested on.",
        )
    else:
        notes.append(f"By content, none of them is among the {len(traces):,} that the generator was trained on.")
    return Sides(split, held_out, False, overlap, notes)
