"""Cheap figures on validation patients: they tell real images from noise, and leave training alone."""

import numpy as np
import pytest
import torch
from torch import Tensor

from semiray.networks import NetworkShape
from semiray.priors import JointPrior
from semiray.training.watch import LabelledImages, Watch, frechet_distance

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classifiers of a second."""
    monkeypatch.setattr("semiray.training.watch.STEPS", 40)


def bars(count: int, seed: int) -> LabelledImages:
    """Images (count, 32, 32) with a bright bar, level or upright by class, on noise."""
    draws = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = draws.integers(0, 120, (count, 32, 32))
    for image, label, place in zip(images, labels, draws.integers(4, 24, count), strict=True):
        (image.T if label else image)[place : place + 5] += 120
    return LabelledImages(torch.from_numpy(images.astype(np.uint8)), torch.from_numpy(labels))


class Painter:
    """A generator of images of bars, of noise, or of bars of the other class."""

    def __init__(self, kind: str) -> None:
        self.kind, self.shape, self.calls = kind, NetworkShape(resolution=32, codes=20, classes=2, noise=4), 0

    def __call__(self, z: Tensor, codes: Tensor, labels: Tensor) -> Tensor:
        assert codes.shape == (len(z), 20)
        if self.kind == "noise":
            return torch.rand(len(z), 1, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
        of_class = [bars(2 * len(z), 7).images[label::2] for label in (0, 1)]
        asked = labels if self.kind == "bars" else 1 - labels
        return torch.stack([of_class[int(label)][i] for i, label in enumerate(asked)])[:, None] / 127.5 - 1


@pytest.mark.parametrize("classes", [2, 0])
def test_real_images_come_near_the_floor_and_noise_does_not(classes: int) -> None:
    training, validation = bars(240, 0), bars(100, 1)
    if not classes:
        training, validation = (part._replace(labels=torch.zeros_like(part.labels)) for part in (training, validation))
    watch = Watch(JointPrior.default(), classes, training, validation, CPU)
    if classes:
        real, noise, wrong = (watch.measure(Painter(kind)) for kind in ("bars", "noise", "swapped"))  # type: ignore[arg-type]
        assert (watch.trtr or 0) > 0.9
        assert (real.tstr or 0) > 0.9
        assert (noise.tstr or 1) < 0.7
        assert (wrong.tstr or 0) < 0.1
        assert wrong.distance > 1.3 * real.distance
    else:
        painter = Painter("bars")
        real, noise = watch.measure(painter), watch.measure(Painter("noise"))  # type: ignore[arg-type]
        assert watch.trtr is None
        assert real.tstr is None
    assert real.distance < 2 * watch.floor
    assert noise.distance > 10 * watch.floor


def test_the_same_generator_gives_the_same_figures_and_no_random_number_is_used_up() -> None:
    found = []
    for _ in range(2):
        before = torch.get_rng_state()
        watch = Watch(JointPrior.default(), 2, bars(80, 0), bars(40, 1), CPU)
        found.append((watch.floor, watch.trtr, watch.measure(Painter("noise"))))  # type: ignore[arg-type]
        assert torch.equal(torch.get_rng_state(), before)
        torch.rand(3)
    assert found[0] == found[1]


def test_the_distance_of_normal_distributions_is_known() -> None:
    points = np.random.default_rng(0).standard_normal((4000, 3))
    assert frechet_distance(points, points) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(points, 2 * points + 1) == pytest.approx(3 + 3, rel=0.05)
