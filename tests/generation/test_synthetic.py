"""What every generated image says of itself, and what a sample shows in a notebook."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from semiray.generation import generate
from semiray.generation.synthetic import (
    WARNING,
    describe_image,
    encode_image,
    file_name,
    manifest_head,
    manifest_row,
    metadata_row,
)
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


def test_a_file_says_that_it_is_synthetic_and_what_was_requested(run: Run) -> None:
    sample = generate(run, 4, where="survival == 1", seed=3)
    with Image.open(io.BytesIO(encode_image(sample, 2, "RUN"))) as image:
        assert (np.asarray(image) == sample.images[2]).all()
        said = image.info
    assert (said["Synthetic"], said["Comment"], said["Run"]) == ("true", WARNING, "RUN")
    assert (said["Seed"], said["Index"], said["Event"]) == ("3", "2", "survival == 1")
    tree = describe_image(sample, 2, "RUN")
    assert json.loads(said["Codes"]) == tree["codes"]
    assert np.float32(list(tree["codes"].values())).tolist() == sample.codes[2].tolist()


def test_a_row_of_the_manifest_names_file_class_codes_seed_and_index(run: Run, unlabelled_run: Run) -> None:
    sample = generate(run, 4, seed=3)
    file = file_name(sample, 1, run.classes, ".png")
    assert file == "normal/000001.png"
    row = dict(zip(manifest_head(sample.names), manifest_row(sample, 1, file), strict=True))
    assert (row["file"], row["label"], row["seed"], row["index"]) == (file, "normal", "3", "1")
    assert np.float32(row["duration[0]"]) == sample.codes[1, run.prior.slices["duration"].start]
    columns = metadata_row(sample, 1, file)
    assert columns["duration[0]"] == pytest.approx(float(row["duration[0]"]), rel=1e-6)
    assert (columns["file_name"], columns["label"], columns["seed"], columns["synthetic"]) == (file, "normal", 3, True)
    assert metadata_row(generate(unlabelled_run, 1), 0, "x")["label"] is None
    assert file_name(generate(unlabelled_run, 1), 0, (), ".png") == "000000.png"
