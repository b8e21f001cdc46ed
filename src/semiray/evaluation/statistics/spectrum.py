"""Power spectra of images: of whole ones, for a distance, and of the lungs' region, for texture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semiray.evaluation.statistics.intervals import Comparison
from semiray.radiographs.pixels.asymmetry import LUNGS

__all__ = ["BANDS", "lung_spectra", "radial_spectra", "spectrum_distance"]

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]
FLOOR = 1e-3  # grey levels squared, less than rounding adds: so that a uniform image has a logarithm, too
TRANSFORMED_AT_ONCE = 2**21  # pixels
BANDS = 8


def radial_spectra(images: Images) -> Floats:
    """The power of each image at each spatial frequency, averaged over directions, in decibels.

    Generators leave traces in high frequencies that no eye sees but a classifier finds (Durall et al. 2020, arXiv
    2003.01826, whose radial average this is).

    Args:
        images: (N, H, H) uint8.

    Returns:
        (N, H // 2) float64: 10 log10 of the mean squared Fourier coefficient (per pixel, in grey levels) at 1, 2, ...
        H / 2 cycles per side. The mean is left out.
    """
    side = images.shape[1]
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side, 1 / side), np.fft.rfftfreq(side, 1 / side), indexing="ij"))
    return _decibels(_mean_powers(images, frequency.round().astype(np.int64) - 1, side // 2))


def lung_spectra(images: Images, bands: int = BANDS) -> Floats:
    """The power of texture inside the lungs' region, averaged over directions and both lungs, in decibels.

    The region is the fixed one of `LUNGS`, each rectangle under a Hann window and without its mean: edges of the body
    and of the image, which hold most of the power, lie outside.

    Args:
        images: (N, H, H) uint8, upright and framed to the chest, H at least 32.
        bands: Radial frequency bands K of equal width, which end at half a cycle per pixel.

    Returns:
        (N, K) float64: 10 log10 of the mean squared Fourier coefficient (per pixel, in grey levels) of each band.
    """
    side, powers = images.shape[1], np.zeros((len(images), bands))
    for top, left, bottom, right in (np.round(side * np.array(LUNGS))).astype(np.int64):
        height, width = bottom - top, right - left
        frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(height), np.fft.rfftfreq(width), indexing="ij"))
        band = np.ceil(frequency * 2 * bands - 1e-9).astype(np.int64) - 1
        powers += _mean_powers(images[:, top:bottom, left:right], band, bands) / len(LUNGS)
    return _decibels(powers)


def spectrum_distance(real: Images, synthetic: Images) -> Comparison:
    """Mean absolute difference of the two mean spectra over frequencies, in decibels; images (N, H, H), (M, H, H)."""
    x, y = radial_spectra(real), radial_spectra(synthetic)
    apart = x.mean(axis=0) - y.mean(axis=0)
    sign = np.sign(apart) / len(apart)
    return Comparison(float(np.abs(apart).mean()), (x - x.mean(axis=0)) @ sign, (y.mean(axis=0) - y) @ sign)


def _decibels(powers: Floats) -> Floats:
    return np.asarray(10 * np.log10(powers + FLOOR))


def _mean_powers(images: Images, ring: NDArray[np.int64], count: int) -> Floats:
    """The mean power (N, count) of images (N, h, w) over the coefficients of every ring.

    ``ring`` (h, w // 2 + 1) names the ring of each coefficient of `numpy.fft.rfft2`, from 0; others are left out. The
    mean of an image is removed and a Hann window laid over it: without it, the image's edges would dominate.
    """
    height, width = images.shape[1:]
    rows, columns = np.hanning(height + 2)[1:-1, None], np.hanning(width + 2)[1:-1]
    used = (ring >= 0) & (ring < count)
    sizes = np.bincount(ring[used], minlength=count)
    means = []
    some = max(1, TRANSFORMED_AT_ONCE // (height * width))
    for first in range(0, len(images), some):
        pixels = images[first : first + some].astype(np.float64)
        centred = (pixels - pixels.mean(axis=(1, 2), keepdims=True)) * rows * columns
        power = np.abs(np.fft.rfft2(centred))[:, used] ** 2 / (height * width)
        means += [np.bincount(ring[used], weights=row, minlength=count) / sizes for row in power]
    return np.stack(means)
