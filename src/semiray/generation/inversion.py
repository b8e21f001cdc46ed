"""Find the noise from which a generator makes an image, and what noise alone cannot express of this patient.

No noise (64 numbers) gives a real image exactly. So there are two searches (Abdal et al. 2019, arXiv 1904.03189, search
more than noise for StyleGAN; Roich et al. 2021, arXiv 2106.05744, tune the generator around a pivot):

1. for noise, from several starts at once;
2. for *offsets* under that noise: constants added to the outputs of the generator's fully connected layers, and to its
   feature maps up to a quarter of the image's side. Convolutions stay as trained.

A Gaussian prior holds both near what the generator was trained with. Codes stay as estimated.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from semiray.errors import SemirayError
from semiray.generation.sampling import BLOCK, draw_block, render
from semiray.generation.similarity import ssim
from semiray.networks import Generator

if TYPE_CHECKING:
    from semiray.training.run import Run

__all__ = ["Inversion", "invert"]

CANDIDATES = 512  # noises rendered before the search, which fit the encoder and compete with its answer
STARTS = 4
STEPS = (40, 80)  # of the search for noise, of that for offsets
NOISE_RATE, OFFSET_RATE = 0.1, 0.02  # Adam's first step sizes
PRIOR = 1e-3  # weight of |z|² + |offsets|²
PIXELS, PYRAMID, LEVELS = 10.0, 2.0, 3  # weights of squared error and Laplacian pyramid; the weight of 1 - SSIM is 1
MAPS = 4  # offsets are added to feature maps of at most the image's side over this
RIDGE = 0.03  # of the encoder, as a share of the mean squared norm of the candidates' images


@dataclass(frozen=True)
class Inversion:
    """What one image is made from, as far as the generator can make it.

    Attributes:
        run: the run, with a generator of the patient's own: a copy whose offsets were fitted.
        offset: root mean square of the offsets, 0 where there are none.
        noise_ssim: the SSIM that noise alone reached, before the search for offsets.
    """

    run: Run
    z: NDArray[np.float32]
    label: int
    offset: float
    noise_ssim: float

    def render(self, codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Images (S, H, W) uint8 of this patient under codes (S, M) in the factors' own units."""
        z = torch.from_numpy(self.z).expand(len(codes), -1)
        return render(self.run, z, torch.from_numpy(codes), np.full(len(codes), self.label, np.int64))


def invert(
    run: Run,
    image: NDArray[np.uint8],
    codes: NDArray[np.float32],
    label: int,
    *,
    seed: int = 0,
    steps: tuple[int, int] = STEPS,
    progress: Callable[[int, int], None] | None = None,
) -> Inversion:
    """Search for the noise and the offsets with which the generator gives an image; codes and class are given.

    The loss is (1 - SSIM) + 10 (mean squared error) + 2 (mean absolute error of a Laplacian pyramid's levels, summed) +
    0.001 (|z|² + |offsets|²), of images in [0, 1]. The search starts from the noise that a linear encoder estimates
    (ridge regression, fitted to 512 generated images of these codes and this class) and those of the nearest images.

    Args:
        run: A trained run, whose device computes; its generator is copied, never changed.
        image: (H, W) uint8 at the run's resolution.
        codes: (M,) float32 in the factors' own units.
        label: Position in ``run.classes``; -1 where there are none.
        seed: Of the 512 noises, those of `semiray.generation.generate`.
        steps: Steps of the search for noise, and of that for offsets.
        progress: Called with (steps done, steps).

    Raises:
        SemirayError: The generator gives values that are not finite.
    """

    def told(first: int) -> Callable[[int], None]:
        return lambda step: None if progress is None else progress(first + step, sum(steps))

    search = _Search(run, image, codes, label)
    z = search.starts(seed)
    losses = search.fit_noise(z, steps[0], told(0))
    if not bool(torch.isfinite(losses).all()):
        raise SemirayError(f"{run.path}: the generator gives values that are not finite; the run can't be used.")
    best = z.detach()[losses.argmin()][None].clone()
    with torch.no_grad():
        noise_ssim = float(ssim(search.make(best), search.target))
    size, count = search.fit_offsets(best, steps[1], told(steps[0]))
    own = replace(run, generator=search.generator)
    return Inversion(own, best[0].cpu().numpy(), label, math.sqrt(float(size) / max(1, count)), noise_ssim)


class _Search:
    """One image's inversion on the run's device: its target, its codes and class, and a generator of its own."""

    def __init__(self, run: Run, image: NDArray[np.uint8], codes: NDArray[np.float32], label: int) -> None:
        self.run, self.device = run, next(run.generator.parameters()).device
        self.target = torch.from_numpy(image.astype(np.float32) / 255).to(self.device)[None, None]
        self.generator = copy.deepcopy(run.generator).requires_grad_(False)
        self.codes = run.prior.standardise(torch.from_numpy(codes)).float().to(self.device)[None]
        self.label = torch.tensor([max(label, 0)]).to(self.device)

    def make(self, z: Tensor) -> Tensor:
        """Images (B, 1, H, W) in [0, 1] of noise (B, Z)."""
        with torch.autocast(self.device.type, enabled=False):
            images: Tensor = self.generator(z, self.codes.expand(len(z), -1), self.label.expand(len(z)))
        return (images.float() + 1) / 2

    def loss(self, z: Tensor) -> Tensor:
        """The loss of noise (B, Z), without the offsets' part; (B,)."""
        return _unlikeness(self.make(z), self.target) + PRIOR * z.square().sum(dim=1)

    def starts(self, seed: int) -> Tensor:
        """Noise to start from, (STARTS, Z): the linear encoder's, then that of the nearest candidates."""
        blocks = [draw_block(self.run, self.run.prior, seed, block)[0] for block in range(CANDIDATES // BLOCK)]
        with torch.no_grad():
            made = torch.cat([self.make(z.to(self.device)) for z in blocks])
            z = torch.cat(blocks).to(self.device)
            nearest = (made - self.target).square().mean(dim=(1, 2, 3)).argsort(stable=True)[: STARTS - 1]
            encoded = _encode(made.flatten(1), z, self.target.flatten(1))
            return torch.cat([encoded, z[nearest]]).requires_grad_()

    def fit_noise(self, z: Tensor, steps: int, told: Callable[[int], None]) -> Tensor:
        """Change noise (B, Z) so that the loss falls; the losses (B,) at the end."""
        _descend(lambda: self.loss(z).sum(), [z], NOISE_RATE, steps, told)
        with torch.no_grad():
            return self.loss(z)

    def fit_offsets(self, z: Tensor, steps: int, told: Callable[[int], None]) -> tuple[Tensor, int]:
        """Fit the generator's offsets with noise (1, Z) given; their sum of squares, and their number."""
        offsets = [*_free_biases(self.generator), *_free_maps(self.generator, lambda: self.make(z))]
        trained = [offset.detach().clone() for offset in offsets]

        def size() -> Tensor:
            return torch.stack([(a - b).square().sum() for a, b in zip(offsets, trained, strict=True)]).sum()

        _descend(lambda: self.loss(z).sum() + PRIOR * size(), offsets, OFFSET_RATE, steps, told)
        self.generator.requires_grad_(False)
        return size(), sum(offset.numel() for offset in offsets)


def _encode(made: Tensor, z: Tensor, target: Tensor) -> Tensor:
    """Noise (1, Z) of a target (1, P), by ridge regression of noise (N, Z) on the pixels (N, P) of generated images.

    There are fewer images than pixels: the regression is solved in its dual form, in double precision.
    """
    device = z.device
    if device.type == "mps":  # Apple's GPUs have no double precision
        made, z, target = made.cpu(), z.cpu(), target.cpu()
    x, z_mean = made.double(), z.double().mean(dim=0)
    x_mean = x.mean(dim=0)
    gram = (x - x_mean) @ (x - x_mean).T
    # If all images are alike, as those of an untrained generator, the encoder gives the mean.
    ridge = (RIDGE * gram.diagonal().mean()).clamp(min=1e-9) * torch.eye(len(gram)).to(gram)
    weights = torch.linalg.solve(gram + ridge, z.double() - z_mean)
    encoded: Tensor = (target.double() - x_mean) @ (x - x_mean).T @ weights + z_mean
    return encoded.float().to(device)


def _free_biases(generator: Generator) -> list[Tensor]:
    """The biases of fully connected layers, to be fitted: an offset of a layer's output is a change of its bias."""
    free: list[Tensor] = []
    for layer in generator.modules():
        if isinstance(layer, nn.Linear):
            old = layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias.detach()
            layer.bias = nn.Parameter(old.clone())
            free.append(layer.bias)
    return free


def _free_maps(generator: Generator, make: Callable[[], Tensor]) -> list[Tensor]:
    """Offsets to be fitted on feature maps up to a quarter of the image's side; ``make`` runs the generator once.

    Larger maps are nearly pixels: an image painted on them would stay whatever the codes say. Offsets start from zero,
    or from what a patient's own generator has.
    """
    modules = [m for i, m in enumerate(generator.maps) if 8 * 2**i <= generator.shape.resolution // MAPS]
    for module in modules:
        if not hasattr(module, "offset"):
            module.register_parameter("offset", None)
            module.register_forward_hook(_add_offset)
    with torch.no_grad():
        make()
    return [module.get_parameter("offset").requires_grad_() for module in modules]


def _add_offset(module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
    if module.offset is None:
        module.offset = nn.Parameter(torch.zeros_like(output[:1]))
    return output + module.get_parameter("offset")


def _descend(
    loss: Callable[[], Tensor], parts: list[Tensor], rate: float, steps: int, told: Callable[[int], None]
) -> None:
    """Adam with a step size that follows half a cosine to zero."""
    adam = torch.optim.Adam(parts, lr=rate, betas=(0.9, 0.99))
    for step in range(steps):
        adam.param_groups[0]["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        for part, gradient in zip(parts, torch.autograd.grad(loss(), parts), strict=True):
            part.grad = gradient
        adam.step()
        told(step + 1)


def _unlikeness(x: Tensor, target: Tensor) -> Tensor:
    """How unlike the target are images (B, 1, H, W) in [0, 1]: structure, grey levels, edges at every scale; (B,)."""
    difference = x - target
    unlike = 1 - ssim(x, target) + PIXELS * difference.square().mean(dim=(1, 2, 3))
    for _ in range(LEVELS):  # the pyramid is linear: that of the difference is the difference of two
        half = functional.avg_pool2d(difference, 2)
        detail = difference - functional.interpolate(half, scale_factor=2.0, mode="bilinear", align_corners=False)
        unlike = unlike + PYRAMID * detail.abs().mean(dim=(1, 2, 3))
        difference = half
    return unlike + PYRAMID * difference.abs().mean(dim=(1, 2, 3))
