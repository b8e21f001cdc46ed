from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.explorer.uploads import read_upload
from semiray.generation import encode, generate
from semiray.generation.dicom import encode_dicom
from semiray.training import Run


def test_an_image_is_sorted_and_reconstructed(known: tuple[Run, Any], picture: Path) -> None:
    run, said = known[0], list[Any]()
    found = read_upload(run, picture.read_bytes(), picture.name, None, said.append)
    assert np.array_equal(found.codes, encode(run, found.original[None])[0])
    assert sum(found.estimates["probabilities"]) == pytest.approx(1, abs=1e-3)
    assert found.estimates["label"] == run.classes[found.label]
    assert said[0]["codes"] == found.codes.tolist(), "what is known is told before the search"
    assert said[-1] == {"done": 120, "of": 120}
    first, moved = found.images([{}, {"duration": 20.0}])
    assert np.array_equal(first.codes[0], found.codes)
    assert (moved.codes[0, run.prior.slices["duration"]] == 20).all()


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n" + b"0" * 50])
def test_what_is_no_image_is_refused_by_name(known: tuple[Run, Any], content: bytes) -> None:
    with pytest.raises(SemirayError, match=r"bad\\x1b\.png: .+"):
        read_upload(known[0], content, "bad\x1b.png", None, lambda _: None)


def test_a_stopped_search_ends(known: tuple[Run, Any], picture: Path) -> None:
    def stop(said: Any) -> None:
        if "done" in said:
            raise SemirayError("stopped")

    with pytest.raises(SemirayError, match="stopped"):
        read_upload(known[0], picture.read_bytes(), "a.png", "dark", stop)


def test_jpeg_and_dicom_are_read(known: tuple[Run, Any], picture: Path) -> None:
    pytest.importorskip("pydicom")
    jpeg = BytesIO()
    Image.open(picture).save(jpeg, "JPEG")
    contents = [jpeg.getvalue(), encode_dicom(generate(known[0], 1), 0, "RUN")]
    for content in contents:
        steps: list[Any] = []

        def first(said: Any, steps: list[Any] = steps) -> None:
            steps.append(said)
            if "done" in said:
                raise SemirayError("read")

        with pytest.raises(SemirayError, match="read"):
            read_upload(known[0], content, "image", "dark", first)
        assert len(steps[0]["codes"]) == 20
