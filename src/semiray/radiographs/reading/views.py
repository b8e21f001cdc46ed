"""Columns of few values, and those among them that tell frontal radiographs from everything else.

A condition that keeps frontal radiographs is proposed only where both the name of a column and its values say what it
is about: a view, a projection or a modality.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from semiray.radiographs.reading.keep import column_name

__all__ = ["column_values", "propose_keep", "shell_quoted"]

_VIEW_NAMES = re.compile(
    r"(?:(?:image|img|cxr|xray|chest|dicom|radiograph)_?)?(?:views?|projections?)"
    r"(?:_?(?:pos|position|positions|code|type|label|name|class|category|dicom|code_?sequence_?code_?meaning))*"
    r"|(?:is_)?frontal(?:_?(?:or_?)?lateral)?|ap_?pa|pa_?ap|pa_?lateral|orientation"
)
_MODALITY_NAMES = re.compile(r"(?:image_?|imaging_?|study_?)?modality(?:_?(?:type|dicom|name|code))*")

_FRONTAL = {"pa", "ap", "frontal", "posteroanterior", "anteroposterior"}
_FRONTAL_PAIRS = ({"postero", "anterior"}, {"antero", "posterior"}, {"posterior", "anterior"})
_POSTURES = {
    "supine", "erect", "upright", "standing", "sitting", "semi", "semierect", "recumbent", "horizontal",
    "portable", "mobile", "bed",
}  # fmt: skip
_FILLERS = {"view", "projection", "chest", "cxr", "thorax", "xray", "radiograph", "image", "position"}
_OTHER_VIEWS = {
    "l", "r", "ll", "rl", "lat", "lateral", "laterals", "left", "right", "oblique", "lao", "rao", "lpo", "rpo",
    "lordotic", "axial", "coronal", "sagittal", "decubitus", "lld", "rld", "costal", "ribs", "exclude",
    "excluded", "swimmers", "xtable", "crosstable",
}  # fmt: skip
_RADIOGRAPHS = {"xray", "cr", "dx", "dr", "rx", "rg", "cxr", "radiograph", "radiographs", "radiography", "crx"}
_OTHER_IMAGES = {
    "ct", "cect", "hrct", "cta", "mr", "mri", "us", "ultrasound", "sonography", "pt", "pet", "nm", "mg",
    "mammography", "spect", "xa", "rf", "fluoroscopy", "tomography",
}  # fmt: skip

_Judge = Callable[[set[str]], bool | None]


def column_values(rows: Sequence[Mapping[str, str]], most: int = 12) -> dict[str, dict[str, int]]:
    """Count the values of the columns that have few: at most ``most``, and fewer than half of the rows.

    Columns of views and modalities may have four times as many: hospitals write them in many ways.

    Returns:
        Per column, in the order of the table, rows per value, the most frequent first; an empty cell is the value "".
        Columns without any value are left out.

    Examples:
        >>> column_values([{"file": f"{i}.png", "view": view} for i, view in enumerate(["PA", "L", "PA", "PA", "L"])])
        {'view': {'PA': 3, 'L': 2}}
    """
    found: dict[str, dict[str, int]] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        telling = any(names.fullmatch("_".join(_words(name))) for names in (_VIEW_NAMES, _MODALITY_NAMES))
        # Most columns of many values show it at once.
        if len({row.get(name, "").strip() for row in rows[: 20 * most]}) > 4 * most:
            continue
        counts = Counter(row.get(name, "").strip() for row in rows)
        if len(counts) <= most * (4 if telling else 1) and len(counts) < len(rows) / 2 and set(counts) != {""}:
            found[name] = dict(counts.most_common())
    return found


def propose_keep(columns: Mapping[str, Mapping[str, int]]) -> str | None:
    """Propose the condition that keeps frontal radiographs, where views or modalities are mixed.

    Args:
        columns: per column rows per value, as `column_values` returns them.

    Returns:
        A condition for `read_condition`, or None where nothing is mixed or nothing tells.

    Examples:
        >>> propose_keep({"view": {"PA": 9, "L": 4, "AP": 3}, "modality": {"X-ray": 14, "CT": 2}})
        "modality == 'X-ray' and view in {'PA', 'AP'}"
        >>> propose_keep({"Frontal/Lateral": {"Frontal": 9, "Lateral": 4}})
        "`Frontal/Lateral` == 'Frontal'"
    """
    modality = _best(columns, _MODALITY_NAMES, _is_radiograph)
    view = _best(columns, _VIEW_NAMES, _is_frontal)
    return " and ".join(part for part in (modality, view) if part) or None


def shell_quoted(text: str) -> str:
    """Quote a condition for a shell, so that it can be read: between double quotes where nothing in it is special.

    Examples:
        >>> print(shell_quoted("view in {'PA', 'AP'}"))
        "view in {'PA', 'AP'}"
        >>> print(shell_quoted("`Frontal/Lateral` == 'Frontal'"))
        '`Frontal/Lateral` == "Frontal"'
    """
    if not re.search(r'["$`\\]|!(?!=)', text):
        return f'"{text}"'
    if '"' not in text and "\\" not in text:
        text = text.replace("'", '"')
    return shlex.quote(text)


def _best(columns: Mapping[str, Mapping[str, int]], names: re.Pattern[str], wanted: _Judge) -> str | None:
    """The condition on the column of such a name whose values are mixed and say something about the most rows."""
    best, most = None, 0
    for name, counts in columns.items():
        if not names.fullmatch("_".join(_words(name))):
            continue
        verdicts = {value: wanted(set(_words(value))) for value in counts if value.strip()}
        rows = {verdict: sum(counts[v] for v in verdicts if verdicts[v] is verdict) for verdict in (True, False, None)}
        known = rows[True] + rows[False]
        if rows[True] and rows[False] and known >= rows[None] and known > most:
            values = [repr(value) for value, verdict in verdicts.items() if verdict]
            test = f"== {values[0]}" if len(values) == 1 else f"in {{{', '.join(values)}}}"
            best, most = f"{column_name(name)} {test}", known
    return best


def _is_frontal(words: set[str]) -> bool | None:
    """Whether a value names a frontal view; None if it names no view."""
    if words & _OTHER_VIEWS:
        return False
    frontal = words & _FRONTAL or any(pair <= words for pair in _FRONTAL_PAIRS)
    return True if frontal and words <= _FRONTAL.union(_POSTURES, _FILLERS, *_FRONTAL_PAIRS) else None


def _is_radiograph(words: set[str]) -> bool | None:
    """Whether a value names radiography; None if it names no modality."""
    return False if words & _OTHER_IMAGES else True if words & _RADIOGRAPHS else None


def _words(text: str) -> list[str]:
    """The words of a name or a value in lower case: ViewPosition, View Position and view_position are the same."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).lower()
    return re.findall(r"[^\W_]+", re.sub(r"\bx[\W_]*rays?\b", "xray", spaced))
