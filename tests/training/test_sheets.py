"""Sheets show real above generated images, or generated ones alone; they are marked and disturb no random state."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from semiray.networks import NetworkShape, build_networks
from semiray.priors import JointPrior
from semiray.training.sheets import COLUMNS, PAGE_COLUMNS, progress_sheet, run_page, sample_sheet, save_sheet

PRIOR = JointPrior.default()
GENERATOR = build_networks("residual", NetworkShape(32, PRIOR.dimensions, 2, noise=8, width=4, widest=8, embedding=4))[
    0
].eval()


def test_the_page_holds_facts_and_images_and_no_markup_of_its_data() -> None:
    page = run_page("runs/<a>", {"classes": "a & b"}, GENERATOR, PRIOR, ("a", "<b>"))
    for words in ("runs/&lt;a&gt;", "a &amp; b", "one row per class: a, &lt;b&gt;"):
        assert words in page, words
    assert "<b>'" not in page
    image = re.search(r"base64,([^']+)", page)
    assert image is not None
    with Image.open(io.BytesIO(base64.b64decode(image.group(1)))) as sheet:
        assert sheet.size == (PAGE_COLUMNS * 32, 2 * 32)


def test_a_sheet_is_the_same_each_time_and_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    one, other = sample_sheet(GENERATOR, PRIOR, 2), sample_sheet(GENERATOR, PRIOR, 2)
    assert np.array_equal(one, other)
    assert torch.equal(before, torch.get_rng_state())
    assert sample_sheet(GENERATOR, PRIOR, 0).shape == (32, PAGE_COLUMNS * 32)


def test_rows_mark_and_random_state(tmp_path: Path) -> None:
    prior = JointPrior.default()
    shape = NetworkShape(32, prior.dimensions, classes=2, noise=4, width=4, widest=8, embedding=4)
    generator = build_networks("residual", shape)[0].eval()
    images = torch.full((5, 32, 32), 77, dtype=torch.uint8)
    state = torch.get_rng_state()
    sheet = progress_sheet(generator, prior, [images[:3], images[3:]])
    assert torch.equal(torch.get_rng_state(), state)
    assert sheet.shape == (2 * 3 * 32, COLUMNS * 32)
    assert (sheet[:32, : 3 * 32] == 77).all()
    save_sheet(sheet, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.info["Synthetic"] == "in part"
        assert "REAL TRAINING IMAGES" in image.info["Description"]
