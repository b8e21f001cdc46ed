"""Images that look wrong: black, empty, masks, inverted, rotated, transparent. Each is looked at while it is decoded.

Inverted and rotated ones are found by comparison with the mean chest radiograph: means of 8 x 8 fields, of 4,234
radiographs of children and adults. Its correlation with a frontal radiograph is 0.3 to 0.9.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from semiray.radiographs.pixels.facts import FileFacts
from semiray.radiographs.pixels.framing import axis_weights
from semiray.radiographs.reading.folders import label_by_folder
from semiray.radiographs.reading.names import stem_of
from semiray.radiographs.reading.summary import Advice, some

__all__ = ["MASKS", "Namesakes", "attitudes", "look", "suspects"]

MASKS = "masks"  # the kind under which they are counted
_SIDE, _FIELDS = 64, 8  # of images that are compared with the mean radiograph, and of its means
_FEW = 64  # grey levels in one row of pixels
_SAME_NAME = 8  # images that share a name which still tells one from another
_SLACK = 10  # grey levels by which compression moves one of two values
_MOST_OF_ROW = 0.8
_MOST = 0.92  # share of the pixels that have two values, of a mask: of radiographs at most 0.86
_BLACK = 16
_CHEST = np.array(
    [
        [-18, -11, -6, 4, 4, -6, -11, -18],
        [-9, -1, -3, 3, 3, -3, -1, -9],
        [-12, -1, -10, 5, 5, -10, -1, -12],
        [-13, -1, -9, 10, 10, -9, -1, -13],
        [-13, -2, -3, 14, 14, -3, -2, -13],
        [-13, -1, 4, 16, 16, 4, -1, -13],
        [-14, 6, 13, 19, 19, 13, 6, -14],
        [-12, 15, 20, 23, 23, 20, 15, -12],
    ],
    np.float32,
)
_TURNED = np.stack([np.rot90(_CHEST - _CHEST.mean(), turns).ravel() for turns in range(4)])
_TURNED /= np.linalg.norm(_TURNED[0])
_FIRST, _LAST = np.maximum(np.arange(256) - _SLACK, 0), np.minimum(np.arange(256) + _SLACK + 1, 256)
_MASK_WORDS = re.compile(
    r"[\W_]*(masks?|seg(ms?|ment(ed|ation)?)?|gt|ground[\W_]?truths?|truths?|labels?|annotat\w*|roi|lungs?|left|right|"
    r"infections?|lesions?|hearts?|clavicles?|binary|pred\w*)$|^(masks?|seg(mentation)?|gt|labels?)[\W_]+"
)
_SAID = {
    "black": (
        "are black or nearly so",
        "Remove them unless that is right; 16-bit images that were saved with 8 bits look so.",
    ),
    "empty": ("have one grey level only", "Remove them: nothing can be learnt from them."),
    "two-valued": (
        "have very few grey levels, as masks do",
        "If they are masks, move them into a folder called masks, which isn't read.",
    ),
    "inverted": (
        "look inverted (air bright, bones dark)",
        "If they are, a table with a column photometric_interpretation that says MONOCHROME1 for them inverts them "
        "when they are read.",
    ),
    "rotated": (
        "look rotated, or aren't frontal chest radiographs",
        "Turn or remove them: they would be learnt as they lie.",
    ),
    "transparent": (
        "are mostly transparent",
        "Transparent parts are read as black, and images without other parts as if they were opaque.",
    ),
}


def look(pixels: npt.NDArray[np.float32], transparent: float = 0.0) -> str:
    """Name what is wrong with the values of an image.

    Args:
        pixels: (H, W), 0 to 255.
        transparent: share of its pixels that are mostly transparent.

    Returns:
        One of ``black``, ``empty`` (one grey level) and ``two-valued`` (two or very few), and ``transparent``, with a
        comma between them; empty if nothing is.
    """
    middle = _histogram(pixels[len(pixels) // 2])
    found = ""
    # Else there is no need to look at all of it.
    if np.count_nonzero(middle) <= _FEW and _two_values(middle)[0] >= _MOST_OF_ROW:
        found = _poor(_histogram(pixels))
    if transparent > 0.5:
        found += "," * bool(found) + "transparent"
    return found


def attitudes(images: Sequence[npt.NDArray[np.uint8]]) -> list[str]:
    """Tell which images are ``inverted`` or ``rotated``, by comparison with the mean chest radiograph.

    Of 4,234 frontal radiographs, cut to squares of 64 px, none is called so; of their copies, 99 % of those that are
    inverted, 97 % of those turned by 90 degrees, 53 % of those upside down.

    Args:
        images: (h, w) each, 0 to 255, without padding.

    Returns:
        ``inverted``, ``rotated`` or an empty text for each.
    """
    fields = np.empty((len(images), _FIELDS**2), np.float32)
    same: dict[tuple[int, ...], list[int]] = {}
    thin = [image[:: max(1, image.shape[0] // _SIDE), :: max(1, image.shape[1] // _SIDE)] for image in images]
    for i, image in enumerate(thin):
        same.setdefault(image.shape, []).append(i)
    for (height, width), members in same.items():
        stack = np.stack([thin[i] for i in members]).astype(np.float32)
        means = axis_weights(height, _FIELDS) @ (stack @ axis_weights(width, _FIELDS).T)
        fields[members] = means.reshape(len(members), -1)
    fields -= fields.mean(axis=1, keepdims=True)
    length = np.sqrt(np.einsum("nd,nd->n", fields, fields))
    alike = fields @ _TURNED.T / np.maximum(length, 1)[:, None]
    upright, turned = alike[:, 0], alike[:, 1:].max(axis=1)
    inverted = (upright < -0.3) & (-upright >= turned)
    rotated = ~inverted & (turned > np.maximum(0.45, upright + 0.3))
    return np.select([inverted, rotated], ["inverted", "rotated"], "").tolist()  # type: ignore[no-any-return]


class Namesakes:
    """Tells whether another image of a set has the name of a mask, apart from words such as ``_mask``.

    Only keys count, so that what was decoded holds for other options that tell labels, too.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._folders = label_by_folder(keys)
        self._stems: Counter[str] = Counter()
        self._alike: Counter[tuple[str, str | None, str | None]] = Counter()
        for key in keys:
            stem = stem_of(key).lower()
            self._stems[stem] += 1
            self._alike[(stem, *self._place(key))] += 1

    def has(self, key: str, looks: str) -> bool:
        """Whether an image is a mask: two-valued, or black as an empty mask is, beside one of its name.

        A black one must be in a folder of the same class and part: else it may be a damaged radiograph. Names that more
        than eight images have, such as ``view1_frontal``, tell nothing.
        """
        stem = stem_of(key).lower()
        short = _without_mask_words(stem)
        for name, own in ((stem, 1), (short, 0)) if short != stem else ((stem, 1),):
            if own < self._stems[name] <= _SAME_NAME and (
                looks.startswith("two-valued")
                or (looks.startswith("black") and self._alike[(name, *self._place(key))] > own)
            ):
                return True
        return False

    def _place(self, key: str) -> tuple[str | None, str | None]:
        return self._folders.labels.get(key), self._folders.parts.get(key)


def suspects(files: Iterable[FileFacts]) -> tuple[dict[str, str], list[Advice]]:
    """Collect what looks wrong in a set from the facts about its files.

    Returns:
        The kind of every file that was left out, by its key; and advice, one for each thing that looks wrong.
    """
    left, found = dict[str, str](), dict[str, list[str]]()
    for file in files:
        if file.left_out:
            left[file.key] = file.left_out
        elif file.looks:
            for kind in file.looks.split(","):
                found.setdefault(kind, []).append(file.key)
    advice = []
    for kind, (what, mend) in _SAID.items():
        if keys := found.get(kind):
            said = what if len(keys) > 1 else _singular(what)
            text = f"{len(keys):,} image{'s' * (len(keys) > 1)} {said}: {some(keys)}. {mend}"
            advice.append(Advice(text))
    return left, advice


def _histogram(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    return np.bincount((pixels + np.float32(0.5)).astype(np.uint8).ravel(), minlength=256)


def _two_values(levels: npt.NDArray[np.int64]) -> tuple[float, int, int, float]:
    """Share of the pixels near one of two values, these values, and the share of the second."""
    sums = np.zeros(257, np.int64)
    levels.cumsum(out=sums[1:])
    near = sums[_LAST] - sums[_FIRST]
    first = int(near.argmax())
    most = int(near[first])
    near[max(0, first - 2 * _SLACK) : first + 2 * _SLACK + 1] = 0
    second = int(near.argmax())
    return (most + int(near[second])) / int(sums[-1]), first, second, int(near[second]) / int(sums[-1])


def _poor(levels: npt.NDArray[np.int64]) -> str:
    """What is wrong with an image that has few grey levels, if anything."""
    used = np.flatnonzero(levels)
    sums = np.cumsum(levels) / levels.sum()
    if len(used) == 1:
        return "black" if used[0] < _BLACK else "empty"
    if len(used) <= 4:
        return "two-valued"
    low, high = np.searchsorted(sums, (0.005, 0.995))
    if high < _BLACK:
        return "black"
    if high - low < 6:
        return "empty"
    share, first, second, least = _two_values(levels)
    return "two-valued" if share >= _MOST and abs(first - second) >= 64 and least >= 0.002 else ""


def _without_mask_words(stem: str) -> str:
    while (short := _MASK_WORDS.sub("", stem)) != stem and short:
        stem = short
    return stem


def _singular(what: str) -> str:
    first, rest = what.split(" ", 1)
    return f"{ {'are': 'is', 'have': 'has', 'look': 'looks'}[first] } {rest}".replace("aren't", "isn't a").replace(
        "radiographs", "radiograph"
    )
