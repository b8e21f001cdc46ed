"""Finds the images below a folder and takes labels from folder names, so that no data set needs its own reader."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from semiray.errors import SemirayError
from semiray.radiographs.reading.records import IMAGE_SUFFIXES, TABLE_SUFFIXES

__all__ = ["FolderLabels", "Tree", "label_by_folder", "walk"]

_JUNK_FOLDERS = frozenset({"__macosx", "$recycle.bin", "system volume information", "__pycache__"})
_MASK_FOLDERS = frozenset({"mask", "masks"})
# Folders named after how files are stored.
_STORAGE_FOLDERS = frozenset({"image", "images", "img", "imgs", "png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"})
_SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_RADIOGRAPHY_CLASSES = frozenset({"covid", "normal", "lung_opacity", "viral pneumonia"})
_OTHER_SUFFIXES = {
    ".xlsx": "spreadsheet",
    ".xls": "spreadsheet",
    ".dcm": "DICOM file",
    ".tar": "archive",
    ".tgz": "archive",
    ".gz": "archive",
    ".zip": "archive",
}


@dataclass
class Tree:
    """The images and tables below a folder by their keys: POSIX paths relative to it, sorted."""

    images: dict[str, Path]
    tables: dict[str, Path]
    notes: list[str]


@dataclass
class FolderLabels:
    """What folder names tell: the layout in words, and per image its label and its part of a split."""

    layout: str
    images: list[str]
    labels: dict[str, str]
    splits: dict[str, str]
    notes: list[str]


def walk(root: Path) -> Tree:
    """List images and tables below a folder; links are followed, once.

    Hidden files, files of operating systems, and masks (a folder ``masks/``, or ``X_mask.png`` beside
    ``X.png``) are never images.

    Raises:
        SemirayError: if the folder itself can't be read.
    """
    images: dict[str, Path] = {}
    tables: dict[str, Path] = {}
    notes: list[str] = []
    others: Counter[str] = Counter()
    masks = 0
    unreadable: list[str] = []

    def denied(error: OSError) -> None:
        if Path(error.filename) == root:
            raise SemirayError(f"{root}: the folder can't be read ({error.strerror}). Check its permissions.")
        unreadable.append(Path(error.filename).name)

    # Each real folder is entered once: a link to a parent folder would never end.
    entered: set[str] = set()
    for folder, subfolders, files in os.walk(root, followlinks=True, onerror=denied):
        real = os.path.realpath(folder)
        if real in entered:
            subfolders.clear()
            continue
        entered.add(real)
        relative = Path(folder).relative_to(root)
        in_masks = any(part.lower() in _MASK_FOLDERS for part in relative.parts)
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and name.lower() not in _JUNK_FOLDERS
        )
        stems = {Path(name).stem for name in files}
        for name in files:
            if name.startswith("."):
                continue
            stem, suffix = Path(name).stem, Path(name).suffix.lower()
            # Names that aren't valid Unicode couldn't be printed or saved.
            key = os.fsencode((relative / name).as_posix()).decode("utf-8", "replace")
            if suffix in IMAGE_SUFFIXES:
                if in_masks or (stem.lower().endswith("_mask") and stem[:-5] in stems):
                    masks += 1
                else:
                    images[key] = Path(folder) / name
            elif suffix in TABLE_SUFFIXES and len(relative.parts) <= 1 and not in_masks:
                tables[key] = Path(folder) / name
            elif suffix in _OTHER_SUFFIXES:
                others[_OTHER_SUFFIXES[suffix]] += 1
    if masks:
        notes.append(f"{masks:,} masks are left out: they aren't radiographs.")
    for kind, count in sorted(others.items()):
        notes.append(f"{count:,} {kind}{'s' if count > 1 else ''} not read.")
    if unreadable:
        notes.append(f"{len(unreadable):,} folders can't be read: {_some(unreadable)}.")
    return Tree(dict(sorted(images.items())), dict(sorted(tables.items())), notes)


def label_by_folder(images: Iterable[str]) -> FolderLabels:
    """Take class and split from the folders of keys: ``train/NORMAL/x.png``, ``COVID/images/x.png``, ``x.png``.

    A folder that contains everything is ignored, and so are storage folders such as ``images/`` or ``png/``; the first
    remaining folder is the class.
    """
    notes: list[str] = []
    has_storage = False
    folders: dict[str, tuple[str, ...]] = {}
    for key in images:
        parts = PurePosixPath(key).parts[:-1]
        kept = tuple(part for part in parts if part.lower() not in _STORAGE_FOLDERS)
        has_storage |= len(kept) > 0 and parts[-1].lower() == "images"
        folders[key] = kept
    folders, wrapper = _unwrap(folders)
    if wrapper:
        notes.append(f"All images are in {wrapper}/: the folders in it are taken as classes.")

    splits: dict[str, str] = {}
    firsts = {parts[0].lower() for parts in folders.values() if parts}
    split_names = {name for name in firsts if name in _SPLIT_FOLDERS}
    has_splits = bool(split_names) and (
        (firsts == split_names and all(folders.values())) or len({_SPLIT_FOLDERS[name] for name in split_names}) > 1
    )
    if has_splits:
        # The public archive of the paediatric set contains a second copy of itself next to its train folder.
        inside = {key: parts for key, parts in folders.items() if parts and parts[0].lower() in split_names}
        if len(inside) < len(folders):
            outside = sorted({"/".join(parts) or "." for key, parts in folders.items() if key not in inside})
            notes.append(
                f"{len(folders) - len(inside):,} images outside the train, validation and test folders are left out: "
                f"{_some(outside)}."
            )
        splits = {key: _SPLIT_FOLDERS[parts[0].lower()] for key, parts in inside.items()}
        folders = {key: parts[1:] for key, parts in inside.items()}

    labels = {key: parts[0] for key, parts in folders.items() if parts}
    counts = Counter(labels.values())
    if len(counts) > max(20, len(labels) // 20):
        notes.append(
            f"{len(counts):,} folders contain {len(labels):,} images: too many to be classes, so nothing is labelled. "
            "Say with label_from= where the label is."
        )
        labels = {}
    elif labels and len(labels) < len(folders):
        loose = [key for key in folders if key not in labels]
        notes.append(f"{len(loose):,} images are in no class folder and are unlabelled: {_some(loose)}.")

    if len({name.lower() for name in counts} & _RADIOGRAPHY_CLASSES) >= 3:
        layout = "COVID-19 Radiography Database" + (
            " (images/ and masks/)" if has_storage else " (images in the class folders)"
        )
    elif has_splits:
        layout = "train, validation and test folders" + (" of classes" if labels else "")
    else:
        layout = "a folder per class" if labels else "a folder without labels"
    return FolderLabels(layout, list(folders), labels, splits, notes)


def _unwrap(folders: dict[str, tuple[str, ...]]) -> tuple[dict[str, tuple[str, ...]], str]:
    """Skip folders that contain everything else, such as an archive unpacked inside a folder."""
    wrapper: list[str] = []
    while folders:
        firsts = {parts[:1] for parts in folders.values()}
        seconds = {parts[1:2] for parts in folders.values()}
        if len(firsts) != 1 or () in firsts or () in seconds:
            break
        first = next(iter(firsts))[0]
        splits = all(second[0].lower() in _SPLIT_FOLDERS for second in seconds)
        if first.lower() in _SPLIT_FOLDERS or (len(seconds) < 2 and not splits):
            break
        wrapper.append(first)
        folders = {key: parts[1:] for key, parts in folders.items()}
    return folders, "/".join(wrapper)


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
