"""Power spectra: known answers, and influence by finite differences."""

import numpy as np
import pytest

from semiray.evaluation.statistics.spectrum import lung_spectra, radial_spectra, spectrum_distance
from semiray.radiographs.pixels.asymmetry import LUNGS


def noise(count: int, deviation: float = 20.0, seed: int = 0, side: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).normal(128, deviation, (count, side, side)).round().clip(0, 255).astype(np.uint8)


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


def test_spectrum_distances() -> None:
    x, y = noise(300), noise(300, seed=1)
    assert spectrum_distance(x, x).value == 0
    assert spectrum_distance(x, y).value < 0.2
    assert spectrum_distance(x, noise(300, 40, seed=1)).value == pytest.approx(6, abs=0.5)  # twice the deviation: 6 dB
    blurred = (x.astype(np.float64) + np.roll(x, 1, axis=1) + np.roll(x, 1, axis=2)) / 3
    assert spectrum_distance(x, blurred.round().astype(np.uint8)).value > 3


@pytest.mark.parametrize("side", [0, 1])
def test_spectrum_influence_is_what_an_image_adds(side: int) -> None:
    pair = [noise(60), noise(20, 26, seed=1)]
    found = spectrum_distance(*pair)
    influence = (found.of_real, found.of_synthetic)[side]
    points = pair[side]
    changes = []
    for i in range(20):
        pair[side] = np.delete(points, i, axis=0)
        changes.append((found.value - spectrum_distance(*pair).value) * (len(points) - 1))
    np.testing.assert_allclose(changes, influence[:20], atol=1e-6)


@pytest.mark.parametrize("side", [32, 64, 128])
def test_white_noise_is_flat_in_the_lungs(side: int) -> None:
    spectra = lung_spectra(noise(60, side=side))
    assert spectra.shape == (60, 8)
    assert np.ptp(spectra.mean(axis=0)) < (2.5 if side == 32 else 1)  # few waves fit a small window's lowest band
    louder = lung_spectra(noise(60, 40, side=side))
    assert louder.mean(axis=0) - spectra.mean(axis=0) == pytest.approx(np.full(8, 20 * np.log10(2)), abs=0.5)


@pytest.mark.parametrize("band", range(1, 8))
@pytest.mark.parametrize("direction", [0, 1])
def test_a_wave_in_the_lungs_stands_in_its_band(band: int, direction: int) -> None:
    cycles = (band + 0.5) / 16  # of a pixel: the bands end at half a cycle
    wave = 128 + 60 * np.sin(2 * np.pi * cycles * np.arange(64) + 0.3)
    image = np.broadcast_to(wave if direction else wave[:, None], (1, 64, 64)).round().astype(np.uint8)
    assert lung_spectra(image)[0].argmax() == band


def test_a_blur_lowers_the_upper_bands() -> None:
    sharp = noise(20, side=64).astype(np.float64)
    blurred = sum(np.roll(sharp, (i, j), axis=(1, 2)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
    lost = lung_spectra(noise(20, side=64)) - lung_spectra(blurred.round().astype(np.uint8))
    assert (np.diff(lost.mean(axis=0)[:5]) > 0.5).all()
    assert lost[:, 5:].mean() > 10


def test_only_the_lungs_count_and_brightness_does_not() -> None:
    image = noise(2, side=64)
    elsewhere = noise(2, 60, seed=1, side=64)
    for top, left, bottom, right in LUNGS:
        rows, columns = slice(int(top * 64), int(bottom * 64)), slice(int(left * 64), int(right * 64))
        elsewhere[:, rows, columns] = image[:, rows, columns] + 7
    np.testing.assert_allclose(lung_spectra(elsewhere), lung_spectra(image), atol=1e-9)
