"""The networks of feature spaces; those that need a package or weights are tested by name, in test_feature_spaces."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semiray.errors import SemirayError
from semiray.evaluation.judges.feature_networks import DenseNet121, rad_dino_step, xrv_step


def test_densenet_has_the_published_size() -> None:
    torch.manual_seed(0)
    network = DenseNet121()
    assert sum(part.numel() for part in network.parameters()) == 6_947_584  # the published 6,953,856 for one channel
    assert network.eval()(torch.rand(2, 1, 64, 64)).shape == (2, 1024)


def test_grey_levels_reach_the_network_in_its_own_range_and_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = DenseNet121().eval()
    save_file(network.state_dict(), tmp_path / "xrv.safetensors")
    images = torch.randint(0, 256, (2, 224, 224), dtype=torch.uint8)
    with torch.inference_mode():
        found = xrv_step(tmp_path / "xrv.safetensors", torch.device("cpu"))(images)
        expected = network((2 * (images[:, None] / 255) - 1) * 1024)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_a_folder_that_is_not_rad_dino_is_named(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="the extra semiray[spaces] isn't installed")
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(SemirayError, match="does not hold RAD-DINO"):
        rad_dino_step(tmp_path, torch.device("cpu"))
