"""What a sample shows in a notebook."""

import base64
import io
import re

import numpy as np
from PIL import Image

from semiray.generation import generate
from semiray.training import Run


def test_a_sample_shows_images_counts_event_and_what_is_assumed(run: Run) -> None:
    sample = generate(run, 9, where="duration <= 14")
    page = sample._repr_html_()
    assert "9 generated images, not radiographs of patients" in page
    assert "bacteria 3, normal 3, virus 3" in page
    assert "Event: duration &lt;= 14, probability 0.7" in page
    assert "Assumed factors, grounded on no image: survival, duration, presentation, texture." in page
    found = re.search(r"base64,([^']+)'", page)
    assert found is not None
    with Image.open(io.BytesIO(base64.b64decode(found[1]))) as sheet:
        assert sheet.width > 200


def test_without_classes_and_without_images(unlabelled_run: Run) -> None:
    sample = generate(unlabelled_run, 3)
    assert "Classes" not in sample._repr_html_()
    assert "<img" not in sample.take(np.zeros(3, bool))._repr_html_()
