from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from semiray.evaluation.judgements.effect import measure_effect, traversal_ends
from semiray.priors import Factor, JointPrior

SIDE = 16
PRIOR = JointPrior(
    [
        Factor("texture", "uniform", 2, {"low": -1.0, "high": 1.0}),
        Factor("survival", "bernoulli", 1, {"probability": 0.02}),
    ]
)


class Painter(nn.Module):
    """Texture[0] moves the upper half by 0.1 a standard deviation, survival the whole; texture[1] does nothing."""

    shape = SimpleNamespace(noise=4)

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, z: Tensor, codes: Tensor, _labels: Tensor) -> Tensor:
        image = torch.zeros(len(z), 1, SIDE, SIDE)
        image += 0.2 * z[:, :1, None, None].clamp(-1, 1) + 0.01 * codes[:, 2, None, None, None]
        image[:, :, : SIDE // 2] += 0.1 * codes[:, 0, None, None, None]
        return image


def painted(classes: tuple[str, ...] = ("a", "b", "c")) -> Any:
    return SimpleNamespace(path=Path("RUN"), prior=PRIOR, classes=classes, resolution=SIDE, generator=Painter())


def test_the_change_is_known_and_lies_where_it_lies() -> None:
    result = measure_effect(painted(), patients=10, seed=3)
    assert result.n_patients == 12
    texture, companion, survival = result.dimensions
    moved = 127.5 * 0.1 * 1.8 / np.sqrt(1 / 3)  # -0.9 to 0.9, of deviation 1 / sqrt 3
    assert texture.value == pytest.approx(moved / 2, abs=0.3)
    assert result.maps[0, : SIDE // 2] == pytest.approx(moved, abs=0.6)
    assert not result.maps[0, SIDE // 2 :].any()
    assert (companion.value, companion.low, companion.high) == (0, 0, 0)
    assert survival.value == pytest.approx(127.5 * 0.01 / np.sqrt(0.02 * 0.98), abs=0.6)
    assert texture.low <= texture.value <= texture.high
    assert result.between > 1
    assert result.mean_image == pytest.approx(127.5, abs=40)


def test_a_rare_value_is_an_end_of_its_traversal_all_the_same() -> None:
    assert traversal_ends(PRIOR, "survival[0]") == (0, 1)
    assert traversal_ends(PRIOR, "texture[1]") == pytest.approx((-0.9, 0.9))


@pytest.mark.parametrize("classes", [(), ("a",), ("a", "b", "c")])
def test_every_class_has_two_patients_at_least_and_progress_ends(classes: tuple[str, ...]) -> None:
    seen: list[tuple[int, int]] = []
    result = measure_effect(painted(classes), patients=1, progress=lambda *x: seen.append(x))
    assert result.n_patients == 2 * max(1, len(classes))
    assert seen == [(1, 3), (2, 3), (3, 3)]
