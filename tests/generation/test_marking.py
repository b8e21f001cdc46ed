"""What every generated image says of itself."""

import io
import json

import numpy as np
from PIL import Image

from semiray.generation import generate
from semiray.generation.marking import (
    WARNING,
    describe_image,
    encode_image,
    manifest_head,
    manifest_row,
    png_name,
)
from semiray.training import Run


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
    file = png_name(sample, 1, run.classes)
    assert file == "normal/000001.png"
    row = dict(zip(manifest_head(sample.names), manifest_row(sample, 1, file), strict=True))
    assert (row["file"], row["label"], row["seed"], row["index"]) == (file, "normal", "3", "1")
    assert np.float32(row["duration[0]"]) == sample.codes[1, run.prior.slices["duration"].start]
    assert png_name(generate(unlabelled_run, 1), 0, ()) == "000000.png"
