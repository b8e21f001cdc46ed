import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from semiray.evaluation.judgements.content import Share, _real_pairs, _share, measure_content
from semiray.evaluation.statistics.registration import Registration
from semiray.priors import Factor, JointPrior
from semiray.radiographs import RadiographSet

SIDE = 32
PRIOR = JointPrior(
    [
        Factor("exposure", "uniform", 2, {"low": -1.0, "high": 1.0}),
        Factor("framing", "uniform", 1, {"low": -1.0, "high": 1.0}),
        Factor("opacity", "bernoulli", 1, {"probability": 0.0001}),
        Factor("nothing", "uniform", 1, {"low": -1.0, "high": 1.0}),
    ]
)


class Painter(nn.Module):
    """A patient's blobs; each factor does what its name says."""

    shape = SimpleNamespace(noise=4)

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, z: Tensor, codes: Tensor, _labels: Tensor) -> Tensor:
        line = (torch.arange(SIDE) + 0.5) / SIDE * 2 - 1
        shift = 0.1 * codes[:, 2, None, None]
        x, y = line[None, None, :] + shift, line[None, :, None]
        tilt = 0.2 * z.clamp(-1, 1)
        image = 0.3 * torch.sin(4 * x + 8 * tilt[:, :1, None]) * torch.cos(3 * y + 8 * tilt[:, 1:2, None])
        image = image * (1 + 0.1 * codes[:, 0, None, None]) + 0.1 * codes[:, 1, None, None]
        there = codes[:, 3, None, None] > 10  # standardised: rare
        return (image + 0.4 * (there & ((x - shift) ** 2 + (y - 0.3) ** 2 < 0.05)))[:, None]


def painted() -> Any:
    return SimpleNamespace(path=Path("RUN"), prior=PRIOR, classes=("a", "b"), resolution=SIDE, generator=Painter())


def real(names: str = "real/{}.png", n: int = 40) -> RadiographSet:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, SIDE, SIDE), dtype=np.uint8)
    patients = np.array([f"p{i // 2}" for i in range(n)])
    labels = np.arange(n, dtype=np.int64) // 2 % 2
    return RadiographSet(images, labels, ("a", "b"), patients, tuple(names.format(i) for i in range(n)), ({},) * n, "f")


def test_exposure_and_framing_are_no_content_an_opacity_is_even_where_it_is_rare() -> None:
    seen: list[tuple[int, int]] = []
    result = measure_content(painted(), real(), patients=7, resamples=50, progress=lambda *x: seen.append(x))
    exposure, framing, opacity, nothing = result.factors
    assert [one.name for one in result.factors] == ["exposure", "framing", "opacity", "nothing"]
    assert exposure.share.value < 0.1
    assert framing.share.value < 0.15
    assert opacity.share.value > 0.75
    assert opacity.share.low <= opacity.share.value <= opacity.share.high
    for one in (exposure, framing, opacity):
        assert one.above_pairs.value == pytest.approx(one.share.value - result.pairs.value)
        assert one.change > 1
        assert one.truth is None
    assert nothing.change == 0
    assert math.isnan(nothing.share.value)
    assert result.n_patients == 8
    assert result.examples.shape == (5, 4, SIDE, SIDE)
    assert seen == [(k, 6) for k in range(1, 7)]
    assert result.true_pairs is None
    assert result.n_real_pairs == 8
    assert result.real_pairs is not None


def test_few_real_patients_give_no_figure() -> None:
    result = measure_content(painted(), real(n=20), patients=1, resamples=5)
    assert (result.real_pairs, result.n_real_pairs) == (None, 4)


def test_beside_phantoms_the_truth_of_the_factors_that_they_have(run_maker: Any, tmp_path: Path) -> None:
    data = real("normal/phantom_{}.png")
    prior = JointPrior([*JointPrior.default().factors[:1], Factor("mine", "uniform", 1, {"low": 0.0, "high": 1.0})])
    run, _ = run_maker(tmp_path / "RUN", data, ("a", "b"), prior)
    seen: list[tuple[int, int]] = []
    result = measure_content(run, data, patients=8, resamples=50, progress=lambda *x: seen.append(x))
    survival, mine = result.factors
    assert mine.truth is None
    assert survival.truth is not None
    assert result.true_pairs is not None
    assert 0.9 < survival.truth.low <= survival.truth.high <= 1  # an effusion is neither exposure nor framing
    assert 0.1 < result.true_pairs.value < 0.9
    assert seen[-1][0] == seen[-1][1]


def test_a_share_is_a_ratio_of_sums_with_patients_as_units() -> None:
    none = np.zeros((3, 16, 16), np.float32)
    one = Registration(np.array([10.0, 0.01, 10.0]), np.array([5.0, 0.01, 5.0]), none, none, none, none)
    other = Registration(np.ones(3), np.full(3, 0.2), none, none, none, none)
    draws = np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 3.0]])
    share = _share(draws, one)
    assert share.value == pytest.approx(10.01 / 20.01)
    assert 0.5 <= share.low <= share.high < 0.501
    assert _share(draws, one, other).value == pytest.approx(share.value - 0.2)
    assert isinstance(share, Share)


def test_each_real_patient_is_in_one_pair_of_one_class_at_most() -> None:
    data = real()
    pairs = _real_pairs(data, 100, np.random.default_rng(3))
    assert pairs.shape == (10, 2)
    assert len(set(data.patients[pairs].ravel())) == 20
    assert (data.labels[pairs[:, 0]] == data.labels[pairs[:, 1]]).all()
    assert len(_real_pairs(data, 3, np.random.default_rng(3))) == 3
    assert _real_pairs(data.take(np.arange(0)), 3, np.random.default_rng(3)).shape == (0, 2)
