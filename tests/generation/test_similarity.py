import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import correlate

from semiray.errors import SemirayError
from semiray.generation.similarity import ms_ssim, ssim


def by_definition(x: NDArray[np.float64], y: NDArray[np.float64], data_range: float) -> float:
    """Wang et al. 2004, equations 13 to 17, written down once more, with SciPy and a two-dimensional window."""
    luminance, structure = parts_by_definition(x, y, data_range)
    return float((luminance * structure).mean())


def parts_by_definition(
    x: NDArray[np.float64], y: NDArray[np.float64], data_range: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    place = np.arange(-5, 6)
    window = np.exp(-(place[:, None] ** 2 + place**2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(image: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(correlate(image, window)[5:-5, 5:-5])

    mx, my = mean(x), mean(y)
    vx, vy, both = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * mx * my + c1) / (mx**2 + my**2 + c1)
    structure = (2 * both + c2) / (vx + vy + c2)
    return luminance, structure


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 48), (11, 11)])
def test_is_wang_s_definition(height: int, width: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (3, 1, height, width))
    y = (0.6 * x + 0.4 * rng.uniform(0, 255, x.shape)).round()
    found = ssim(torch.from_numpy(x), torch.from_numpy(y), data_range=255).numpy()
    assert found == pytest.approx([by_definition(a[0], b[0], 255) for a, b in zip(x, y, strict=True)], abs=1e-12)
    assert ((found > 0.3) & (found < 0.95)).all()
    single = ssim(torch.from_numpy(x).float() / 255, torch.from_numpy(y).float() / 255).numpy()
    assert single == pytest.approx(found, abs=1e-5)


def test_known_answers() -> None:
    x = torch.rand(2, 1, 20, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert ssim(x, x).tolist() == pytest.approx([1, 1])
    assert (ssim(x, 1 - x) < 0).all()  # an inverted structure
    flat = torch.full_like(x, 0.25)
    expected = (2 * 0.25 * 0.5 + 1e-4) / (0.25**2 + 0.5**2 + 1e-4)
    assert ssim(flat, 2 * flat).tolist() == pytest.approx([expected, expected])
    assert ssim(x, x[:1])[0] == pytest.approx(1)  # one target for a batch
    assert ssim(x, x[:1])[1] < 0.5


def test_gradient_leads_to_the_target() -> None:
    generator = torch.Generator().manual_seed(1)
    target, x = (torch.rand(1, 1, 16, 16, generator=generator) for _ in range(2))
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(ssim(x, target).sum(), [x])
    assert ssim(x + 0.5 * gradient / gradient.norm(), target) > ssim(x, target)


def test_an_image_smaller_than_the_window_is_refused() -> None:
    small = torch.zeros(1, 1, 10, 32)
    with pytest.raises(SemirayError, match="10 x 32 px"):
        ssim(small, small)


@pytest.mark.parametrize(
    ("side", "weights"), [(16, [0.0448]), (48, [0.0448, 0.2856, 0.3001]), (64, [0.0448, 0.2856, 0.3001])]
)
def test_multi_scale_is_wang_s_definition(side: int, weights: list[float]) -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 255, (2, 1, side, side))
    y = 0.6 * x + 0.4 * rng.uniform(0, 255, x.shape)
    expected = []
    for a, b in zip(x[:, 0], y[:, 0], strict=True):
        value = 1.0
        for j, weight in enumerate(weights):
            luminance, structure = parts_by_definition(a, b, 255)
            last = j == len(weights) - 1
            value *= float((luminance * structure if last else structure).mean()) ** (weight / sum(weights))
            a, b = (image.reshape(len(image) // 2, 2, -1, 2).mean(axis=(1, 3)) for image in (a, b))
        expected.append(value)
    found = ms_ssim(torch.from_numpy(x), torch.from_numpy(y), data_range=255)
    assert found.numpy() == pytest.approx(expected, abs=1e-9)
    assert ms_ssim(torch.from_numpy(x), torch.from_numpy(x), data_range=255).numpy() == pytest.approx(1)
    against = ms_ssim(torch.from_numpy(x), torch.from_numpy(255 - x), data_range=255)  # structures are opposites
    assert torch.equal(against, torch.zeros(2, dtype=torch.float64))
