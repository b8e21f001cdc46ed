"""Finds the images below a folder, leaves out what is no radiograph, and takes classes from the folders' names."""

from __future__ import annotations

import filecmp
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from semiray.errors import SemirayError
from semiray.radiographs.reading.names import (
    are_hashes,
    are_people,
    class_in,
    folders_of,
    is_disease,
    is_mask_file,
    is_mask_folder,
    is_storage,
    is_system,
    is_view,
    name_of,
    part_of,
    say_disease,
    stem_of,
)
from semiray.radiographs.reading.records import IMAGE_SUFFIXES, is_table
from semiray.radiographs.reading.summary import Advice, counted, shell_option, some

__all__ = ["FolderLabels", "Tree", "label_by_folder", "leave_out", "walk"]

_RADIOGRAPHY_CLASSES = frozenset({"covid", "normal", "lung_opacity", "viral pneumonia"})
# Files that are none of ours to read, by their ending: counted, so that nobody misses them silently.
_OTHERS = {
    **dict.fromkeys((".gif",), "GIF"),
    **dict.fromkeys((".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"), "JPEG 2000"),
    **dict.fromkeys((".heic", ".heif", ".avif", ".jxl", ".svg", ".psd", ".ppm", ".pgm", ".eps"), "other image formats"),
    **dict.fromkeys((".zip", ".rar", ".7z", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst"), "archives"),
    **dict.fromkeys((".nii", ".nrrd", ".mha", ".mhd", ".mgz"), "volumes"),
    **dict.fromkeys((".npy", ".npz", ".mat", ".h5", ".hdf5", ".pkl", ".pickle", ".pt", ".tfrecord"), "array files"),
}
# Files whose content isn't looked at, since no radiograph ends like this.
_TEXTS = frozenset(
    ".txt .md .rst .html .htm .pdf .doc .docx .xml .yaml .yml .toml .ini .cfg .py .ipynb .log .sh .bib .lock "
    ".safetensors .css .js .c .cpp .h .m .r .rtf .odt .ppt .pptx .db .sqlite .tex .sha256 .md5".split()
)
_VIEW_IN_NAME = re.compile(r"_(?:vp-)?(pa|ap|ll|lateral|lat|frontal)(?=_|\.[a-z]+$)")
_DEEPEST_TABLE = 3  # folders above a table
_MOST_TEXTS = 50  # lists in one folder; more are notes about single images
_COMPARED = 32  # pairs of copies whose content is compared before the others are believed


@dataclass
class Tree:
    """What is below a folder, by keys: POSIX paths relative to it, sorted.

    Attributes:
        images: files that end like images.
        tables: files that end like tables, and lists.
        unknown: files with another ending or none, which may be DICOM.
        left_out: files that aren't used, by kind.
        notes: folders that can't be read.
    """

    images: dict[str, Path] = field(default_factory=dict)
    tables: dict[str, Path] = field(default_factory=dict)
    unknown: dict[str, Path] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


@dataclass
class FolderLabels:
    """What folder names tell: the layout in words, and per image its label, its part of a split, its view."""

    layout: str
    labels: dict[str, str]
    parts: dict[str, str]
    views: dict[str, str]
    notes: list[str]
    advice: list[Advice]


def walk(root: Path) -> Tree:
    """List what is below a folder; links are followed, once.

    Files of operating systems and folders that semiray wrote (runs, reports) are counted as left out.

    Raises:
        SemirayError: if the folder itself can't be read.
    """
    tree = Tree()
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
        relative, here = Path(folder).relative_to(root).parts, Path(folder)
        prefix = "/".join((*relative, ""))
        subfolders.sort()
        kind = _written_by_semiray(set(files), set(subfolders))
        # Phantoms are data of their own, but none of another set's.
        if kind or (folder != str(root) and _are_phantoms(Path(folder), set(files))):
            if folder == str(root):
                raise SemirayError(
                    f"{root} is {kind} that semiray wrote, not a data set. Give the folder of radiographs."
                )
            tree.left_out["semiray output"] += _images_below(folder)
            subfolders.clear()
            continue
        for name in [name for name in subfolders if is_system(name)]:
            subfolders.remove(name)
            if not name.startswith("."):
                tree.left_out["system files"] += sum(len(names) for _, _, names in os.walk(here / name))
        lists = sum(name.lower().endswith(".txt") for name in files) <= _MOST_TEXTS
        for name in files:
            if is_system(name):
                tree.left_out["system files"] += 1
                continue
            suffix = f".{name.rpartition('.')[2].lower()}" if "." in name[1:] else ""
            # Names that aren't valid Unicode couldn't be printed or saved.
            key = _as_text(prefix + name)
            if suffix in IMAGE_SUFFIXES:
                tree.images[key] = here / name
            elif is_table(name) and (lists or suffix != ".txt"):
                if len(relative) <= _DEEPEST_TABLE and (here / name).is_file():  # a pipe never ends
                    tree.tables[key] = here / name
            elif suffix in _OTHERS:
                tree.left_out[_OTHERS[suffix]] += 1
            elif suffix not in _TEXTS and (here / name).is_file():
                tree.unknown[key] = here / name
    if unreadable:
        tree.notes.append(f"{counted(len(unreadable), 'folder', 'folders')} can't be read: {some(unreadable)}.")
    tree.images, tree.tables = dict(sorted(tree.images.items())), dict(sorted(tree.tables.items()))
    tree.unknown = dict(sorted(tree.unknown.items()))
    return tree


def leave_out(tree: Tree, root: str, marked: Callable[[Path], str], gone: Iterable[str] = ()) -> None:
    """Remove masks, nested copies and semiray's own images from a tree, counted by kind.

    Args:
        tree: what was found; changed in place.
        root: the name of the folder itself.
        marked: returns the kind of an image that semiray made, from its file's head, else the empty text.
        gone: keys of such images that are no longer in the tree.
    """
    _leave_out_own(tree, marked, gone)
    _leave_out_masks(tree)
    _leave_out_copies(tree, root)


def _leave_out_own(tree: Tree, marked: Callable[[Path], str], gone: Iterable[str]) -> None:
    """Folders whose first, middle or last PNG file is marked are looked at file by file."""
    by_folder: dict[str, list[str]] = defaultdict(list)
    for key in tree.images:
        if key.lower().endswith(".png"):
            by_folder[key.rpartition("/")[0]].append(key)
    own = {parent for key in gone for parent in _parents(key)}
    for keys in by_folder.values():
        if any(marked(tree.images[key]) for key in {keys[0], keys[len(keys) // 2], keys[-1]}):
            for key in keys:
                if kind := marked(tree.images[key]):
                    del tree.images[key]
                    tree.left_out[kind] += 1
                    own.update(_parents(key))
    # The manifest beside such images says nothing of others.
    theirs = {parent for key in tree.images for parent in _parents(key)} if own else set()
    own -= theirs
    for key in [key for key in tree.tables if key.rpartition("/")[0] in own]:
        del tree.tables[key]
        tree.left_out["semiray output"] += 1


def _parents(key: str) -> list[str]:
    """The folders that contain a file, each as a key; the empty text is the root."""
    folders = folders_of(key)
    return ["/".join(folders[:depth]) for depth in range(len(folders) + 1)]


def _as_text(name: str) -> str:
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "replace")


def _leave_out_masks(tree: Tree) -> None:
    """By folders' names below the folder that contains everything, and by files' names."""
    if not tree.images:
        return
    folders = {folders_of(key) for key in tree.images}
    # The folder that contains everything may be called after masks, unless the images lie directly in it.
    shared = _shared(folders) - (len(folders) == 1)
    of_masks = {parts for parts in folders if any(is_mask_folder(part) for part in parts[max(shared, 0) :])}
    stems = {stem_of(key) for key in tree.images}
    masks = [
        key for key in tree.images if (of_masks and folders_of(key) in of_masks) or is_mask_file(name_of(key), stems)
    ]
    for key in masks:
        del tree.images[key]
    if masks:
        tree.left_out["masks"] += len(masks)


def _shared(paths: Iterable[Sequence[str]]) -> int:
    """The number of first folders that all paths have in common."""
    columns = zip(*paths, strict=False)  # ends with the shortest path
    return next((i for i, names in enumerate(columns) if len(set(names)) > 1), min(map(len, paths)))


def _leave_out_copies(tree: Tree, root: str) -> None:
    """Leave out copies of a folder inside itself or beside itself: the same names there, and the same content."""
    named: Counter[str] = Counter(map(name_of, tree.images))
    first: dict[tuple[str, ...], str] = {}
    pairs: list[tuple[str, str]] = []
    for key in sorted(tree.images, key=lambda key: (key.count("/"), key)):
        if named[name_of(key)] > 1:
            one = first.setdefault(_without_storage(key.split("/"), root), key)
            if one != key and _size(tree.images[one]) == _size(tree.images[key]):
                pairs.append((key, one))
    sampled = pairs[:: max(1, len(pairs) // _COMPARED)]
    believed = len(pairs) > len(sampled) and all(_equal(tree, *pair) for pair in sampled)
    for copy, one in pairs:
        if believed or _equal(tree, copy, one):
            del tree.images[copy]
            tree.left_out["copies"] += 1


def _without_storage(parts: Sequence[str], root: str) -> tuple[str, ...]:
    """A path without what a copy of the whole in a folder of its own adds to it."""
    at = next((i for i, part in enumerate(parts[:-1]) if part_of(part)), 0)
    folders = [part for part in parts[at:-1] if part != root and (part_of(part) or not is_storage(part))]
    return (*(part for i, part in enumerate(folders) if folders[i - 1 : i] != [part]), parts[-1])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _equal(tree: Tree, first: str, second: str) -> bool:
    try:
        return filecmp.cmp(tree.images[first], tree.images[second], shallow=False)
    except OSError:
        return False


def _written_by_semiray(files: set[str], folders: set[str]) -> str:
    """What of semiray's a folder is, by the files that it contains; empty for any other folder."""
    if "settings.yaml" in files and (files & {"split.json", "model.safetensors"} or "state" in folders):
        return "a run"
    if {"report.html", "report.json"} <= files:
        return "a report"
    return ""


def _are_phantoms(folder: Path, files: set[str]) -> bool:
    return "factors.csv" in files and any(folder.glob("*/phantom_*.png"))


def _images_below(folder: str) -> int:
    return sum(Path(name).suffix.lower() in IMAGE_SUFFIXES for _, _, names in os.walk(folder) for name in names)


def label_by_folder(images: Iterable[str]) -> FolderLabels:
    """Take class, part and view from the folders of keys: ``train/NORMAL/x.png``, ``COVID/images/x.png``, ``x.png``.

    Folders that can't be classes (`is_no_class`) and folders that contain everything are passed over; the first that
    remains is the class.
    """
    keys = list(images)
    notes: list[str] = []
    advice: list[Advice] = []
    paths = {key: folders_of(key) for key in keys}
    different = set(paths.values())
    parts_of = {path: next(filter(None, map(part_of, path)), None) for path in different}
    has_parts = len({part for part in parts_of.values() if part}) > 1
    parts = {key: part for key, path in paths.items() if has_parts and (part := parts_of[path])}

    views_of = {path: next((name for name in path if is_view(name) and not part_of(name)), None) for path in different}
    views = {key: view for key, path in paths.items() if (view := views_of[path] or _view_in(key))}
    if len(set(views.values())) < 2 or len(views) < len(keys) / 2:
        views = {}

    levels: dict[int, set[str]] = defaultdict(set)
    for path in different:
        for depth, name in enumerate(path):
            levels[depth].add(name)
    # Among hashes, aa and cafe are hashes, too.
    hashed = {depth for depth, names in levels.items() if len(names) > 3 and are_hashes(names)}
    named = {
        path: tuple(said for depth, name in enumerate(path) if depth not in hashed and (said := class_in(name)))
        for path in different
    }
    named, wrapper = _unwrap(named)
    named, advice_on_level = _choose_level(named)
    advice += advice_on_level
    labels = {key: kept[0] for key, path in paths.items() if (kept := named[path])}
    counts = Counter(labels.values())
    if len(counts) > max(20, len(labels) // 20) or are_people(counts):
        advice.append(
            Advice(
                f"{len(counts):,} folders contain {len(labels):,} images: too many or too much alike to be classes, so "
                "nothing is labelled by folders.",
                "--label-from REGEX",
            )
        )
        labels, counts = {}, Counter()
    elif labels and len(labels) < len(keys):
        loose = [key for key in keys if key not in labels]
        are = counted(len(loose), "image is", "images are")
        notes.append(f"{are} in no class folder and unlabelled: {some(loose)}.")
    if len(counts) == 1 and not is_disease(next(iter(counts))) and all(path[:1] == (*counts,) for path in different):
        notes.append(f"All images are in {next(iter(counts))}/: it is taken as the set's folder, not as a class.")
        labels, counts = {}, Counter()
    if wrapper and labels:
        notes.append(f"All images are in {wrapper}/: the folders in it are taken as classes.")
    if not labels:
        numbered = sorted({name for path in different for name in path if name.isdigit() and len(name) <= 2})
        if 2 <= len(numbered) <= 20:
            text = f"Folders {some(numbered)} are taken as storage, not as classes."
            advice.append(Advice(text, r"--label-from '(?:^|/)(\d{1,2})/'"))
    return FolderLabels(_layout(counts, labels, bool(parts), paths.values()), labels, parts, views, notes, advice)


def _view_in(key: str) -> str | None:
    """The view that a file's name says: ``view1_frontal.jpg``, ``sub-1_vp-pa_cr.png``."""
    match = _VIEW_IN_NAME.search(key.rpartition("/")[2].lower())
    return match[1] if match else None


def _layout(counts: Mapping[str, int], labels: Mapping[str, str], parts: bool, paths: Iterable[Sequence[str]]) -> str:
    if len({name.lower() for name in counts} & _RADIOGRAPHY_CLASSES) >= 3 and not parts:
        stored = any(path and path[-1].lower() == "images" for path in paths)
        return f"COVID-19 Radiography Database ({'images/ and masks/' if stored else 'images in the class folders'})"
    if parts:
        return "train, validation and test folders" + (" of classes" if labels else "")
    return "a folder per class" if labels else "a folder without labels"


def _unwrap(folders: dict[tuple[str, ...], tuple[str, ...]]) -> tuple[dict[tuple[str, ...], tuple[str, ...]], str]:
    """Skip folders that contain everything else, such as an archive unpacked inside a folder."""
    wrapper: list[str] = []
    while folders:
        firsts = {kept[:1] for kept in folders.values()}
        seconds = {kept[1:2] for kept in folders.values()}
        # A single folder in a single folder: nothing says which would be a class.
        if len(firsts) != 1 or () in firsts or (len(seconds) < 2 and () in seconds):
            break
        if len(seconds) == 1 and len({kept[2:3] for kept in folders.values()}) < 2:
            break
        if () in seconds and not _mostly(folders.values()):
            break
        wrapper.append(next(iter(firsts))[0])
        folders = {path: kept[1:] for path, kept in folders.items()}
    return folders, "/".join(wrapper)


def _mostly(kept: Iterable[Sequence[str]]) -> bool:
    """Whether more folders are deeper than the first level than not."""
    depths = [len(names) > 1 for names in kept]
    return sum(depths) > len(depths) / 2


def _choose_level(
    folders: dict[tuple[str, ...], tuple[str, ...]],
) -> tuple[dict[tuple[str, ...], tuple[str, ...]], list[Advice]]:
    """Where class names repeat below each folder of the first level (sites, years), the second level is the class."""
    below: dict[str, set[str]] = defaultdict(set)
    for kept in folders.values():
        if len(kept) > 1:
            below[kept[0]].add(kept[1])
    firsts = {kept[0] for kept in folders.values() if kept}
    if len(firsts) < 2 or not below or (all(len(names) < 2 for names in below.values()) and len(below) < 2):
        return folders, []
    seconds = set[str]().union(*below.values())
    repeated = sum(map(len, below.values())) / len(seconds)
    first, second = some(sorted(firsts)), some(sorted(seconds))
    if len(below) == len(firsts) and 2 <= len(seconds) <= 20 and repeated > 1.5 and not say_disease(firsts):
        text = f"Folders {second} repeat below {first}: the inner ones are taken as classes."
        option = shell_option("--label-from", f"(?:^|/)({'|'.join(map(re.escape, sorted(firsts)))})/")
        return {path: kept[1:] for path, kept in folders.items()}, [Advice(text, option)]
    text = f"Folders {first} are taken as classes, the folders in them ({second}) are not."
    return folders, [Advice(text, "--label-from '([^/]+)/[^/]+$'")]
