"""Reads headers of DICOM files: which are chest radiographs, whose they are, and what is safe to keep of them.

Nothing of a header is kept but what this file lists: no name, no date, no identifier, no institution, no free text.
Values are checked as well, because anything is written anywhere: words must be known terms, numbers must be in range.
"""

from __future__ import annotations

import importlib.util
import re
import stat
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from semiray.radiographs.pseudonyms import pseudonym
from semiray.radiographs.reading.dicom_format import HEAD_BYTES, DicomError, looks_like_dicom, parse_dicom, tag_of
from semiray.radiographs.reading.summary import some

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["SYNTHETIC", "DicomHeaders", "read_headers"]

SYNTHETIC = "synthetic images"  # as other files that say so are called

_STEPS = (2**14, 2**20, 2**24)  # bytes that are read until the end of the header is among them
_LAST = 0x0028_FFFF  # the greatest tag that is read
_BROKEN = "broken DICOM files"

# What is taken.
_RADIOGRAPHY = frozenset({"CR", "DX", "DR", "RG", "XR"})
_RADIOGRAPHY_CLASSES = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.1\.1\.1(\.1(\.1)?)?")  # CR; DX, for either purpose
_ANY_CLASSES = re.compile(r"(1\.2\.840\.10008\.5\.1\.4\.1\.1\.7(\.\d+)*)?")  # secondary capture, or none
_DIRECTORY = "1.2.840.10008.1.3.10"
_CHEST = re.compile("CHEST|THORAX|TORAX|TORACE|POITRINE|LUNG|CXR")
_NO_PART = frozenset({"", "UNKNOWN", "UNSPECIFIED", "UNDEFINED", "DEFAULT", "OTHER", "NONE", "NA", "N/A", "NULL", "-"})
# No more than these: an identifier that is taken for none could put one patient on both sides of a split.
_NO_PATIENT = re.compile(
    rb"[x*?._ -]*|anon(ym(ous|i[sz]ed)?)?|de-?identified|unknown|removed|redacted|n/?a|none|null", re.IGNORECASE
)

# Terms of DICOM PS3.3 and PS3.16 (Annex L), and words that devices put beside them.
_VIEWS = (
    "AP|PA|LL|RL|LAT|LATERAL|RLD|LLD|RLO|LLO|RAO|LAO|RPO|LPO|XTL|XTABLE|AXIAL|SWIMMERS|LORDOTIC|DECUB|DECUBITUS|OBLIQUE|"
    "PORTABLE|ERECT|SUPINE|UPRIGHT|LEFT|RIGHT|L|R"
)
_CHEST_WORDS = f"{_VIEWS}|ABDOMEN|AND|CHEST|CXR|LUNGS?|POITRINE|PORT|THORAX|TORACE|TORAX"
_OTHER_PARTS = (
    "ABDOMEN|ANKLE|ARM|BREAST|CALCANEUS|CERVICAL|CLAVICLE|COCCYX|CSPINE|ELBOW|EXTREMITY|FACE|FEMUR|FINGER|FOOT|FOREARM|"
    "HAND|HEAD|HIP|HUMERUS|JAW|KNEE|LEG|LSPINE|LUMBAR|MANDIBLE|MAXILLA|NECK|NOSE|ORBIT|PATELLA|PELVIS|RADIUS|RIBS?|SACRUM|"
    "SCAPULA|SHOULDER|SINUS|SKULL|SPINE|STERNUM|TIBIA|TOE|TSPINE|ULNA|WRIST"
)
_PHOTOMETRIC = frozenset(
    ["MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"]
)
_PER_YEAR = {"D": 365.25, "W": 52.18, "M": 12, "Y": 1, "": 1}
_MANY = 10  # images of one patient, beside half of all, that look wrong
_OLDEST = 90  # years; a greater age can identify a person


@dataclass(frozen=True)
class DicomHeaders:
    """What headers tell about the DICOM files among some files.

    Attributes:
        rows: per radiograph its values by DICOM's keywords, such as ``ViewPosition``; ages in years.
        patients: per radiograph whose patient or study is named, a keyed hash that stands for it.
        left_out: per other DICOM file its kind, such as ``CT (DICOM)``.
        notes: what was guessed, in sentences.
    """

    rows: Mapping[str, Mapping[str, str]]
    patients: Mapping[str, str]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Header:
    """A DICOM file: its kind where it is left out, else its values and patient; and what its set must be told."""

    kind: str = ""
    row: Mapping[str, str] | None = None
    patient: str = ""
    remarks: tuple[str, ...] = ()


def read_headers(files: Mapping[str, Path], salt: bytes, workers: int = 4, *, synthetic: bool = False) -> DicomHeaders:
    """Read the headers of those files that are DICOM by their content.

    Chest radiographs are taken: the modality is CR or DX, or not known; the body part is the chest, or not known.

    Args:
        files: paths by keys.
        salt: key of the hashes that stand for patients; see `read_salt`.
        workers: number of reading threads.
        synthetic: take images that are marked as synthetic, too.

    Returns:
        Values and patients of radiographs, kinds of the others, and notes. A file that isn't DICOM is in none of them.
    """
    installed = importlib.util.find_spec("pydicom") is not None
    read = partial(_read, salt=salt, synthetic=synthetic) if installed else _recognise
    with ThreadPoolExecutor(workers, thread_name_prefix="semiray-dicom") as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns about what it repairs, and quotes it
        results = zip(files, pool.map(read, files.values()), strict=True)
        headers = {key: header for key, header in results if header is not None}
    remarks = Counter(remark for header in headers.values() for remark in header.remarks)
    notes = [remark.format(n=f"{count:,}") for remark, count in sorted(remarks.items())]
    broken = [key for key, header in headers.items() if header.kind == _BROKEN]
    if broken:
        notes.append(f"DICOM files with a broken header: {len(broken):,} ({some(broken)}).")
    patients = {key: header.patient for key, header in headers.items() if header.patient}
    most = max(Counter(patients.values()).values(), default=0)
    if most >= max(_MANY, len(patients) / 2):
        notes.append(f"One PatientID stands for {most:,} of {len(patients):,} DICOM files: it may be a placeholder.")
    return DicomHeaders(
        rows={key: header.row for key, header in headers.items() if header.row is not None},
        patients=patients,
        left_out={key: header.kind for key, header in headers.items() if header.kind},
        notes=tuple(notes),
    )


def _recognise(path: Path) -> _Header | None:
    """What can be said of a file without pydicom."""
    try:
        if path.is_file():  # opening a pipe would wait forever
            with path.open("rb") as file:
                if looks_like_dicom(file.read(HEAD_BYTES)):
                    remark = (
                        "DICOM files that aren't read, since that needs pydicom (pip install 'semiray[dicom]'): {n}."
                    )
                    return _Header("DICOM files", remarks=(remark,))
    except OSError:
        pass
    return None


def _read(path: Path, salt: bytes, synthetic: bool) -> _Header | None:
    """Read a file's header, of the file as little as that needs; None if it isn't DICOM or can't be opened."""
    content = b""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            for size in _STEPS:
                content += file.read(size - len(content))
                if not looks_like_dicom(content[:HEAD_BYTES]):
                    return None
                whole = len(content) < size or size == _STEPS[-1]
                try:
                    dataset, complete = parse_dicom(content, _KEYWORDS, _LAST)
                    if complete or whole:
                        return _judge(dataset, complete, salt, synthetic)
                except DicomError:
                    if whole:
                        return _Header(_BROKEN)
    except OSError:
        pass
    return None


def _judge(dataset: Dataset, complete: bool, salt: bytes, synthetic: bool) -> _Header:
    """Decide whether a header is that of a chest radiograph."""
    if _text(dataset.file_meta, "MediaStorageSOPClassUID") == _DIRECTORY:
        return _Header("DICOMDIR")
    if not synthetic and _text(dataset, "SyntheticData") == "YES":
        return _Header(SYNTHETIC)
    row = {keyword: value for keyword, form in _VALUES.items() if (value := form(_text(dataset, keyword)))}
    modality, image_class = _text(dataset, "Modality").upper(), _text(dataset, "SOPClassUID")
    unknown = modality in ("", "OT")
    radiograph = modality in _RADIOGRAPHY or (unknown and bool(_RADIOGRAPHY_CLASSES.fullmatch(image_class)))
    if not radiograph and not (unknown and _ANY_CLASSES.fullmatch(image_class)):
        return _Header(f"{row.get('Modality', 'other modalities')} (DICOM)")
    if "Rows" not in row:
        return _Header("DICOM files without an image" if complete else _BROKEN)
    if not radiograph and "MONOCHROME" not in row.get("PhotometricInterpretation", ""):
        return _Header("colour images of no modality (DICOM)")
    part = _text(dataset, "BodyPartExamined").upper()
    if part not in _NO_PART and not _CHEST.search(part):
        return _Header(f"radiographs of {_find_parts(part).lower() or 'other parts'} (DICOM)")
    remarks = []
    if not radiograph:
        remarks.append("DICOM files that name no modality (or OT, other) and are taken as radiographs: {n}.")
    if row.get("NumberOfFrames", "1") != "1":
        remarks.append("DICOM files with several frames, of which only the first is used: {n}.")
    if row.get("PresentationIntentType") == "FOR PROCESSING":
        remarks.append("DICOM files of raw data that isn't made to be viewed (FOR PROCESSING): {n}.")
    patient = ""
    number = _bytes(dataset, "PatientID")
    if not _NO_PATIENT.fullmatch(number):
        patient = pseudonym(salt, b"patient", number, _bytes(dataset, "IssuerOfPatientID"))
    elif study := _bytes(dataset, "StudyInstanceUID"):
        patient = pseudonym(salt, b"study", study)
        remarks.append(
            "DICOM files that name no patient, so that the images of each study count as one patient's: {n}."
        )
    return _Header(row=row, patient=patient, remarks=tuple(remarks))


def _bytes(dataset: Dataset, keyword: str) -> bytes:
    """Value of an element as it is in the file, without padding: pydicom would warn, repair, or raise."""
    element = dataset.get_item(tag_of(keyword))
    value = getattr(element, "value", None)
    return value.strip(b" \0\r\n\t") if isinstance(value, bytes) else str(value or "").strip().encode()


def _text(dataset: Dataset, keyword: str) -> str:
    if keyword not in ("Rows", "Columns", "BitsStored"):
        return _bytes(dataset, keyword).decode("ascii", "replace")
    element = dataset.get_item(tag_of(keyword))
    value = getattr(element, "value", None)
    if not isinstance(value, bytes) or len(value) < 2:
        return ""
    return str(int.from_bytes(value[:2], "little" if getattr(element, "is_little_endian", True) else "big"))


def _terms(known: str) -> Callable[[str], str]:
    """Keep the words of a value that are known."""
    pattern = re.compile(known)
    return lambda text: " ".join(word for word in re.split(r"[\W_]+", text.upper()) if pattern.fullmatch(word))


def _choice(*known: str) -> Callable[[str], str]:
    """Keep a value that is known."""
    return lambda text: text.upper() if text.upper() in known else ""


def _modality(text: str) -> str:
    return text.upper() if re.fullmatch("[A-Z]{2}|RT[A-Z]{4,8}|SEG|REG|ECG|DOC|OPT|HMD", text, re.IGNORECASE) else ""


def _age(text: str) -> str:
    """Age in years, at most 90."""
    found = re.fullmatch(r"(\d{1,3})([DWMY]?)", text.upper())
    return f"{min(int(found[1]) / _PER_YEAR[found[2]], _OLDEST):.3g}" if found else ""


def _numbers(low: float, high: float) -> Callable[[str], str]:
    """Keep numbers in a range: one where all are equal, else with DICOM's backslash between them."""

    def form(text: str) -> str:
        parts = text.split("\\")
        try:
            numbers = dict.fromkeys(float(part) for part in parts)
        except ValueError:
            return ""
        if len(parts) > 4 or not all(low <= number <= high for number in numbers):
            return ""
        return f"{next(iter(numbers)):g}" if len(numbers) == 1 else "\\".join(f"{float(part):g}" for part in parts)

    return form


# The safe list. Every value has a form, and what doesn't fit into it is dropped.
_VALUES: Mapping[str, Callable[[str], str]] = {
    "Modality": _modality,
    "PresentationIntentType": _choice("FOR PRESENTATION", "FOR PROCESSING"),
    "PatientSex": _choice("F", "M", "O"),
    "PatientAge": _age,
    "BodyPartExamined": _terms(_CHEST_WORDS),
    "KVP": _numbers(1, 500),
    "ViewPosition": _terms(_VIEWS),
    "ImagerPixelSpacing": _numbers(0.001, 20),
    "Laterality": _choice("L", "R"),
    "ImageLaterality": _choice("L", "R", "U", "B"),
    "PhotometricInterpretation": _choice(*_PHOTOMETRIC),
    "NumberOfFrames": _numbers(1, 100_000),
    "Rows": _numbers(1, 65_535),
    "Columns": _numbers(1, 65_535),
    "PixelSpacing": _numbers(0.001, 20),
    "BitsStored": _numbers(1, 64),
    "LossyImageCompression": _choice("00", "01"),
}
_find_parts = _terms(_OTHER_PARTS)
# What is looked at, and never kept.
_KEYWORDS = (*_VALUES, "SyntheticData", "SOPClassUID", "PatientID", "IssuerOfPatientID", "StudyInstanceUID")
