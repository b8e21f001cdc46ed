"""Classes and findings in the columns of tables: one label an image, lists of findings, or a column for each.

Findings become a matrix of 1, 0 and unknown, as in torchxrayvision (Cohen et al. 2022, https://arxiv.org/abs/2111.00595).
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from semiray.errors import SemirayError
from semiray.radiographs.reading.joining import Found
from semiray.radiographs.reading.options import ReadingOptions, parse_classes
from semiray.radiographs.reading.records import Findings
from semiray.radiographs.reading.summary import Advice, counted, shell_option, some
from semiray.radiographs.reading.tables import plain, plain_words

__all__ = ["Labels", "read_labels", "select_findings", "split_cell"]

LABEL_COLUMNS = (
    "label",
    "labels",
    "class",
    "class_name",
    "classes",
    "diagnosis",
    "diagnoses",
    "finding",
    "findings",
    "finding_labels",
    "finding_name",
    "pathology",
    "pathologies",
    "disease",
    "diseases",
    "problems",
    "condition",
    "category",
    "target",
    "final_diagnosis",
    "ground_truth",
)
_LABEL_WORD = re.compile(r"(?:^|_)(?:label|class|diagnosis|diagnose|befund)$|^(?:label|class|diagnosis|diagnose)_")
_READER_COLUMNS = tuple("rad_id reader reader_id radiologist radiologist_id annotator annotator_id rater".split())
_STATES = {"1": 1, "0": 0, "-1": -1, "": -2}
_WORDS = {"true": 1, "yes": 1, "positive": 1, "present": 1, "false": 0, "no": 0, "negative": 0, "absent": 0,
          "uncertain": -1,
          "unknown": -2, "nan": -2, "na": -2, "n/a": -2, "null": -2, "none": -2, "?": -2, "-": -2}  # fmt: skip
# Names of findings in public sets, without punctuation; two of them make columns of 0 and 1 findings.
_KNOWN = frozenset(
    "nofinding enlargedcardiomediastinum cardiomegaly lungopacity lunglesion edema consolidation pneumonia atelectasis "
    "pneumothorax pleuraleffusion effusion pleuralother fracture supportdevices infiltration infiltrate mass nodule "
    "emphysema fibrosis pleuralthickening hernia tuberculosis covid covid19 normal aorticenlargement calcification ild "
    "noduleormass nodulemass otherlesion pulmonaryfibrosis viralpneumonia bacterialpneumonia lungtumor copd "
    "groundglassopacity opacity lungcancer scoliosis".split()
)
_NOT_FINDINGS = re.compile(
    r"(?:^|_)(?:id|x|y|w|h|x_?min|x_?max|y_?min|y_?max|width|height|age|sex|gender|male|female|view|split|train|test|"
    r"valid|fold|index|number|count|year|died|dead|death|survival|survived|alive|icu|intubated|ventilated|went_icu|"
    r"frontal|lateral|is_\w+|has_\w+|set|part|row|column_\d+)(?:_|$)"
)
_LONGEST = 60  # characters of a label, in the mean; more are sentences
_FEWEST_LISTS = 0.01  # share of cells; of fewer, | and ; belong to labels
_MOST_WORDS = 4  # in the mean of the names of findings; more are sentences
_MOST_NAMES = 1000  # of findings in one column; more are keywords, whose matrix wouldn't fit into memory
_MOST_CONFLICTS = 0.05  # share of images whose rows differ, up to which they are conflicts, not several findings


@dataclass
class Labels:
    """What columns tell.

    Attributes:
        classes: one label per image.
        names: findings in the order of the table.
        states: per image the states (1, 0, -1, -2) of the findings, in their order.
        where: how they were found, in words.
        columns: those that tell them.
        notes: what was decided.
        advice: what else could be read.
    """

    classes: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    states: dict[str, tuple[int, ...]] = field(default_factory=dict)
    where: str = ""
    columns: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    advice: list[Advice] = field(default_factory=list)


def read_labels(found: Found, options: ReadingOptions) -> Labels:
    """Find classes or findings in the columns of a data set's tables.

    A column of labels is known by its name, or by cells that are lists. Its cells are findings where some are lists, or
    where the rows of more than 5 % of the images differ, else classes. Columns of 1, 0, -1 and blank are a finding
    each; where exactly one is 1 in every row, they are classes.

    Raises:
        SemirayError: if the user's column doesn't exist or is empty.
    """
    labels = _read_labels(found, options)
    if options.findings in (None, "none") or labels.names:
        return labels
    # They were asked for: columns of unknown names, and beside a column of classes, are findings, too.
    binary = [name for name in _binary_columns(found, found.columns()) if name not in labels.columns]
    several = _of_wide(found, binary) if binary else Labels()
    if several.names:
        labels.names, labels.states = several.names, several.states
        labels.where = f"{labels.where}; findings: {several.where}" if labels.classes else several.where
        labels.notes += several.notes
    return labels


def _read_labels(found: Found, options: ReadingOptions) -> Labels:
    columns = found.columns()
    if options.label_column is not None:
        return _of_column(found, options.label_column, options)
    known = _label_columns(found, columns)
    wide = [] if options.findings == "none" else _wide_columns(found, columns)
    boxed = {t.path for t, _ in found.joined if {"xmin", "ymin"} <= {plain(c) for c in t.columns}}
    boxes_only = bool(known) and all(t.path in boxed for t, _ in found.joined if known[0] in t.columns)
    if len({plain(name) for name in wide} & _KNOWN) >= (2 if boxes_only else 3):
        labels = _of_wide(found, wide)
        labels.advice += [_other(name, found) for name in known if name not in wide]
        return labels
    passed: list[str] = []
    for name in known:
        labels = _of_column(found, name, options)
        if labels.classes or labels.names:
            labels.advice += [_other(other, found) for other in known if other != name]
            labels.notes += passed
            return labels
        passed += labels.notes
    labels = _of_wide(found, wide) if wide else Labels()
    if not wide and options.findings in (None, "none"):
        lone = [name for name in columns if plain(name) in _KNOWN and _is_binary(found, name)]
        labels = _of_lone(found, lone[0], options) if len(lone) == 1 else labels
    labels.notes += passed
    return labels


def _of_lone(found: Found, column: str, options: ReadingOptions) -> Labels:
    """The only column of a known finding: its cells are classes, or a finding where the rows of an image differ."""
    labels = _of_column(found, column, options)
    if labels.names:
        labels = _of_wide(found, [column])
    others = [name for name in _binary_columns(found, found.columns()) if name != column]
    if others and options.findings is None:
        text = f"Columns of 1, 0 and blank may be findings, too, and aren't read as such: {some(others)}."
        labels.advice.append(Advice(text, "--findings all"))
    return labels


def _other(name: str, found: Found) -> Advice:
    values = Counter(cell for cells in found.cells(name).values() for cell in cells)
    listed = some([f"{value} ({count:,})" for value, count in values.most_common(4)])
    return Advice(f"Column {name!r} could be the label, too: {listed}.", shell_option("--label-column", name))


def _label_columns(found: Found, columns: Sequence[str]) -> list[str]:
    """Columns that may be the label: words before numbers, in the order of the known names; then columns of lists."""
    order = {plain(name): place for place, name in enumerate(LABEL_COLUMNS)}
    named = sorted((name for name in columns if plain(name) in order), key=lambda name: order[plain(name)])
    named += [name for name in columns if name not in named and _LABEL_WORD.search(plain_words(name))]
    filled = [name for name in named if any(found.values(name))]
    numeric = {name for name in filled if all(_state(cell) is not None for cell in found.values(name))}
    ranked = [name for name in filled if name not in numeric] + [name for name in filled if name in numeric]
    if not ranked:
        for name in columns:
            values = [cell for cells in found.cells(name).values() for cell in cells]
            if values and sum(map(_is_list, values)) > len(values) / 2:
                ranked.append(name)
    return ranked


def _is_list(cell: str) -> bool:
    quoted = cell.startswith("[") and cell.endswith("]") and ("'" in cell or '"' in cell or cell == "[]")
    return quoted or (cell.startswith("{") and cell.endswith("}"))


def split_cell(cell: str) -> list[str]:
    """The findings in a cell: ``Effusion|Mass``, ``Effusion; Mass``, ``['Effusion', 'Mass']``; commas don't split."""
    if cell.startswith("{") and _is_list(cell):  # an array of a database
        return list(dict.fromkeys(text for part in cell[1:-1].split(",") if (text := part.strip(" \"'"))))
    if _is_list(cell):
        try:
            # To Python, ['a' 'b'], as numpy writes arrays, is one text.
            values = ast.literal_eval(re.sub(r"(['\"])\s+(?=['\"])", r"\1,", cell))
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            values = re.findall(r"'([^']*)'|\"([^\"]*)\"", cell)
            values = [one or two for one, two in values]
        return list(dict.fromkeys(text for value in values if (text := str(value).strip())))
    return list(dict.fromkeys(text for part in re.split(r"[|;]", cell) if (text := part.strip())))


def _of_column(found: Found, column: str, options: ReadingOptions) -> Labels:
    if column not in found.columns():
        tables = some([table.path.name for table, _ in found.joined])
        raise SemirayError(
            f"{tables}: no column {column!r} (label_column=). The columns are: {', '.join(found.columns())}."
        )
    cells = found.cells(column)
    if not cells:
        raise SemirayError(f"column {column!r} (label_column=): every cell is empty.")
    several = sum(len(values) > 1 for values in cells.values())
    listed = sum(any(_is_list(value) or "|" in value or ";" in value for value in values) for values in cells.values())
    lists = listed > _FEWEST_LISTS * len(cells) or (listed and options.findings is not None)
    reader = next((name for name in found.columns() if plain(name) in map(plain, _READER_COLUMNS)), None)
    if options.findings != "none" and reader is not None and several:
        return _of_readers(found, column, reader)
    conflicts = _MOST_CONFLICTS * len(cells) if options.findings is None else 0
    if options.findings != "none" and (lists or several > conflicts):
        return _of_lists(found, column, cells)
    classes = {key: values[0] for key, values in cells.items()}
    if options.label_column is None:
        different = set(classes.values())
        if _sentences(different):
            return Labels(notes=[f"Column {column!r} has sentences, not classes; it isn't used."])
        most = min(max(20, len(classes) // 20), max(2, len(classes) // 2))
        if len(different) > most or sum(map(len, classes.values())) > _LONGEST * len(classes):
            what = f"Column {column!r} has {len(different):,} different values"
            return Labels(notes=[f"{what}: too many or too long to be classes; it isn't used."])
    labels = Labels(classes, where=f"column {column!r}", columns=(column,))
    if several:
        keys = [key for key, values in cells.items() if len(values) > 1]
        have = counted(several, "image has", "images have")
        text = f"{have} rows with different labels; the first row of each is used: {some(keys)}."
        labels.advice.append(Advice(text, "--findings all"))
    return labels


def _sentences(values: set[str]) -> bool:
    """Whether most texts are sentences or lists of numbers, such as reports and boxes."""
    long = [
        v
        for v in values
        if len(v.split()) > 4
        and (v.rstrip().endswith((".", "!", "?")) or any(re.fullmatch(r"-?[\d.]+", word) for word in v.split()))
    ]
    return len(long) > len(values) / 2


def _of_lists(found: Found, column: str, cells: Mapping[str, Sequence[str]]) -> Labels:
    """Cells that list findings: those listed are present, the others absent; where nothing is listed, all are blank."""
    listed = {key: [name for cell in values for name in split_cell(cell)] for key, values in cells.items()}
    names = tuple(sorted({name for present in listed.values() for name in present}))
    if len(names) > min(max(50, len(cells) // 4), _MOST_NAMES) or sum(
        len(name.split()) for name in names
    ) > _MOST_WORDS * len(names):
        note = f"Column {column!r} has {len(names):,} different texts: too many to be findings; it isn't used."
        return Labels(notes=[note])
    states = {
        key: tuple(int(name in held) for name in names)
        for key, present in listed.items()
        if (held := frozenset(present))
    }
    labels = Labels({}, names, states, f"column {column!r}: several findings per image", (column,))
    if blank := len(found.paths) - len(states):
        have = counted(blank, "image has", "images have")
        labels.notes.append(f"{have} no finding in column {column!r}: all are blank.")
    return labels


def _of_readers(found: Found, column: str, reader: str) -> Labels:
    """A row per reader and finding: present if all readers saw it, absent if none did, else uncertain."""
    seen: dict[str, dict[str, set[str]]] = {}
    for key, row in found.rows.items():
        for one in (row, *found.more.get(key, ())):
            if one.get(reader, ""):
                seen.setdefault(key, {}).setdefault(one[reader], set()).update(split_cell(one.get(column, "")))
    names = tuple(sorted({name for readers in seen.values() for present in readers.values() for name in present}))
    states: dict[str, tuple[int, ...]] = {}
    disagree = 0
    for key, readers in seen.items():
        votes = Counter(name for present in readers.values() for name in present)
        states[key] = tuple({0: 0, len(readers): 1}.get(votes[name], -1) for name in names)
        disagree += -1 in states[key]
    note = (
        f"Readers ({reader!r}) disagree on {disagree:,} of {counted(len(seen), 'image', 'images')}: what only some "
        "of an image's readers saw is uncertain."
    )
    return Labels({}, names, states, f"column {column!r} of several readers", (column,), [note])


def _wide_columns(found: Found, columns: Iterable[str]) -> list[str]:
    """Columns of 1, 0, -1 and blank that may be findings."""
    wide = _binary_columns(found, columns)
    known = sum(plain(name) in _KNOWN for name in wide)
    return wide if known >= 2 or len(wide) >= 5 or _one_hot(found, wide) else []


def _binary_columns(found: Found, columns: Iterable[str]) -> list[str]:
    """Columns of 1, 0, -1 and blank whose names don't speak against findings."""
    naming = {column for _, column in found.joined}  # images, by numbers as well
    may_be = [name for name in columns if name not in naming and not _NOT_FINDINGS.search(plain_words(name))]
    return [name for name in may_be if _is_binary(found, name)]


def _is_binary(found: Found, name: str) -> bool:
    """Whether a column's cells are 1, 0, -1, or words for them."""
    values: set[str] = set()
    for value in found.values(name):  # the first cell of most columns tells
        values.add(value)
        if len(values) > 8 or _state(value) is None:
            return False
    return bool(values)


def _one_hot(found: Found, names: Sequence[str]) -> bool:
    """Whether of three or more columns exactly one is 1 in every row."""
    rows = [row for row in found.rows.values() if any(row.get(name) for name in names)]
    return len(names) > 2 and bool(rows) and all(sum(_state(row.get(n, "")) == 1 for n in names) == 1 for row in rows)


@lru_cache(maxsize=4096)
def _state(cell: str) -> int | None:
    if cell in _STATES:
        return _STATES[cell]
    if cell.lower() in _WORDS:  # before numbers, of which nan is one
        return _WORDS[cell.lower()]
    try:
        return _STATES.get(f"{float(cell.replace(',', '.')):g}")
    except ValueError:
        return None


def _of_wide(found: Found, names: Sequence[str]) -> Labels:
    states: dict[str, tuple[int, ...]] = {}
    disagree = 0
    for key, row in found.rows.items():
        rows = (row, *found.more.get(key, ()))
        several = [tuple(_state(one.get(name, "")) or 0 for name in names) for one in rows]
        states[key] = several[0] if len(several) == 1 else tuple(map(_agreed, zip(*several, strict=True)))
        disagree += any(len(set(states) - {-2}) > 1 for states in zip(*several, strict=True)) if len(several) > 1 else 0
    images = counted(disagree, "image", "images")
    notes = [f"Rows disagree on {images}; those findings are uncertain."] if disagree else []
    labels = Labels({}, tuple(names), states, f"{len(names)} columns: {some(names)}", tuple(names), notes)
    told = [values for values in states.values() if max(values) > -2]
    if told and all(sum(values) == 1 and min(values) >= 0 for values in told):
        labels.classes = {key: names[values.index(1)] for key, values in states.items() if 1 in values}
        labels.where = f"{len(names)} columns, of which exactly one is 1 in each row: {some(names)}"
        labels.names, labels.states = (), {}
    return labels


def _agreed(states: Iterable[int]) -> int:
    """The state on which rows agree; blank ones don't count; uncertain where they differ."""
    known = set(states) - {-2}
    return known.pop() if len(known) == 1 else -1 if known else -2


def select_findings(labels: Labels, keys: Sequence[str], options: ReadingOptions, notes: list[str]) -> Findings:
    """Return the matrix of findings of images, as the options say: which, and how uncertain and blank are read.

    Raises:
        SemirayError: if a finding is named that isn't there, or findings are required where there are none.
    """
    if options.findings == "none" or not labels.names:
        if options.findings not in (None, "none"):
            raise SemirayError(
                "findings=: no column of lists such as 'Effusion|Mass' and no columns of 1, 0, -1 and blank were found "
                "in a table that names the images."
            )
        return Findings()
    names = labels.names
    if options.findings not in (None, "all"):
        chosen = tuple(parse_classes(options.findings or "", "findings"))
        if unknown := [name for name in chosen if name not in names]:
            raise SemirayError(
                f"findings=: there is no finding {', '.join(map(repr, unknown))}. The findings are: {', '.join(names)}."
            )
        names = chosen
    place = [labels.names.index(name) for name in names]
    blank = (-2,) * len(labels.names)
    states = np.array([labels.states.get(key, blank) for key in keys], np.int8).reshape(len(keys), -1)[:, place]
    values = np.where(states >= 0, states, np.nan).astype(np.float32)
    if options.uncertain != "unknown":
        values[states == -1] = float(options.uncertain == "positive")
    if options.blank == "negative":
        values[states == -2] = 0
    if (states == -1).any():
        notes.append(f"Uncertain findings are read as {options.uncertain} (--uncertain unknown|positive|negative).")
    if (states == -2).any():
        notes.append(f"Blank findings are read as {options.blank} (--blank unknown|negative).")
    return Findings(names, states, values)
