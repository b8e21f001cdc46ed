"""How much of the difference between two images is exposure and framing: fitted away, the rest is left.

A warp and a change of grey levels, both affine, are fitted so that the first image matches the second:

    minimise over A, t, k, o    mean |e^k before(A x + t) + o - e^-k after(x)|

over the pixels x whose source lies inside the first image. So the second's grey levels are e^2k those of the first plus
an offset, and what is left is measured half way between the two contrasts: were it measured in those of the second, a
fit to the paler image would leave less than the reverse one. It is the mean absolute difference that is minimised, as
it is that which is reported, and a local opacity doesn't pull the fit as it would pull squares: by Levenberg's and
Marquardt's damped Gauss-Newton steps on reweighted squares (Lucas and Kanade 1981; Holland and Welsch 1977, doi
10.1080/03610927708827533), from coarse to fine images, all pairs at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from semiray.radiographs import ImageArray
from semiray.radiographs.pixels.images import shrink

__all__ = ["FINEST", "Registration", "register"]

LEVELS, STEPS = (16, 32), 16  # coarse sides in pixels; steps at each level
FINEST = 64  # pixels per side at most: what is finer is not compared
ZOOMS = (0.72, 0.85, 1.18, 1.39)  # starts of the search, beside 1
LEAST_SHARED = 0.5  # of the area of either image: a fit that looks at less compares a detail
CONTRAST = 0.5 * math.log(3)  # k at most: a ratio of contrasts of 3, or a flat image would match any
SHARP = 1 / 255  # differences below a grey level weigh as squares
AT_ONCE = 64  # pairs


@dataclass(frozen=True)
class Registration:
    """What was fitted to N pairs of images, at a side h of at most `FINEST` pixels; grey levels of 255.

    Attributes:
        first: (N,) float64, mean absolute difference of the pair, over all pixels.
        left: (N,) float64, that after the fit, over the pixels that have a source; never above ``first``.
        before: (N, h, h) float32, the first image.
        after: (N, h, h) float32, the second.
        fitted: (N, h, h) float32, the one fitted to the other; NaN where a pixel has no source.
        rest: (N, h, h) float32, the absolute difference of these two, half way between their contrasts.
    """

    first: NDArray[np.float64]
    left: NDArray[np.float64]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    fitted: NDArray[np.float32]
    rest: NDArray[np.float32]


def register(before: ImageArray, after: ImageArray, device: torch.device | None = None) -> Registration:
    """Fit exposure and framing of one image of each pair to the other; which one: that which leaves less.

    Args:
        before: (N, H, H) uint8.
        after: (N, H, H) uint8.
        device: Where to compute; None: the CPU.
    """
    side = min(before.shape[1], FINEST)
    sides = [*(level for level in LEVELS if level < side), side]
    parts = []
    for k in range(0, len(before), AT_ONCE):
        scaled = [[_scaled(x[k : k + AT_ONCE], level, device) for x in (before, after)] for level in sides]
        there, back = _fit(scaled), _fit([[second, first] for first, second in scaled])
        parts.append([torch.where(_like(there[1] <= back[1], a), a, b) for a, b in zip(there, back, strict=True)])
    first, left, fitted, rest = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
    grey = np.float32(255)
    known = (shrink(before, side), shrink(after, side))
    first, left = (255.0 * cost.astype(np.float64) for cost in (first, left))
    return Registration(first, left, *known, (fitted + np.float32(0.5)) * grey, rest * grey)


def _like(chosen: Tensor, values: Tensor) -> Tensor:
    """A choice (N,) of pairs, in as many dimensions as these values (N, ...)."""
    return chosen.view(-1, *[1] * (values.dim() - 1))


def _scaled(images: ImageArray, side: int, device: torch.device | None) -> Tensor:
    """Images (N, side, side), grey levels from -0.5 to 0.5: gain and offset then hardly depend on each other."""
    return torch.from_numpy(shrink(images, side) / np.float32(255) - np.float32(0.5)).to(device)


def _fit(scaled: list[list[Tensor]]) -> tuple[Tensor, ...]:
    """The arrays of `Registration` but for the images themselves, where the first is fitted, of pairs at some sides."""
    level = _Level(*scaled[0])
    still = torch.tensor([1.0, 0, 0, 0, 1, 0, 0, 0]).to(level.after).repeat(len(level.after), 1)
    best = level.descend(level.look(still))
    for zoom in ZOOMS:
        tried = level.descend(level.look(still * still.new_tensor([zoom, 1, 1, 1, zoom, 1, 1, 1])))
        best = _choose(tried.cost < best.cost, tried, best)
    for pair in scaled[1:]:
        level = _Level(*pair)
        best = level.descend(level.look(best.values))
    start = level.look(still)
    best = _choose(best.cost < start.cost, best, start)
    in_second = best.residual * best.values[:, 6:7].exp() + level.after.flatten(1)
    arrays = (torch.where(best.inside, x, torch.nan) for x in (in_second, best.residual.abs()))
    return start.cost, best.cost, *(x.view_as(level.after) for x in arrays)


@dataclass
class _View:
    """A fit's parameters (N, 8) and what they come to: (N, P) tensors but for the cost (N,)."""

    values: Tensor
    warped: Tensor
    across: Tensor  # derivatives of the warped image by the place in the source
    down: Tensor
    inside: Tensor
    residual: Tensor
    cost: Tensor


def _choose(which: Tensor, first: _View, second: _View) -> _View:
    """Of each pair (N,) the first view or the second."""
    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return _View(*(torch.where(_like(which, a), a, b) for a, b in pairs))


class _Level:
    """Pairs of images at one side."""

    def __init__(self, before: Tensor, after: Tensor) -> None:
        side = before.shape[1]
        self.after = after
        padded = functional.pad(before[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
        across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) * (side / 4)  # a side is 2 long: -1 to 1
        down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) * (side / 4)
        self.source = torch.stack([before, across, down], dim=1)
        line = (2 * torch.arange(side).to(before) + 1) / side - 1
        y, x = torch.meshgrid(line, line, indexing="ij")
        self.places = torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()])  # (3, P)

    def look(self, values: Tensor) -> _View:
        """What these parameters come to; an infinite cost if less than `LEAST_SHARED` of an image is shared."""
        side = self.after.shape[1]
        matrix = values[:, :6].reshape(-1, 2, 3)
        grid = (matrix @ self.places).mT  # (N, P, 2)
        inside = (grid.abs() <= 1).all(dim=2)
        taken = functional.grid_sample(
            self.source, grid.reshape(-1, side, side, 2), padding_mode="border", align_corners=False
        ).flatten(2)
        warped, across, down = taken.unbind(1)
        contrast = values[:, 6:7].exp()
        residual = contrast * warped + values[:, 7:] - self.after.flatten(1) / contrast
        share = inside.float().mean(dim=1)
        area = matrix[:, 0, 0] * matrix[:, 1, 1] - matrix[:, 0, 1] * matrix[:, 1, 0]
        allowed = (share >= LEAST_SHARED) & (area >= LEAST_SHARED)
        cost = (residual.abs() * inside).mean(dim=1) / share.clamp(min=LEAST_SHARED)
        return _View(values, warped, across, down, inside, residual, torch.where(allowed, cost, torch.inf))

    def descend(self, view: _View) -> _View:
        """Some damped steps, each taken by the pairs that it brings closer."""
        damping = torch.full_like(view.cost, 1e-2)
        for _ in range(STEPS):
            contrast = view.values[:, 6:7].exp()
            warp = [contrast * slope * place for slope in (view.across, view.down) for place in self.places]
            grey = [contrast * view.warped + self.after.flatten(1) / contrast, torch.ones_like(view.warped)]
            jacobian = torch.stack([*warp, *grey], dim=1)  # (N, 8, P)
            weighted = jacobian * (view.inside / view.residual.abs().clamp(min=SHARP))[:, None]
            normal, side = weighted @ jacobian.mT, weighted @ view.residual[..., None]
            size = torch.diagonal(normal, dim1=1, dim2=2)
            ridge = torch.diag_embed(damping[:, None] * size + 1e-6 * size.mean(dim=1, keepdim=True) + 1e-12)
            values = view.values - torch.linalg.solve(normal + ridge, side)[..., 0]
            values = torch.cat([values[:, :6], values[:, 6:7].clamp(-CONTRAST, CONTRAST), values[:, 7:]], dim=1)
            tried = self.look(values)
            better = tried.cost < view.cost
            view = _choose(better, tried, view)
            damping = (damping * torch.where(better, 0.3, 5.0)).clamp(1e-6, 1e6)
        return view
