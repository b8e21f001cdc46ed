"""The sizes that a pair of networks agrees on."""

import pytest
from torch import nn

from semiray.errors import SemirayError
from semiray.networks import NetworkShape
from semiray.networks.shape import keep_variance, stage_resolutions, stage_widths


def test_stages_lead_from_four_pixels_to_half_the_image() -> None:
    assert stage_resolutions(64) == [4, 8, 16, 32]
    assert stage_widths(NetworkShape(64, 1, width=32, widest=128)) == [128, 128, 64, 32]


def test_errors_name_what_is_offered() -> None:
    with pytest.raises(SemirayError, match=r"48.*32, 64, 128, 256, 512"):
        NetworkShape(48, 20)


def test_weights_keep_the_variance() -> None:
    layer = nn.Linear(512, 512)
    keep_variance(layer)
    assert float(layer.weight.std()) == pytest.approx((2 / 1.04 / 512) ** 0.5, rel=0.02)
    assert not layer.bias.any()
