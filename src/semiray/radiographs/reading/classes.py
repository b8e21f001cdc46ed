"""Keeps, renames and merges classes; where images have findings, a class is made of those that contain it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from semiray.errors import SemirayError
from semiray.radiographs.reading.names import part_of
from semiray.radiographs.reading.options import write_class
from semiray.radiographs.reading.records import Findings
from semiray.radiographs.reading.summary import Advice, counted, shell_option
from semiray.radiographs.reading.tables import plain

__all__ = ["advise_on_classes", "choose_classes", "propose_classes", "propose_labels"]


def choose_classes(
    keys: Sequence[str],
    labels: Mapping[str, str],
    findings: Findings,
    classes: Mapping[str, str] | None,
    left_out: Counter[str],
    notes: list[str],
) -> tuple[dict[str, str] | None, tuple[str, ...]]:
    """Return the classes of the images that are kept, and the classes' names in order.

    Where ``classes`` name findings, an image is of a class if it contains its finding and no other class's; of a single
    finding, the images without it are a class, too: one against the rest.

    Args:
        keys: the images.
        labels: labels of those that have one.
        findings: findings of all images, in the order of ``keys``.
        classes: from labels to names; None keeps all.
        left_out: counts images of several of the classes.
        notes: gets what was left out.

    Returns:
        Class by key, None where no image is left out; and the names.

    Raises:
        SemirayError: if no image has one of the classes; the message lists the labels.
    """
    if classes is None:
        return None, tuple(sorted(set(labels.values())))
    counts = Counter(labels.values())
    unknown = [name for name in classes if name not in counts]
    if classes and unknown and all(name in findings.names for name in classes):
        return _of_findings(keys, findings, classes, left_out, notes)
    if unknown or not classes:
        listed = [f"{write_class(name)} ({count:,})" for name, count in sorted(counts.items())]
        there = ", ".join(listed) or "none, since no image has a label"
        if findings.names:
            there = f"{there}; the findings are: {', '.join(map(write_class, findings.names))}"
        what = f"no image has the label {', '.join(map(repr, unknown))}" if unknown else "no class is named"
        raise SemirayError(f"classes=: {what}. The labels are: {there}.")
    chosen = {key: classes[labels[key]] for key in keys if labels.get(key) in classes}
    if len(chosen) < len(keys):
        others = Counter(labels.get(key, "(unlabelled)") for key in keys if key not in chosen)
        listed = [f"{name} {count:,}" for name, count in sorted(others.items())]
        images = counted(len(keys) - len(chosen), "image", "images")
        notes.append(f"Left out: {images} of other classes: {', '.join(listed)}.")
        left_out["other classes"] += len(keys) - len(chosen)
    return chosen, tuple(dict.fromkeys(classes.values()))


def _of_findings(
    keys: Sequence[str], findings: Findings, classes: Mapping[str, str], left_out: Counter[str], notes: list[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    names = list(dict.fromkeys(classes.values()))
    # Unknown counts as less than absent: one of several merged findings makes the class.
    values = np.nan_to_num(findings.values, nan=-1)
    places = [[findings.names.index(old) for old, new in classes.items() if new == name] for name in names]
    values = np.stack([values[:, place].max(axis=1, initial=-1) for place in places], axis=1)
    present = values == 1
    if len(names) == 1:
        rest = f"not {names[0]}"
        chosen = {
            key: names[0] if value == 1 else rest for key, value in zip(keys, values[:, 0], strict=True) if value >= 0
        }
        notes.append(f"Class {names[0]!r} contains the finding; class {rest!r} is every image that is known not to.")
        names.append(rest)
    else:
        one = present.sum(axis=1) == 1
        several = int((present.sum(axis=1) > 1).sum())
        chosen = {keys[i]: names[int(present[i].argmax())] for i in np.flatnonzero(one).tolist()}
        notes.append(
            "A class means that the image contains the finding; left out: "
            f"{counted(several, 'image', 'images')} with several of {', '.join(names)}."
        )
        if several:
            left_out["of several classes"] += several
    others = len(keys) - len(chosen) - left_out["of several classes"]
    if others:
        notes.append(f"Left out: {counted(others, 'image', 'images')} of no known class.")
        left_out["other classes"] += others
    if not chosen:
        raise SemirayError(f"classes=: no image is of exactly one of {', '.join(names)}.")
    return chosen, tuple(names)


def advise_on_classes(classes: Sequence[str]) -> list[Advice]:
    """Class names that differ in case or punctuation only, and names that need quotes in `classes`."""
    advice = []
    alike: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        alike[plain(name)].append(name)
    groups = {word: names for word, names in alike.items() if len(names) > 1 and word}
    if groups:
        merged = [
            f"{write_class(name)}={write_class(names[0].lower())}" if len(names) > 1 else write_class(name)
            for names in alike.values()
            for name in names
        ]
        listed = "; ".join(" and ".join(names) for names in groups.values())
        advice.append(
            Advice(
                f"Class names differ in case or punctuation only: {listed}.",
                shell_option("--classes", ", ".join(merged)),
            )
        )
    if special := [name for name in classes if write_class(name) != name]:
        text = f"Labels with a comma or = are written in double quotes: {', '.join(special)}."
        advice.append(Advice(text, shell_option("--classes", ", ".join(map(write_class, classes)))))
    return advice


def propose_labels(keys: Sequence[str]) -> list[Advice]:
    """Where nothing tells classes: a part of the names that has few values, most of them in many names."""
    for pattern in (r"[_-]([A-Za-z]+|\d)\.[^./]+$", r"(?:^|/)([A-Za-z]{3,})[^/]*$", r"[_-]([A-Za-z]{3,})[_-][^/]*$"):
        found = [match[1] for key in keys if (match := re.search(pattern, key))]
        counts = Counter(found)
        if any(map(part_of, counts)):
            continue
        if len(found) == len(keys) and 2 <= len(counts) <= 10 and min(counts.values()) > 1:
            listed = ", ".join(f"{name} ({count:,})" for name, count in sorted(counts.items()))
            text = f"Nothing tells classes, but a part of the names has few values: {listed}."
            return [Advice(text, shell_option("--label-from", pattern))]
    return []


def propose_classes(findings: Findings) -> list[Advice]:
    """Where images have findings and no classes: how to make classes of them."""
    present = dict(zip(findings.names, (findings.values == 1).sum(axis=0).tolist(), strict=True))
    none = [name for name in present if plain(name) in ("nofinding", "normal")]
    common = sorted((name for name in present if name not in none), key=lambda name: -present[name])
    chosen = [*none[:1], *common[: 2 - len(none[:1])]]
    text = "Images have findings, not classes. Classes can be made of those that contain a finding."
    return [Advice(text, shell_option("--classes", ", ".join(map(write_class, chosen))))]
