"""Generated images as DICOM files: marked wherever the standard has a place for it, whole, and always the same."""

import json
import warnings
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semiray.generation import Request, Synthetic, generate, write_sample
from semiray.radiographs import load_radiographs
from semiray.radiographs.pixels.framing import decode_grey
from semiray.radiographs.pixels.marks import HEAD, SYNTHETIC, synthetic_mark
from semiray.training import Run

pydicom = pytest.importorskip("pydicom")
from pydicom.sr.codedict import codes  # noqa: E402

from semiray.generation.dicom import PRIVATE_GROUP, encode_dicom  # noqa: E402

EVENT = "survival == 1 and duration <= 14"


@pytest.fixture(scope="module")
def sample(run: Run) -> Synthetic:
    return generate(run, 6, where=EVENT, seed=2**64 - 1)


def read(content: bytes, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What pydicom reads, with every value looked at; a warning is an error."""
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.RAISE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = pydicom.dcmread(BytesIO(content))
        assert str(dataset)
    return dataset


def test_it_says_everywhere_that_it_is_synthetic(sample: Synthetic, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = read(encode_dicom(sample, 1, "my run"), monkeypatch)
    assert dataset.SOPClassUID.name == "Secondary Capture Image Storage"
    assert (dataset.SyntheticData, dataset.ConversionType) == ("YES", "SYN")
    assert list(dataset.ImageType) == ["DERIVED", "SECONDARY"]
    assert "not a radiograph" in dataset.ImageComments
    assert EVENT in dataset.ImageComments
    assert f"Class: {sample.label_name(1)}." in dataset.ImageComments
    purpose = dataset.ContributingEquipmentSequence[0].PurposeOfReferenceCodeSequence[0]
    known = codes.cid7005.SynthesizingEquipment
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning) == known[:3]
    assert synthetic_mark(encode_dicom(sample, 1, "my run")[:HEAD]) == SYNTHETIC


def test_it_invents_neither_sizes_nor_dates(sample: Synthetic, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = read(encode_dicom(sample, 0, "run"), monkeypatch)
    assert [element.keyword for element in dataset.iterall() if "Spacing" in element.keyword] == []
    assert {element.keyword: element.value for element in dataset.iterall() if element.VR in ("DA", "TM", "DT")} == {
        "StudyDate": "",
        "StudyTime": "",
        "PatientBirthDate": "",
    }


def test_what_was_requested_stands_in_the_private_block(sample: Synthetic, monkeypatch: pytest.MonkeyPatch) -> None:
    block = read(encode_dicom(sample, 3, "my run"), monkeypatch).private_block(PRIVATE_GROUP, "semiray")
    said = [block[number].value for number in range(1, 8)]
    assert said[:5] == ["my run", sample.label_name(3), str(2**64 - 1), "3", EVENT]
    assert said[5] == sample.event_probability
    found = json.loads(said[6])
    assert tuple(found) == sample.names
    assert (np.array(list(found.values()), np.float32) == sample.codes[3]).all()


def test_pixels_come_back_as_they_were(sample: Synthetic, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(len(sample)):
        content = encode_dicom(sample, i, "run")
        assert (read(content, monkeypatch).pixel_array == sample.images[i]).all()
        assert (decode_grey(content)[0] == sample.images[i]).all()
    odd = replace(sample, images=sample.images[:, :31, :31])
    assert (read(encode_dicom(odd, 0, "run"), monkeypatch).pixel_array == odd.images[0]).all()


def test_identifiers_are_those_of_one_image(sample: Synthetic, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [
        encode_dicom(one, i, name) for one in (sample, replace(sample, seed=1)) for i in (0, 1) for name in "ab"
    ]
    sets = [read(content, monkeypatch) for content in contents]
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID"):
        assert len({dataset[keyword].value for dataset in sets}) == 8
    assert all(dataset.SOPInstanceUID.startswith("2.25.") and dataset.SOPInstanceUID.is_valid for dataset in sets)
    assert contents[0] == encode_dicom(sample, 0, "a")


def test_words_that_act_are_written_out(sample: Synthetic, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = replace(sample, classes=("a\x1b[31m\\b", "ø" * 20_000, "c"))
    dataset = read(encode_dicom(odd, 0, "my\nrun \\ ü"), monkeypatch)
    block = dataset.private_block(PRIVATE_GROUP, "semiray")
    assert (block[1].value, block[2].value) == ("my\nrun \\ ü", "a\\x1b[31m\\b")
    assert len(read(encode_dicom(odd, 1, ""), monkeypatch).ImageComments) == 10_240
    late = replace(sample, index=sample.index + 10**15)
    assert read(encode_dicom(late, 0, "run"), monkeypatch).InstanceNumber == 2**31 - 1


def test_they_are_no_data_unless_asked_for(run: Run, data_folder: Path, tmp_path: Path) -> None:
    """Beside real images they, and the manifest, are left out without a word on their headers."""
    (tmp_path / "data").mkdir()
    for folder in data_folder.iterdir():
        (tmp_path / "data" / folder.name).symlink_to(folder)
    write_sample(Request(run, seed=3), 12, tmp_path / "data" / "made", form="dicom")
    mixed = load_radiographs(tmp_path / "data", resolution=32, cache=tmp_path / "cache")
    assert len(mixed) == 108
    assert mixed.summary is not None
    assert mixed.summary.left_out == {"synthetic images": 12, "semiray output": 2}
    assert not any("DICOM" in note for note in mixed.notes)

    made = load_radiographs(tmp_path / "data" / "made", resolution=32, cache=tmp_path / "cache", read_synthetic=True)
    expected = generate(run, 12, seed=3)
    order = np.argsort([int(Path(key).stem) for key in made.keys])
    assert (made.images[order] == expected.images).all()
    assert [made.classes[label] for label in made.labels[order]] == [expected.label_name(i) for i in range(12)]
    assert len(set(made.patients)) == 12
