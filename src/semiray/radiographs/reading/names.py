"""What the names of files and folders say: storage, official parts, masks, views, and what can't be a class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

__all__ = [
    "are_hashes",
    "are_people",
    "class_in",
    "folders_of",
    "is_disease",
    "is_mask_file",
    "is_mask_folder",
    "is_no_class",
    "is_storage",
    "is_system",
    "is_view",
    "name_of",
    "part_in",
    "part_of",
    "say_disease",
    "stem_of",
    "words",
]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")

_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_SYSTEM_FOLDERS = frozenset({"__macosx", "$recycle.bin", "system volume information", "__pycache__", "lost+found"})

# Words about how files are stored, not about what they show.
_STORAGE = frozenset(
    "image images img imgs picture pictures pic pics photo photos png jpg jpeg jfif tif tiff bmp webp dcm dicom dicoms "
    "file files data dataset datasets set sets database folder folders dir archive archives cxr cxrs xray xrays x ray "
    "rays chest thorax radiograph radiographs radiography scan scans normalized normalised resized rescaled original "
    "originals raw processed preprocessed cropped enhanced small medium large full all part parts batch batches chunk "
    "chunks split splits subset subsets volume volumes vol stage v version final main bit px pixels size grey gray "
    "input inputs sample samples copy copies backup old new unzipped extracted and of the".split()
)
_PARTS = {
    **dict.fromkeys(("train", "training", "trainval", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "tst", "holdout"), "test"),
}
_VIEWS = frozenset(
    "view views pa ap ll lat frontal front lateral side posteroanterior anteroposterior mod rx cr dx".split()
)

_MASK = frozenset({"mask", "masks", "groundtruth", "groundtruths"})
# Words that say mask where no other word than these and their qualifiers is in the name.
_ANNOTATION = frozenset(
    "gt gts seg segs segmentation segmentations segment segments annotation annotations annotated annot annots contour "
    "contours outline outlines label labels bbox bboxes boxes heatmap heatmaps overlay overlays".split()
)
_QUALIFIERS = frozenset(
    "lung lungs left right heart clavicle clavicles rib ribs infection infections lesion lesions manual auto automatic "
    "binary predicted human expert radiologist ground truth truths pixel level png jpg jpeg tif tiff bmp images image "
    "files maps map".split()
)
_UNLESS = frozenset({"and", "with", "without", "no", "non", "un"})  # "images and masks" contains both
_ENDS_AS_MASK = re.compile(
    r"[\W_]*(?:left|right|lungs?|infection)?[\W_]*"
    r"(?:masks?|ground[\W_]?truths?|gts?|segs?|segmentations?|segmented|annotations?|annotated|annot|contours?|labels?)"
    r"[\W_]*\d*$",
    re.IGNORECASE,
)

_MAYBE_MASK = re.compile("mask|truth|gt|seg|annot|contour|label", re.IGNORECASE)
_NUMBER = re.compile(r"^[\W_]*\d[\d\W_]*$")
_HASH = re.compile(
    r"^(?=[0-9a-f-]*\d)(?:[0-9a-f]{8,}(?:-[0-9a-f]{4,})*|[0-9a-f]{2})$|^\d+(?:\.\d+){3,}$", re.IGNORECASE
)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(rf"^(?:\d{{1,4}}[-_. ]?)?(?:{_MONTHS})[a-z]*(?:[-_. ]?\d{{1,4}}){{1,2}}$", re.IGNORECASE)
_PREFIX = re.compile(
    r"^(?:study|series|exam|visit|scan|session|patient|case)[-_ ]?\d+[-_ ]+(?=[^\W\d_])", re.IGNORECASE
)
# A letter or a word for a person, a visit or a folder, and its number.
_NUMBERED = re.compile(
    r"^(?:p|s|i|im|img|pt|pat|patient|person|subject|subj|sub|ses|session|study|stud|series|ser|visit|exam|"
    r"examination|case|view|acc|accession|id|pid|uid|mrn|site|center|centre|scan|group|fold|folder|dir|part|batch|chunk|shard|archive|"
    r"volume|vol|disk|disc|page|dataset|set|images?|imgs?|files?|cxr|xray)s?[-_ #]*"
    r"(?:[0-9][0-9a-z]*(?:[-_.][0-9a-f]*[0-9][0-9a-f]*)*)$"
    r"|^(?:sub|ses|run|acq|mod|rec)-[0-9a-z]+$",
    re.IGNORECASE,
)


def folders_of(key: str) -> tuple[str, ...]:
    """The folders of a key; keys are split as text, since pathlib would take longer than reading the disk."""
    return tuple(key.split("/")[:-1])


def name_of(key: str) -> str:
    """The file's name of a key."""
    return key.rpartition("/")[2]


def stem_of(key: str) -> str:
    """The file's name of a key without its ending."""
    name = name_of(key)
    return name[:at] if (at := name.rfind(".")) > 0 else name


def words(name: str) -> list[str]:
    """Split a name into lower-case words and numbers: ``leftMask_2`` is left, mask, 2."""
    return [word.lower() for word in _WORD.findall(name)]


def is_system(name: str) -> bool:
    """Whether a file or folder belongs to an operating system or is hidden."""
    return name.startswith(".") or name.lower() in _SYSTEM_FILES or name.lower() in _SYSTEM_FOLDERS


def part_in(name: str) -> str | None:
    """The official part that a name's words say, ``train``, ``validation`` or ``test``, whatever the other words.

    ``train_val``, from which a validation part is still to be taken, is train.
    """
    parts = {_PARTS[word] for word in words(name) if word in _PARTS}
    return "train" if parts == {"train", "validation"} else next(iter(parts)) if len(parts) == 1 else None


def part_of(name: str) -> str | None:
    """The same where other words are of storage at most: ``Train Set``, not ``train_COVIDx9A``."""
    part = part_in(name)
    return part if part and all(w in _PARTS or w in _STORAGE or w.isdigit() for w in words(name)) else None


def is_storage(name: str) -> bool:
    """Whether all words of a name are about storage: ``images_001``, ``CXR_png``, ``Lung Segmentation Data``."""
    found = {word for word in words(name) if not word.isdigit()}
    known = _STORAGE | _ANNOTATION | _MASK
    return bool(found & known) and found <= known | _QUALIFIERS


def is_view(name: str) -> bool:
    """Whether a name says a projection: ``PA``, ``Lateral``, ``view1_frontal``."""
    found = words(name)
    return any(word in _VIEWS for word in found) and all(
        word in _VIEWS or word in _STORAGE or word.isdigit() for word in found
    )


def is_no_class(name: str) -> bool:
    """Whether a folder can't be a class: a number, a date, a hash, a patient, a study, a view, a part or storage."""
    return bool(
        _NUMBER.match(name)
        or _HASH.match(name)
        or _DATE.match(name)
        or _NUMBERED.match(name)
        or part_of(name)
        or is_storage(name)
        or is_view(name)
    )


def class_in(name: str) -> str:
    """What a folder's name may say of a class: itself, but ``positive`` of ``study1_positive``; empty for none."""
    rest = _PREFIX.sub("", name)
    return "" if is_no_class(rest) else rest


def is_mask_folder(name: str) -> bool:
    """Whether a folder contains masks or annotations: ``lung masks``, ``leftMask``, ``ground truth``."""
    found = set(words(name))
    if found & _UNLESS:
        return False
    if found & _MASK or {"ground", "truth"} <= found or {"ground", "truths"} <= found:
        return True
    return bool(found & _ANNOTATION) and found <= _ANNOTATION | _QUALIFIERS


def is_mask_file(name: str, stems: frozenset[str] | set[str]) -> bool:
    """Whether a file is a mask: its name says so, or it is another image's name with such an ending.

    Args:
        name: the file's name.
        stems: names, without endings, of all images.
    """
    if not _MAYBE_MASK.search(name):  # most names, quickly
        return False
    stem = stem_of(name)
    found = words(stem)
    if any(word in _MASK for word in found) and not set(found) & _UNLESS:
        return True
    base = _ENDS_AS_MASK.sub("", stem)
    return base != stem and base in stems


def are_people(counts: Mapping[str, int]) -> bool:
    """Whether folders are rather patients or studies: many, alike but for their numbers, or of a few images each."""
    if len(counts) < 6:
        return False
    skeletons = Counter(re.sub(r"\d+", "0", name) for name in counts)
    return skeletons.most_common(1)[0][1] > len(counts) / 2 or (
        any(c.isdigit() for name in counts for c in name) and sum(counts.values()) <= 3 * len(counts)
    )


def are_hashes(names: set[str]) -> bool:
    """Whether folders of one folder are hexadecimal, as long as each other, and most can't be classes."""
    alike = len({len(name) for name in names}) == 1 and all(
        set(name.lower()) <= set("0123456789abcdef-") for name in names
    )
    return alike and sum(map(is_no_class, names)) > len(names) / 2


def say_disease(names: Iterable[str]) -> bool:
    """Whether one of some names contains the word of a disease, or of health."""
    known = ("normal", "covid", "pneumonia", "healthy", "tubercul", "opacity", "effusion", "virus", "viral", "bacteri",
             "positive", "negative", "cancer", "nodule", "infected", "abnormal", "sick", "cardiomegaly")  # fmt: skip
    return any(word in name.lower() for name in names for word in known)


def is_disease(name: str) -> bool:
    """Whether a name says a disease or health and nothing else: ``COVID-19``, not ``covid_chestxray_v2``."""
    said = [word for word in words(name) if not word.isdigit() and word != "non"]
    return (
        bool(said)
        and all(say_disease([word]) or word in ("lung", "pleural", "no", "finding") for word in said)
        and ("mnist" not in name.lower())
    )
