import csv
import zipfile
from io import BytesIO, StringIO
from typing import Any

import pytest

from semiray.errors import SemirayError
from semiray.explorer.downloads import pack_download
from semiray.generation import Request, generate
from semiray.radiographs.pixels.marks import SYNTHETIC, synthetic_mark
from semiray.training import Run

LINES = {"command": "semiray generate", "python": "import semiray"}


def test_one_image_as_png(known: tuple[Run, Any]) -> None:
    found = pack_download([generate(known[0], 1, start=7)], "png", "a/b", LINES)
    assert (found.name, found.kind) == ("synthetic-a_b-000007.png", "image/png")
    assert synthetic_mark(found.content) == SYNTHETIC


def test_a_zip_has_a_manifest_and_what_made_it_and_the_same_bytes_each_time(known: tuple[Run, Any]) -> None:
    sample = generate(known[0], 3)
    found = pack_download([sample], "zip", "RUN", LINES)
    assert found.content == pack_download([sample], "zip", "RUN", LINES).content
    archive = zipfile.ZipFile(BytesIO(found.content))
    assert archive.namelist() == ["000000.png", "000001.png", "000002.png", "manifest.csv", "made-by.txt"]
    rows = list(csv.DictReader(StringIO(archive.read("manifest.csv").decode())))
    assert [row["file"] for row in rows] == archive.namelist()[:3]
    assert {"label", "seed", "index", "duration[0]"} <= rows[0].keys()
    assert "semiray generate" in archive.read("made-by.txt").decode()


def test_steps_of_one_patient_have_names_of_their_own(known: tuple[Run, Any]) -> None:
    steps = Request(known[0]).variants(5, [{}, {"duration": 1.0}])
    archive = zipfile.ZipFile(BytesIO(pack_download(steps, "zip", "RUN", LINES).content))
    assert archive.namelist()[:2] == ["000005-step-0.png", "000005-step-1.png"]


@pytest.mark.parametrize("form", ["dicom", "dicom-zip"])
def test_dicom(known: tuple[Run, Any], form: str) -> None:
    pydicom = pytest.importorskip("pydicom")
    content = pack_download([generate(known[0], 2)], form, "RUN", LINES).content
    if form == "dicom-zip":
        content = zipfile.ZipFile(BytesIO(content)).read("000000.dcm")
    assert pydicom.dcmread(BytesIO(content)).SyntheticData == "YES"


def test_other_forms_are_refused(known: tuple[Run, Any]) -> None:
    with pytest.raises(SemirayError, match="form=exe"):
        pack_download([generate(known[0], 1)], "exe", "RUN", LINES)
