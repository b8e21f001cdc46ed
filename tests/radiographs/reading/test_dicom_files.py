from __future__ import annotations

import importlib.util
import os
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from semiray.radiographs.pixels.framing import decode_grey
from semiray.radiographs.reading.dicom_files import SYNTHETIC, DicomHeaders, read_headers

pydicom = pytest.importorskip("pydicom")
from pydicom.data.data_manager import DATA_ROOT  # noqa: E402

PIXELS = np.arange(12, dtype=np.uint16).reshape(3, 4)
SALT = b"s" * 32
PLANTED = "ZQX"
# Everything that names a person, a place, a time or a thing, with a mark that nothing else contains.
NAMES = {
    "PatientName": "Zqxdoe^Jane",
    "OtherPatientNames": "Zqxroe^Jane",
    "PatientID": "ZQX4711",
    "IssuerOfPatientID": "Zqxhospital",
    "OtherPatientIDs": "ZQX4712",
    "PatientAddress": "Zqxstreet 1",
    "PatientTelephoneNumbers": "ZQX-555",
    "MilitaryRank": "Zqxmajor",
    "EthnicGroup": "Zqxgroup",
    "Occupation": "Zqxsmith",
    "PatientComments": "Zqxcomment",
    "AdditionalPatientHistory": "Zqxhistory",
    "InstitutionName": "Zqx Hospital",
    "InstitutionAddress": "Zqxtown",
    "InstitutionalDepartmentName": "Zqxdepartment",
    "ReferringPhysicianName": "Zqxref^A",
    "PerformingPhysicianName": "Zqxper^B",
    "NameOfPhysiciansReadingStudy": "Zqxread^C",
    "OperatorsName": "Zqxop^D",
    "RequestingPhysician": "Zqxreq^E",
    "AccessionNumber": "ZQX0815",
    "StudyID": "ZQXS1",
    "StationName": "ZQXSTATION",
    "DeviceSerialNumber": "ZQX99",
    "Manufacturer": "Zqxmaker",
    "StudyDescription": "Zqx chest",
    "SeriesDescription": "Zqx series",
    "ImageComments": "Zqx image",
    "ProtocolName": "Zqx protocol",
    "RequestedProcedureDescription": "Zqx procedure",
    "PerformedProcedureStepDescription": "Zqx step",
    "AcquisitionDeviceProcessingDescription": "Zqx processing",
    "PatientBirthDate": "19610203",
    "StudyDate": "20190405",
    "SeriesDate": "20190406",
    "AcquisitionDate": "20190407",
    "ContentDate": "20190408",
    "StudyTime": "101112",
    "StudyInstanceUID": "1.2.999.11",
    "SeriesInstanceUID": "1.2.999.12",
    "SOPInstanceUID": "1.2.999.13",
    # Planted where only terms and numbers belong.
    "BodyPartExamined": "CHEST ZQX",
    "ViewPosition": "PA ZQX",
    "PatientSex": "ZQX",
    "PatientAge": "ZQX",
    "Laterality": "ZQX",
    "PresentationIntentType": "ZQX",
    "KVP": "19610203",
}
DIGITS = ("19610203", "2019040", "101112", "1.2.999", "1.961", "4711", "4712", "0815")


@pytest.fixture
def write(make_dicom, tmp_path):
    def to(name: str, **elements: object) -> tuple[str, Path]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_dicom(PIXELS, **elements))
        return name, path

    return to


def said(headers: DicomHeaders) -> str:
    return repr((headers.rows, headers.patients, headers.left_out, headers.notes))


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_nothing_that_names_a_person_leaves_the_header(write, make_dicom, tmp_path, capfd):
    name, path = write("a", **NAMES)
    dataset = pydicom.dcmread(path)
    block = dataset.private_block(0x0009, "ZQX MAKER", create=True)
    block.add_new(1, "LO", "Zqxprivate")
    item = pydicom.Dataset()
    item.CodeMeaning = "Zqxcode"
    dataset.RequestAttributesSequence = [item]
    dataset.save_as(path)
    files = dict([(name, path), write("b", **{**NAMES, "PatientID": "", "BodyPartExamined": "ZQX"})])
    files |= [write("c", **{**NAMES, "Modality": "ZQX", "SOPClassUID": "1.2.999.14"})]
    content = path.read_bytes()
    for number, end in enumerate((300, 700, 1200)):
        broken = tmp_path / f"cut{number}"
        broken.write_bytes(content[:end])
        files[broken.name] = broken
    headers = read_headers(files, SALT)
    assert headers.rows["a"] == {
        "Modality": "DX",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": "3",
        "Columns": "4",
        "BitsStored": "12",
    }
    everything = said(headers) + decode_grey(content)[1] + "".join(capfd.readouterr())
    assert PLANTED not in everything.upper()
    assert [digits for digits in DIGITS if digits in everything] == []
    assert set(headers.rows) | set(headers.left_out) == set(files)


def test_what_is_safe_is_kept_as_text_in_known_forms(write):
    files = dict(
        [
            write(
                "old.dcm",
                PatientAge="094Y",
                PatientSex="F",
                ViewPosition="LATERAL",
                PixelSpacing=[0.139, 0.139],
                ImagerPixelSpacing=[0.1, 0.2],
                PhotometricInterpretation="MONOCHROME1",
                KVP="120",
                PresentationIntentType="FOR PRESENTATION",
            ),
            write("baby.dcm", PatientAge="006M", ViewPosition="AP_SUPINE", BodyPartExamined="PORT CHEST"),
        ]
    )
    rows = read_headers(files, SALT).rows
    assert rows["old.dcm"] | {"Rows": "", "Columns": "", "BitsStored": ""} == {
        "Modality": "DX",
        "PresentationIntentType": "FOR PRESENTATION",
        "PatientSex": "F",
        "PatientAge": "90",
        "BodyPartExamined": "CHEST",
        "KVP": "120",
        "ViewPosition": "LATERAL",
        "ImagerPixelSpacing": "0.1\\0.2",
        "PhotometricInterpretation": "MONOCHROME1",
        "Rows": "",
        "Columns": "",
        "PixelSpacing": "0.139",
        "BitsStored": "",
    }
    assert (rows["baby.dcm"]["PatientAge"], rows["baby.dcm"]["ViewPosition"]) == ("0.5", "AP SUPINE")
    assert rows["baby.dcm"]["BodyPartExamined"] == "PORT CHEST"


TAKEN = [
    {"Modality": "CR"},
    {"Modality": "DX", "ViewPosition": "LL"},
    {"Modality": None},
    {"Modality": "OT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
    {"Modality": None, "SOPClassUID": None, "BodyPartExamined": None},
    {"BodyPartExamined": "THORAX"},
    {"BodyPartExamined": ""},
]
LEFT_OUT = [
    ({"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "CT (DICOM)"),
    ({"Modality": "MG", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.2"}, "MG (DICOM)"),
    ({"Modality": "MG"}, "MG (DICOM)"),
    ({"Modality": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "other modalities (DICOM)"),
    ({"BodyPartExamined": "KNEE"}, "radiographs of knee (DICOM)"),
    ({"BodyPartExamined": "SCHULTER"}, "radiographs of other parts (DICOM)"),
    ({"Rows": None}, "DICOM files without an image"),
    (
        {
            "Modality": "OT",
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7",
            "PhotometricInterpretation": "RGB",
            "SamplesPerPixel": 3,
            "PlanarConfiguration": 0,
        },
        "colour images of no modality (DICOM)",
    ),
]


def test_chest_radiographs_are_taken_by_modality_and_body_part_whatever_their_names(write):
    taken = dict(write(f"taken/{number}", **elements) for number, elements in enumerate(TAKEN))
    others = {f"other/{number}.png": kind for number, (_, kind) in enumerate(LEFT_OUT)}
    files = taken | dict(write(name, **elements) for name, (elements, _) in zip(others, LEFT_OUT, strict=True))
    headers = read_headers(files, SALT)
    assert set(headers.rows) == set(taken)
    assert headers.left_out == others
    assert headers.rows["taken/1"]["ViewPosition"] == "LL"
    assert any("taken as radiographs: 2" in note for note in headers.notes)


def test_synthetic_images_are_left_out_unless_asked_for(write):
    files = dict([write("made", SyntheticData="YES", Modality="OT"), write("real", SyntheticData="NO"), write("x")])
    headers = read_headers(files, SALT)
    assert headers.left_out == {"made": SYNTHETIC}
    assert (set(headers.rows), headers.notes) == ({"real", "x"}, read_headers({"x": files["x"]}, SALT).notes)
    assert set(read_headers(files, SALT, synthetic=True).rows) == {"made", "real", "x"}


def test_files_that_are_not_dicom_are_in_nothing(tmp_path, draw):
    files = {"a.png": draw(tmp_path / "a.png"), "gone": tmp_path / "gone", "folder": tmp_path}
    (tmp_path / "b.dcm").write_bytes(b"no DICOM at all" * 100)
    files["b.dcm"] = tmp_path / "b.dcm"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        files["pipe"] = tmp_path / "pipe"
    assert read_headers(files, SALT) == DicomHeaders({}, {}, {}, ())


def test_patients_are_hashed_and_told_apart(write):
    files = dict(
        [
            write("a", PatientID="7", IssuerOfPatientID="A"),
            write("b", PatientID="7 ", IssuerOfPatientID="A", Modality="CR"),
            write("c", PatientID="7", IssuerOfPatientID="B"),
            write("d", PatientID="8"),
            write("e", PatientID="ANONYMIZED", StudyInstanceUID="1.2.5"),
            write("f", PatientID="", StudyInstanceUID="1.2.5"),
            write("g", PatientID="xxx", StudyInstanceUID="1.2.6"),
            write("h"),
            write("i", PatientID="ANON0001", StudyInstanceUID="1.2.7"),
            write("j", PatientID="ANON0001", StudyInstanceUID="1.2.8"),
        ]
    )
    headers = read_headers(files, SALT)
    patients = headers.patients
    assert set(patients) == set("abcdefgij")
    assert patients["a"] == patients["b"]
    assert patients["e"] == patients["f"]
    assert patients["i"] == patients["j"]
    assert len(set(patients.values())) == 6
    assert all(len(patient) == 20 for patient in patients.values())
    assert any(
        "no patient, so that the images of each study count as one patient's: 3" in note for note in headers.notes
    )
    assert read_headers(files, SALT).patients == patients
    assert set(read_headers(files, b"t" * 32).patients.values()).isdisjoint(patients.values())


def test_one_patient_for_most_images_is_noted(write):
    files = dict(write(str(number), PatientID="0") for number in range(12)) | dict([write("x", PatientID="1")])
    assert "One PatientID stands for 12 of 13 DICOM files: it may be a placeholder." in read_headers(files, SALT).notes


def test_frames_and_raw_data_are_noted(write):
    files = dict(
        [
            write("a", NumberOfFrames=3),
            write("odd", NumberOfFrames=[1, 2]),
            write("b", PresentationIntentType="FOR PROCESSING"),
        ]
    )
    notes = read_headers(files, SALT).notes
    assert any("several frames, of which only the first is used: 2" in note for note in notes)
    assert any("FOR PROCESSING" in note for note in notes)


def test_long_headers_are_read_to_their_end(write, tmp_path):
    name, path = write("a", PatientSex="M")
    dataset = pydicom.dcmread(path)
    dataset.private_block(0x0009, "MAKER", create=True).add_new(1, "OB", bytes(3_000_000))
    dataset.save_as(path)
    assert read_headers({name: path}, SALT).rows[name]["Rows"] == "3"


def test_broken_headers_are_named(write, tmp_path):
    content = write("a")[1].read_bytes()
    files = {}
    for number, end in enumerate((140, 200, 400)):
        (tmp_path / f"cut{number}").write_bytes(content[:end])
        files[f"cut{number}"] = tmp_path / f"cut{number}"
    headers = read_headers(files, SALT)
    assert set(headers.left_out.values()) == {"broken DICOM files"}
    assert headers.notes == ("DICOM files with a broken header: 3 (cut0, cut1, cut2).",)


def test_pydicoms_own_files_are_sorted_and_none_is_lost():
    files = {path.relative_to(DATA_ROOT).as_posix(): path for path in Path(DATA_ROOT).rglob("*") if path.is_file()}
    headers = read_headers(files, SALT)
    kinds = Counter(headers.left_out.values())
    assert (kinds["CT (DICOM)"], kinds["MR (DICOM)"], kinds["DICOMDIR"]) == (64, 27, 8)
    assert set(headers.rows).isdisjoint(headers.left_out)
    assert {row.get("Modality", "OT") for row in headers.rows.values()} <= {"OT", "CR"}
    assert headers.patients["charset_files/chrFren.dcm"] == headers.patients["charset_files/chrFrenMulti.dcm"]


def test_damaged_headers_never_end_the_reading(write, tmp_path):
    content = write("a", **{key: NAMES[key] for key in ("PatientName", "StudyDate")}, PatientAge="045Y")[1].read_bytes()
    draw = random.Random(0)
    files = {}
    for number in range(200):
        damaged = bytearray(content)
        for _ in range(draw.choice((1, 4, 30))):
            damaged[draw.randrange(128, len(damaged))] = draw.choice((0, 255, draw.randrange(256)))
        files[str(number)] = tmp_path / str(number)
        files[str(number)].write_bytes(damaged[: draw.choice((len(damaged), draw.randrange(132, len(damaged))))])
    headers = read_headers(files, SALT)
    assert set(headers.rows) | set(headers.left_out) <= set(files)
    assert len(headers.rows) > 20
    assert PLANTED not in said(headers).upper()


def test_without_pydicom_files_are_counted_and_a_sentence_says_what_to_install(write, monkeypatch):
    files = dict([write("a"), write("b")])
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pydicom" else find(name))
    headers = read_headers(files, SALT)
    assert headers.left_out == {"a": "DICOM files", "b": "DICOM files"}
    assert headers.notes == (
        "DICOM files that aren't read, since that needs pydicom (pip install 'semiray[dicom]'): 2.",
    )
