"""Who the patient of each image is: from a table, a DICOM header, or known patterns of names and folders."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from semiray.errors import SemirayError
from semiray.radiographs.reading.joining import Found
from semiray.radiographs.reading.names import name_of, stem_of
from semiray.radiographs.reading.options import ReadingOptions
from semiray.radiographs.reading.patterns import compile_pattern, search
from semiray.radiographs.reading.summary import Advice, counted, shell_option, some
from semiray.radiographs.reading.tables import choose_column, plain

__all__ = ["PATIENT_COLUMNS", "PATIENT_PRESETS", "patients_by_name", "propose_pattern", "read_patients"]

PATIENT_COLUMNS = (
    "patient_id",
    "patient",
    "subject_id",
    "subject",
    "patient_identifier",
    "patient_number",
    "patient_no",
    "person_id",
    "participant_id",
    "participant",
    "pid",
    "mrn",
    "medical_record_number",
    "case_id",
    "uid",
)

_OF_ANYTHING = ("caseid", "uid")
PATIENT_WORDS = re.compile(  # without case and punctuation
    r"(?:anon\w*|deid\w*|hashed|study|new|orig\w*)?(?:patient|patienten|subject|participant|person|probanden?|pat)"
    r"(?:s|en)?(?:id|ids|no|nr|num|number|nummer|code|key|hash|uid|identifier|identification|pseudonym|index)"
)

PATIENT_PRESETS: Mapping[str, str] = {
    # Kermany et al. 2018: personN_virus_M.jpeg; IM-0439-0001-0002.jpeg and NORMAL2-IM-0439-0001.jpeg count apart.
    "kermany": r"(person\d+|(?:NORMAL2-)?IM-\d+)",
    # Winther et al. 2020: a column of data.csv.
    "hannover": "patient_id",
}

_HASH = re.compile(r"[0-9a-f-]{16,}$", re.IGNORECASE)
# How public sets write patients into paths. The first that most images match is taken.
_PATTERNS = {
    "preset kermany": r"(?:^|/)(person\d+(?=_(?:virus|bacteria)_\d)|(?:NORMAL2-)?IM-\d+(?=-\d))",
    "names such as 00000013_005": r"(?:^|/)(\d{8})_\d{3}\.[^./]+$",
    "folders such as p10/p10000032": r"(?:^|/)p\d{2}/(p\d{8})/",
    "names such as sub-01 (BIDS)": r"(?:^|/)(sub-[A-Za-z0-9]+)(?=[/_.])",
    "names such as patient00001": (
        r"(?:^|/)((?i:patients?|person|subject|subj|pat|pt|participant|case)[-_ #]?\d+)(?=[/_\-. (])"
    ),
    "names such as p0001_1": r"(?:^|/)([pP][-_]?\d{2,})(?=[/_\-][^/]*)",
}


def patients_by_name(keys: Sequence[str]) -> tuple[dict[str, str], str, list[str]]:
    """Find patients in the images' paths where more than half follow one known pattern.

    Returns:
        Patients by key; how they were found, in words (empty where they weren't); the keys that don't match.
    """
    for words, text in _PATTERNS.items():
        pattern = re.compile(text)
        found = {key: match[1] for key in keys if (match := pattern.search(key))}
        if len(found) > len(keys) / 2:
            return found, f"file and folder names ({words})", [key for key in keys if key not in found]
    return {}, "", []


def propose_pattern(keys: Sequence[str], rows: Mapping[str, Mapping[str, str]]) -> Advice:
    """What to do where every image counts as its own patient.

    Args:
        keys: the images' keys.
        rows: metadata by key; a column with an identifier that repeats is proposed.

    Returns:
        Advice with an option that would group images; without one where names and columns show no groups.
    """
    text = "Nothing tells patients: every image counts as its own patient, so images of one may be in two parts."
    names = dict.fromkeys(name for row in rows.values() for name in row)
    for name in names:
        if plain(name).endswith(("id", "no", "number", "accession", "study", "exam", "person", "subject", "case")):
            cells = [cell for row in rows.values() if (cell := row.get(name, ""))]
            if len(keys) / 2 < len(cells) and _groups(cells):
                return Advice(text, shell_option("--patient-column", name))
    stems = map(stem_of, keys)
    by_name = (r"([^/]+)[_-][^/_-]+$", r"([^/_-]+)[_-][^/]+$", r"([^/]*?\d+)\D[^/]*$")
    for pattern in (r"([^/]+)/[^/]+$", *(() if all(map(_HASH.match, stems)) else by_name)):
        found = [match[1] for key in keys if (match := re.search(pattern, key))]
        if len(found) > len(keys) / 2 and _groups(found):
            return Advice(f"{text} Names may tell them.", shell_option("--patient-from", pattern))
    stem = name_of(keys[0]) if keys else "1.png"
    return Advice(
        f"{text} Names such as {stem} show no groups; if they contain the patient, give --patient-from REGEX, and if a "
        "table does, --patient-column COLUMN."
    )


def _groups(values: Sequence[str]) -> bool:
    """Whether values look like patients: fewer than images, but many, none with a large share."""
    counts = Counter(values)
    return 1 < len(counts) < len(values) and max(counts.values()) <= max(12, len(values) // 20) and len(counts) > 4


def read_patients(found: Found, options: ReadingOptions) -> tuple[dict[str, str], str]:
    """Patients by key, and how they were found."""
    pattern, column = options.patient_from, options.patient_column
    if pattern == "hannover":
        pattern, column = None, PATIENT_PRESETS["hannover"]
    elif pattern is not None:
        pattern = PATIENT_PRESETS.get(pattern, pattern)
    keys = sorted(found.paths)
    if compiled := compile_pattern(pattern, "patient_from"):
        return search(compiled, keys, "patient_from", "their own patients", found.notes), (
            f"the {'preset' if options.patient_from in PATIENT_PRESETS else 'pattern'} {options.patient_from}"
        )
    columns = found.columns()
    if column is not None and column not in columns:
        there = f"The columns are: {', '.join(columns)}." if columns else "There is no table that names the images."
        raise SemirayError(f"no column {column!r} (patient_column=). {there}")
    known = (
        column
        or choose_column(columns, PATIENT_COLUMNS)
        or next((name for name in columns if PATIENT_WORDS.fullmatch(plain(name))), None)
    )
    cells = found.cells(known) if known is not None else {}
    if column is None and known is not None and plain(known) in _OF_ANYTHING:
        different = {value for values in cells.values() for value in values}
        cells = cells if len(different) < len(cells) else {}  # an image's own number says nothing of its patient
    if column is not None and not cells:
        raise SemirayError(f"column {column!r} (patient_column=): every cell is empty.")
    if cells:
        patients = {key: values[0] for key, values in cells.items() if key in found.paths}
        if column is None and len(patients) < len(keys):
            by_name, where, missed = patients_by_name(keys)
            if by_name and not missed:
                images = counted(len(patients), "image", "images")
                text = f"Column {known!r} tells the patients of {images}, names those of all."
                found.notes.append(text)
                return by_name, where
        if without := len(found.rows) - len(cells):
            have = counted(without, "row has", "rows have")
            found.notes.append(f"{have} no patient in column {known!r}: each is its own patient.")
        if several := [key for key, values in cells.items() if len(values) > 1]:
            have = counted(len(several), "image has", "images have")
            text = f"{have} rows of several patients; the first is used: {some(several)}."
            found.advice.append(Advice(text))
        return patients, f"column {known!r}"
    if found.patients:
        return found.patients, "DICOM headers (PatientID, kept as a hash)"
    patients, where, missed = patients_by_name(keys)
    if patients and missed:
        follow = counted(len(missed), "image follows", "images follow")
        text = f"{follow} no such name; each is its own patient: {some(missed)}."
        found.advice.append(Advice(text))
    if "preset kermany" in where:
        found.notes.append("Patients are taken from the file names (preset kermany).")
    return patients, where
