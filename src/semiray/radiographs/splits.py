"""Splits by patient: images of one patient are never used for both training and testing."""

from __future__ import annotations

import json
import warnings
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from semiray.errors import SemirayError, SemirayWarning
from semiray.files import user_path, whole_file
from semiray.radiographs.dataset import RadiographSet
from semiray.radiographs.pixels.duplicates import near_duplicates, unite_patients
from semiray.radiographs.pixels.images import ImageArray
from semiray.radiographs.reading.summary import counted
from semiray.structured import parse_json, read_json

__all__ = ["Split", "split_by_patient", "split_ids"]

_PARTS = ("train", "validation", "test")
# Order in which parts get patients of a class with fewer patients than parts: train, test, validation.
_PRIORITY = (0, 2, 1)
_BLOCK = 1 << 16  # keys looked up at once
_LONGEST = 1 << 20  # characters of a line


@dataclass(frozen=True)
class Split:
    """Three disjoint parts of a data set.

    Attributes:
        train: (T,) int64 indices, sorted.
        validation: (V,) int64 indices, sorted.
        test: (E,) int64 indices, sorted.
        seed: seed with which it was drawn.
        left_out: images in no part, per reason; not saved.
    """

    train: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]
    seed: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    def save(self, path: str | Path, keys: Sequence[str]) -> None:
        """Write the split as JSON in one step, by the images' keys, so that it stays valid when files are added.

        Args:
            path: the file.
            keys: the keys of the whole data set, (N,).

        Raises:
            SemirayError: if it can't be written.
        """
        path = user_path(path)
        try:
            with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
                file.write(f'{{\n "seed": {self.seed}')
                for part in _PARTS:
                    file.write(f',\n "{part}": [')
                    for i, number in enumerate(getattr(self, part)):
                        file.write(f"{',' * (i > 0)}\n  {json.dumps(keys[number])}")
                    file.write("\n ]" if len(getattr(self, part)) else "]")
                file.write("\n}")
        except OSError as error:
            raise SemirayError(f"{path}: the split can't be written ({error.strerror or error}).") from error

    @classmethod
    def load(cls, path: str | Path, keys: Sequence[str], *, partial: bool = False) -> Split:
        """Read a split for a data set; images that it doesn't name are in no part.

        Args:
            path: the file.
            keys: the keys of the data set, (N,).
            partial: whether the split may name images that the data set lacks.

        Raises:
            SemirayError: if the file isn't a split, or names images that the data set lacks.
        """
        path = user_path(path)
        seed, hashes, part = _read(path)
        order = np.argsort(hashes)
        hashes = hashes[order]
        if (hashes[1:] == hashes[:-1]).any():
            raise SemirayError(f"{path}: an image is named twice. The file was changed; make the split again.")
        found = np.full(len(keys), -1, np.int8)
        missing = np.ones(len(hashes), bool)
        for start in range(0, len(keys) if len(hashes) else 0, _BLOCK):
            wanted = np.fromiter(map(hash, keys[start : start + _BLOCK]), np.int64)
            place = np.searchsorted(hashes, wanted).clip(max=len(hashes) - 1)
            held = hashes[place] == wanted
            found[start : start + _BLOCK][held] = part[order[place[held]]]
            missing[place[held]] = False
        if missing.any() and not partial:
            first = set(np.sort(order[missing])[:3].tolist())
            images = (str(value) for name, value in _entries(path) if name in _PARTS and value is not None)
            names = ", ".join(image for i, image in enumerate(images) if i in first)
            raise SemirayError(
                f"{path}: {missing.sum():,} of its {len(hashes):,} images are missing: {names}, ... "
                "Use the data and the reading options that the split was made with."
            )
        train, validation, test = (np.flatnonzero(found == number).astype(np.int64) for number in range(3))
        return cls(train, validation, test, seed)


def _read(path: Path) -> tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """The seed of a saved split, and for each of its images the hash of its name and the number of its part.

    The names of a million images would take 100 MB. Two of a million hashes agree in one of 4e7 splits.
    """
    named, part = array("q"), array("b")
    known: dict[str, Any] = {}
    try:
        for name, value in _entries(path):
            if name not in _PARTS or name not in known:
                known[name] = value
            elif value is None or known[name] is not None:
                raise ValueError("a part is given twice")
            elif not isinstance(value, str):
                raise ValueError("an image's name isn't a text")
            else:
                named.append(hash(value))
                part.append(_PARTS.index(name))
        seed = known["seed"]
        if any(known[name] is not None for name in _PARTS):
            raise ValueError("a part isn't a list")
        if type(seed) is not int or not 0 <= seed < 2**64:
            raise ValueError("the seed isn't a whole number of at least 0")
    except OSError as error:
        raise SemirayError(f"{path}: the split can't be read ({error.strerror or error}).") from error
    except (SemirayError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SemirayError(f"{path}: this isn't a split. It should contain seed, {', '.join(_PARTS)}.") from error
    return seed, np.frombuffer(named, np.int64), np.frombuffer(part, np.int8)


def _entries(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) for each value of a JSON object of scalars and lists; for a list, (name, None) first.

    The file is read line by line, as `Split.save` and any indented JSON lay it out; other layouts are indented first.
    """
    if path.exists() and not path.is_file():
        raise ValueError("no file")
    with path.open(encoding="utf-8") as file:
        lines: Iterable[str] = iter(lambda: _line(file), "")
        if _line(file, check=False).strip() != "{":
            lines = json.dumps(read_json(path, halves=True), indent=1).splitlines()[1:]
        within = ""
        for line in lines:
            text = line.strip().removesuffix(",")
            if within and text == "]":
                within = ""
            elif within:
                yield from ((within, item) for item in parse_json(f"[{text}]", within, halves=True))
            elif text == "}":
                return
            else:
                colon = text.index(":")
                name, rest = parse_json(text[:colon], "a name", halves=True), text[colon + 1 :].strip()
                if not isinstance(name, str):
                    raise ValueError("a name that is none")
                within = name if rest == "[" else ""
                value = [] if within else parse_json(rest, name, halves=True)
                if isinstance(value, list):
                    yield name, None
                    yield from ((name, item) for item in value)
                else:
                    yield name, value
    raise ValueError("it ends early")


def _line(file: TextIO, *, check: bool = True) -> str:
    line = file.readline(_LONGEST)
    if check and len(line) == _LONGEST:
        raise ValueError("a line is too long")
    return line


def split_by_patient(
    data: RadiographSet[ImageArray],
    fractions: tuple[float, float, float] = (0.7, 0.1, 0.2),
    seed: int = 0,
    *,
    official: bool = False,
    trained: npt.NDArray[np.bool_] | None = None,
) -> Split:
    """Split a set into train, validation and test, with no patient and no picture in two parts.

    Patients who share a near-duplicate image count as one patient. Class proportions are kept as closely as possible,
    and every class with enough patients is in every part.

    Args:
        data: the set.
        fractions: shares of the images in train, validation and test; at least 0, sum 1, train above 0.
        seed: seed of the random order in which patients are assigned.
        official: keep the parts that the data came with, ``metadata[i]["split"]``. A part that is missing is drawn from
            the training patients, in the share that `fractions` give it. Images in no part are left out. Where a
            patient, or a picture, is in several parts, the test part keeps all its images; the others lose theirs.
        trained: (N,) images whose patients are in train whatever is drawn; of no effect on official parts.

    Returns:
        The split; the same set and seed give the same split.

    Raises:
        SemirayError: if fractions are invalid, there are fewer patients than parts, or no official part to train on.

    Warns:
        SemirayWarning: with ``official``, if images are left out or a part is drawn; it says how many.

    Examples:
        >>> split = split_by_patient(xrays, fractions=(0.8, 0.0, 0.2), seed=1)  # doctest: +SKIP
    """
    patients = unite_patients(data.patient_codes, near_duplicates(data.images))
    if official:
        return _official(data, patients, fractions, seed)
    return split_ids(patients, data.labels, fractions=fractions, seed=seed, trained=trained)


def _official(
    data: RadiographSet[ImageArray], patients: npt.NDArray[Any], fractions: tuple[float, float, float], seed: int
) -> Split:
    """The parts that the data came with; `patients` (N,) are those who share no picture."""
    share = _shares(fractions)
    number = {name: i for i, name in enumerate(_PARTS)}
    part = np.fromiter((number.get(row.get("split", ""), -1) for row in data.metadata), np.int8, len(data))
    if not (part == 0).any():
        raise SemirayError(
            f"official_split=True: no image is in an official {'part' if (part < 0).all() else 'training part'}. Parts "
            "are known by folders such as train, val and test, by a table's column of parts, or by lists of files such "
            "as train_val_list.txt. Without official_split=True patients are split at random."
        )
    notes, left_out = [], {"in no official part": int((part < 0).sum())}
    if left_out["in no official part"]:
        notes.append(f"Left out: {counted(left_out['in no official part'], 'image', 'images')} in no official part.")
    for lesser, greater in ((1, (2,)), (0, (1, 2))):
        leak = (part == lesser) & np.isin(patients, patients[np.isin(part, greater)])
        if leak.any():
            words = " or ".join(_PARTS[i] for i in greater)
            left_out[f"in {_PARTS[lesser]}, of patients in {words}"] = int(leak.sum())
            images = counted(int(leak.sum()), "image", "images")
            owners = counted(len(np.unique(patients[leak])), "patient", "patients")
            notes.append(f"Left out of {_PARTS[lesser]}: {images} of {owners}; {words} has them, or their pictures.")
        part[leak] = -1
    missing = [i for i in (1, 2) if share[i] > 0 and not (part == i).any()]
    rows = np.flatnonzero(part == 0)
    if missing and len(rows):
        kept = np.where(np.isin(np.arange(3), [0, *missing]), share, 0)
        first, second, third = (kept / kept.sum()).tolist()
        drawn = split_ids(patients[rows], data.labels[rows], fractions=(first, second, third), seed=seed)
        part[rows[drawn.validation]], part[rows[drawn.test]] = 1, 2
        counts = " and ".join(f"{(part == i).sum():,} {_PARTS[i]} images" for i in missing)
        notes.append(
            f"There is no official {' and no '.join(_PARTS[i] for i in missing)} part: {counts} were drawn "
            "from the training patients."
        )
    if not (part == 0).any():
        raise SemirayError(
            "official_split=True: no training image is left, because all are of patients, or the same pictures, as in "
            "other official parts. Without official_split=True patients are split at random."
        )
    if notes:
        warnings.warn("Official parts: " + " ".join(notes), SemirayWarning, stacklevel=3)
    train, validation, test = (np.flatnonzero(part == i).astype(np.int64) for i in range(3))
    return Split(train, validation, test, seed, {reason: count for reason, count in left_out.items() if count})


def split_ids(
    patients: Sequence[str] | npt.NDArray[Any],
    labels: Sequence[int] | npt.NDArray[np.int64],
    *,
    fractions: tuple[float, float, float] = (0.7, 0.1, 0.2),
    seed: int = 0,
    trained: npt.NDArray[np.bool_] | None = None,
) -> Split:
    """Split ids into train, validation and test, every id in one part, classes in proportion.

    Patients are assigned in random order, those with most images first, each to the part whose class counts it brings
    nearest to their targets (sum of (count - target)² / target). Then every class that has enough patients gets at
    least one in each part. Images aren't compared: `split_by_patient` also keeps near-duplicates together.

    Args:
        patients: (N,) ids, text or numbers.
        labels: (N,) class numbers; unknown (-1) counts as a class of its own.
        fractions: shares of the images in train, validation and test; at least 0, sum 1, train above 0.
        seed: seed of the random order.
        trained: (N,) images whose patients are in train whatever is drawn; None: no such images.

    Returns:
        The split; the same input and seed give the same split.

    Raises:
        SemirayError: if fractions are invalid or there are fewer patients than parts.

    Examples:
        >>> split = split_ids(["a", "a", "b", "c", "d"], [0, 0, 0, 1, 1], fractions=(0.6, 0.0, 0.4))
        >>> set(split.train) & set(split.test)
        set()
    """
    share = _shares(fractions)
    ids = np.asarray(patients)
    classes = np.asarray(labels, dtype=np.int64)
    if ids.shape != classes.shape or ids.ndim != 1:
        raise SemirayError(f"{ids.size} patients for {classes.size} labels: there must be one of each per image.")
    used = [part for part in _PRIORITY if share[part] > 0]
    n_patients, patient = _numbered(ids)
    n_labels, label = _numbered(classes)
    if n_patients < len(used):
        names = ", ".join(_PARTS[part] for part in used)
        raise SemirayError(f"{n_patients} patients can't be split into {names}: each needs at least one.")
    counts = np.empty((n_patients, n_labels), np.int32)
    for number in range(n_labels):
        counts[:, number] = np.bincount(patient[label == number], minlength=n_patients)
    free = np.ones(n_patients, bool)
    if trained is not None:
        free[patient[trained]] = False
    part = _deal(counts, share, np.random.default_rng(seed), free)
    _repair(counts, share, used, part, free)
    train, validation, test = (np.flatnonzero(part[patient] == number).astype(np.int64) for number in range(3))
    return Split(train, validation, test, seed)


def _shares(fractions: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """(3,) shares of the parts; an error unless they are shares."""
    share = np.asarray(fractions, dtype=np.float64)
    if (
        share.shape != (3,)
        or not np.isfinite(share).all()
        or share.min() < 0
        or abs(share.sum() - 1) > 1e-6
        or share[0] <= 0
    ):
        raise SemirayError(
            f"fractions= of train, validation and test must be at least 0 and sum to 1, not {tuple(fractions)}."
        )
    return share


def _numbered(values: npt.NDArray[Any]) -> tuple[int, npt.NDArray[np.int32]]:
    """Number of different values, and (N,) their ranks, in a quarter of the memory that ``np.unique`` needs."""
    known = np.unique(values)
    return len(known), np.searchsorted(known, values).astype(np.int32)


def _deal(
    counts: npt.NDArray[np.int32],
    share: npt.NDArray[np.float64],
    rng: np.random.Generator,
    free: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int8]:
    """Assign patients (P, C) to parts (P,), each to where it most reduces the chi-squared distance to the targets.

    Patients who aren't free are in train.
    """
    wanted = share[:, None] * counts.sum(axis=0)
    scale = 1 / np.maximum(wanted, 1e-9)
    have = np.zeros_like(wanted)
    have[0] = counts[~free].sum(axis=0)
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts.sum(axis=1, dtype=np.int32)[order], kind="stable")]
    part = np.zeros(len(counts), dtype=np.int8)
    for i in order[free[order]]:
        # (have + x - wanted)² - (have - wanted)² = x (x + 2 (have - wanted))
        cost = (counts[i] * (counts[i] + 2 * (have - wanted)) * scale).sum(axis=1)
        part[i] = int(np.argmin(cost))
        have[part[i]] += counts[i]
    return part


def _repair(
    counts: npt.NDArray[np.int32],
    share: npt.NDArray[np.float64],
    used: Sequence[int],
    part: npt.NDArray[np.int8],
    free: npt.NDArray[np.bool_],
) -> None:
    """Move free patients, in place, so that a class is in as many parts as possible, and no part is empty."""
    rare_first = np.argsort((counts > 0).sum(axis=0), kind="stable")
    for column in [*(counts[:, number] for number in rare_first), counts.sum(axis=1, dtype=np.int32)]:
        members = np.flatnonzero(column)
        wanted = share * column.sum()
        for target in used[: len(members)]:
            if (part[members] == target).any():
                continue
            have = np.array([column[members[part[members] == number]].sum() for number in range(3)])
            movable = members[free[members]]
            sources = [number for number in used if (part[movable] == number).any()]
            several = [number for number in sources if (part[members] == number).sum() > 1]
            if not several:
                # Every part has at most one patient of this class: take from the part of lowest priority.
                several = sources[-1:]
            if not several:
                continue
            source = max(several, key=lambda number: have[number] - wanted[number])
            candidates = movable[part[movable] == source]
            part[candidates[np.argmin(counts[candidates].sum(axis=1))]] = target
