"""DICOM files from folder to prepared set: pixels and patients arrive, and nothing that names a person."""

from __future__ import annotations

import re

import numpy as np
import pytest

from semiray.radiographs import load_radiographs, prepare_radiographs

NAMES = {
    "PatientName": "Zqxdoe^Jane",
    "PatientID": "ZQX4711",
    "PatientBirthDate": "19610203",
    "InstitutionName": "Zqx Hospital",
    "ReferringPhysicianName": "Zqxring^Anna",
    "AccessionNumber": "ZQX0815",
    "StudyDescription": "Zqxdescription",
    "StudyDate": "20190405",
}
# In bytes of pixels and digits of digests, shorter words occur by chance.
WORDS = (b"ZQXDOE", b"ZQX4711", b"19610203", b"ZQX HOSPITAL", b"ZQXRING", b"ZQX0815", b"ZQXDESCRIPTION", b"20190405")


@pytest.fixture
def data(tmp_path, make_dicom, monkeypatch):
    monkeypatch.setenv("SEMIRAY_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for label in ("sick", "well"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for i in range(8):
            elements = {**NAMES, "PatientID": f"ZQX4711{label}{i // 2}", "PatientAge": "059Y", "ViewPosition": "PA"}
            pixels = rng.integers(0, 4096, (40, 40)).astype(np.uint16)
            (tmp_path / "data" / label / f"im{i}").write_bytes(make_dicom(pixels, **elements))
    (tmp_path / "data" / "sick" / "ct.dcm").write_bytes(make_dicom(pixels, **NAMES, Modality="CT"))
    (tmp_path / "data" / "sick" / "broken").write_bytes(make_dicom(pixels, **NAMES)[:1500])
    return tmp_path / "data"


def test_a_folder_of_dicom_files_is_a_data_set(data):
    xrays = load_radiographs(data, resolution=32)
    summary = xrays.summary
    assert (summary.images, summary.patients) == (16, 8)
    assert summary.classes == {"sick": 8, "well": 8}
    assert summary.left_out == {"CT (DICOM)": 1}
    assert [key for key, _ in xrays.skipped] == ["sick/broken"]
    assert "DICOM headers" in summary.patients_from
    assert xrays.metadata[0]["ViewPosition"] == "PA"


def test_nothing_that_names_a_person_is_written_anywhere(data, tmp_path):
    xrays = prepare_radiographs(data, tmp_path / "set", resolution=32)
    load_radiographs(data, resolution=32)
    told = "\n".join([*xrays.summary.lines(), *map(str, xrays.metadata), *xrays.patients, *map(str, xrays.skipped)])
    written = [path for folder in ("set", "cache") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    assert len(written) > 8
    for content in (told.encode(), *(path.read_bytes() for path in written)):
        assert not any(word in content.replace(b"\0", b"").upper() for word in WORDS)
    texts = [path.read_text() for path in written if path.suffix in (".json", ".jsonl", ".yaml", ".csv")]
    assert texts
    assert not any("zqx" in text.lower() for text in (told, *texts))
    assert not re.search(r"\b(4711|0815|1961|2019)\b", told)


def test_splits_and_fingerprints_do_not_depend_on_the_secret_of_a_machine(data, tmp_path, monkeypatch):
    mine = load_radiographs(data, resolution=32)
    monkeypatch.setenv("SEMIRAY_CACHE", str(tmp_path / "another"))
    theirs = load_radiographs(data, resolution=32)
    assert set(mine.patients) & set(theirs.patients) == set()
    assert mine.fingerprint == theirs.fingerprint
    np.testing.assert_array_equal(mine.patient_codes, theirs.patient_codes)
