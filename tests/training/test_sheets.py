"""The progress sheet shows real above generated images, is marked synthetic, and disturbs no random state."""

from pathlib import Path

import torch
from PIL import Image

from semiray.networks import NetworkShape, build_networks
from semiray.priors import JointPrior
from semiray.training.sheets import COLUMNS, progress_sheet


def test_rows_mark_and_random_state(tmp_path: Path) -> None:
    prior = JointPrior.default()
    shape = NetworkShape(32, prior.dimensions, classes=2, noise=4, width=4, widest=8, embedding=4)
    generator = build_networks("residual", shape)[0].eval()
    images = torch.full((5, 32, 32), 77, dtype=torch.uint8)
    state = torch.get_rng_state()
    sheet = progress_sheet(generator, prior, [images[:3], images[3:]])
    assert torch.equal(torch.get_rng_state(), state)
    assert sheet.pixels.shape == (2 * 3 * 32, COLUMNS * 32)
    assert (sheet.pixels[:32, : 3 * 32] == 77).all()
    sheet.save(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.info["Synthetic"] == "in part"
        assert "REAL TRAINING IMAGES" in image.info["Description"]
