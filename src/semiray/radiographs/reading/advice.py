"""What may have been overlooked in a data set: columns that could be labels, the same radiographs in two folders."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from semiray.radiographs.reading.findings import Labels
from semiray.radiographs.reading.joining import Found
from semiray.radiographs.reading.names import folders_of, part_of, stem_of
from semiray.radiographs.reading.options import ReadingOptions
from semiray.radiographs.reading.patients import PATIENT_COLUMNS
from semiray.radiographs.reading.summary import Advice, shell_option, some
from semiray.radiographs.reading.tables import plain, plain_words

__all__ = ["PART_COLUMNS", "other_columns", "same_names"]

PART_COLUMNS = (
    "split",
    "subset",
    "partition",
    "fold",
    "set",
    "dataset_split",
    "data_split",
    "official_split",
    "phase",
)
_NO_LABEL = re.compile(
    r"(?:^|_)(?:sex|gender|age|view|position|projection|orientation|laterality|modality|photometric\w*|interpretation|"
    r"manufacturer|model|site|hospital|country|id|uid|no|number|index|date|year|time|width|height|rows|columns|bits|reader|"
    r"format|size|url|unnamed|follow_up|source|location|column)(?:_|\d|$)"
)


def other_columns(found: Found, labels: Labels, keys: Sequence[str], options: ReadingOptions) -> list[Advice]:
    """Columns with few values that are neither used nor about views, persons or files: one may be the label."""
    if options.label_column is not None or options.label_from is not None or len(labels.names) > 1:
        return []
    said = " ".join(one.text for one in labels.advice)
    used = {*labels.columns, *(column for _, column in found.joined)}
    known = {plain(name) for name in (*PART_COLUMNS, *PATIENT_COLUMNS)}
    columns = {}
    for name in found.columns():
        if _NO_LABEL.search(plain_words(name)) or plain(name) in known or name in used or repr(name) in said:
            continue
        counts = Counter(cell for cells in found.cells(name).values() for cell in cells)
        if any("\n" in value for value in counts):
            continue
        if 2 <= len(counts) <= min(20, len(keys) // 3) and sum(counts.values()) >= len(keys) / 2:
            columns[name] = some([f"{value[:40]} ({count:,})" for value, count in counts.most_common(4)])
    if not columns:
        return []
    listed = "; ".join(f"{name!r}: {values}" for name, values in list(columns.items())[:3])
    verb = "could be the label, too" if labels.classes or labels.names else "could be the label"
    return [Advice(f"Columns with few values {verb}: {listed}.", shell_option("--label-column", next(iter(columns))))]


def same_names(keys: Sequence[str]) -> list[Advice]:
    """Folders that contain most of each other's names, such as dicom/ and png/: the same radiographs twice?"""
    stems: dict[str, dict[str, str]] = defaultdict(dict)
    for key in keys:
        stem = stem_of(key)
        if not stem.isdigit() or len(stem) > 6:
            stems[stem].setdefault(key.rpartition("/")[0], key)
    twice = [sorted(where.values()) for where in stems.values() if len(where) > 1]
    apart = [pair for pair in twice if len({part_of(p) for k in pair for p in folders_of(k)} - {None}) < 2]
    if len(apart) < 3 or 2 * len(apart) < len(keys) / 4:
        return []
    where = " and ".join(apart[0][:2])
    text = f"{len(apart):,} names occur in more than one folder ({where}): the same radiographs twice?"
    return [Advice(f"{text} If so, give the one folder, or group them.", r"--patient-from '([^/]+)\.[^./]+$'")]
