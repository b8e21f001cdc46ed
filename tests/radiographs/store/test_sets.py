from __future__ import annotations

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.radiographs.pixels.decoding import Decoder
from semiray.radiographs.reading.options import ReadingOptions
from semiray.radiographs.reading.readers import read_records
from semiray.radiographs.store.decoded import write_decoded
from semiray.radiographs.store.sets import check_options, fill, open_set

OPTIONS = ReadingOptions(label_from="[NP]", patient_from=r"(\d)\.png")


@pytest.fixture
def decoder(tmp_path, draw):
    for i in range(12):
        draw(tmp_path / "data" / "NP"[i % 2] / f"{i:02d}.png", seed=i)
    (tmp_path / "data" / "N" / "broken.png").write_bytes(b"no image")
    return Decoder(read_records(tmp_path / "data", OPTIONS), 16)


def test_a_set_is_read_from_disk_and_says_what_it_was_made_from(decoder, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    fill(folder, decoder, OPTIONS)
    stored = open_set(folder, resolution=16, framing="crop", verify=True)
    data = stored.radiographs
    for values in (data.images, data.labels, data.patients, data.patient_codes):
        assert isinstance(values, np.memmap)
        assert not values.flags.writeable
    keys = [record.key for record in decoder.listing.records if "broken" not in record.key]
    assert list(data.keys) == keys
    assert [data.classes[label] for label in data.labels] == [key[0] for key in keys]
    assert data.patients.tolist() == [key[-5] for key in keys]
    names, codes = np.unique(data.patients, return_inverse=True)
    np.testing.assert_array_equal(data.patient_codes, codes)
    assert len(names) == 10
    assert (data.options, stored.resolution) == (OPTIONS.model_copy(update={"framing": "crop"}), 16)
    assert [(file.key, bool(file.problem)) for file in stored.files if file.problem] == [("N/broken.png", True)]
    assert [key for key, _ in data.skipped] == ["N/broken.png"]


def test_pixels_that_are_there_are_not_decoded_again(decoder, tmp_path, monkeypatch):
    folder = tmp_path / "set"
    folder.mkdir()
    write_decoded(folder, decoder, decoder.identify()[1])
    monkeypatch.setattr(Decoder, "decode", lambda *_: pytest.fail("decoded again"))
    fill(folder, decoder, OPTIONS)
    assert len(open_set(folder).radiographs) == 12


def test_other_options_are_refused(tmp_path):
    check_options(tmp_path, OPTIONS, OPTIONS)
    check_options(tmp_path, OPTIONS, ReadingOptions())
    with pytest.raises(SemirayError, match=r"fixed when it was prepared \(label_column not given\)"):
        check_options(tmp_path, OPTIONS, ReadingOptions(label_column="diagnosis"))
