import numpy as np
import pytest

from semiray.evaluation.statistics.spectrum import radial_spectra, spectrum_distance


def noise(count: int, deviation: float = 20.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(128, deviation, (count, 32, 32)).round().clip(0, 255).astype(np.uint8)


def test_white_noise_is_flat_at_its_variance() -> None:
    spectra = radial_spectra(noise(400)).mean(axis=0)
    window = np.hanning(34)[1:-1]
    level = 10 * np.log10(20**2 * (window**2).mean() ** 2)
    assert spectra.shape == (16,)
    assert np.abs(spectra[2:] - level).max() < 1  # a logarithm's mean lies a little below the mean's logarithm


def test_a_wave_stands_at_its_frequency() -> None:
    wave = 128 + 60 * np.sin(2 * np.pi * 5 * np.arange(32) / 32)
    image = np.broadcast_to(wave, (1, 32, 32)).round().astype(np.uint8)
    assert radial_spectra(image)[0].argmax() == 4  # five cycles


def test_distances() -> None:
    x, y = noise(300), noise(300, seed=1)
    assert spectrum_distance(x, x).value == 0
    assert spectrum_distance(x, y).value < 0.2
    assert spectrum_distance(x, noise(300, 40, seed=1)).value == pytest.approx(6, abs=0.5)  # twice the deviation: 6 dB
    blurred = (x.astype(np.float64) + np.roll(x, 1, axis=1) + np.roll(x, 1, axis=2)) / 3
    assert spectrum_distance(x, blurred.round().astype(np.uint8)).value > 3


@pytest.mark.parametrize("side", [0, 1])
def test_influence_is_what_an_image_adds(side: int) -> None:
    pair = [noise(60), noise(50, 26, seed=1)]
    found = spectrum_distance(*pair)
    influence = (found.of_real, found.of_synthetic)[side]
    points = pair[side]
    changes = []
    for i in range(20):
        pair[side] = np.delete(points, i, axis=0)
        changes.append((found.value - spectrum_distance(*pair).value) * (len(points) - 1))
    np.testing.assert_allclose(changes, influence[:20], atol=1e-6)
