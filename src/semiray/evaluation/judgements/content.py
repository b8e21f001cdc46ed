"""Content: how much of a factor's visible effect is left when exposure and framing are fitted away?

A factor moves as in a traversal, all its dimensions together, from their 5 % to their 95 % quantiles (discrete ones
from the lowest to the highest value); noise, label and all other factors stay. An affine warp and an affine change of
grey levels are then fitted between the two images (`semiray.evaluation.statistics.registration`). The share left is

    sum over patients of the mean absolute difference after the fit / the same sum before it.

Sums, not a mean of shares: a patient whom the factor hardly changes has no share worth the name. To compare: the same
share for pairs of generated patients of one class, for pairs of held-out real patients of one class, and, on phantoms,
for true phantoms whose factors move in the same way. That is what a perfect generator would reach,
since a true sign of disease may change the brightness everywhere, which is fitted away, too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from torch import Tensor

from semiray.evaluation.context import FRESH_SEED, GENERATED_PER_STEP, Context
from semiray.evaluation.judgements.effect import traversal_ends
from semiray.evaluation.parts import is_phantom
from semiray.evaluation.progress import Progress
from semiray.evaluation.results import Hidden, Number, Result
from semiray.evaluation.statistics.intervals import ENDS, one_per_patient
from semiray.evaluation.statistics.registration import FINEST, Registration, register
from semiray.generation.sampling import BLOCK, draw_block, render
from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet
from semiray.radiographs.phantom import PHANTOM_CLASSES, render_phantoms
from semiray.training import Run

__all__ = ["ContentResult", "FactorContent", "Share", "cost", "measure", "measure_content"]

Floats = NDArray[np.float64]
Make = Callable[[slice, Tensor], NDArray[np.uint8]]
FEWEST = 8  # pairs of real patients
PAIRS_PER_STEP = 2  # fits that take as long as one training step


@dataclass(frozen=True)
class Share(Result):
    """A share left, or a difference of two, with its 95 % bootstrap interval over patients or pairs of them.

    NaN where nothing changes.
    """

    value: Number
    low: Number
    high: Number


@dataclass(frozen=True)
class FactorContent(Result):
    """What a factor changes.

    Attributes:
        name: The factor.
        share: Of its visible effect, what is left when exposure and framing are fitted away; floor 0, ceiling 1.
        above_pairs: That minus the share for pairs of generated patients.
        change: Its visible effect before the fit, in grey levels of 255.
        truth: The share for true phantoms; None where the data aren't phantoms, or phantoms have no such factor.
    """

    name: str
    share: Share
    above_pairs: Share
    change: Number
    truth: Share | None = None


@dataclass(frozen=True)
class ContentResult(Result):
    """The content of every factor.

    Attributes:
        factors: In the order of the prior.
        pairs: The share for pairs of generated patients of one class.
        real_pairs: That for pairs of held-out real patients; None with fewer than eight pairs.
        true_pairs: That for pairs of phantoms; None where the data aren't phantoms.
        n_patients: Generated patients, and pairs of them.
        n_real_pairs: Pairs of real patients.
        examples: (F + 1, 4, h, h) float32, of the first patient, for every factor and for a pair: the two images, one
            fitted to the other, what is left.
    """

    factors: tuple[FactorContent, ...]
    pairs: Share
    real_pairs: Share | None
    true_pairs: Share | None
    n_patients: int
    n_real_pairs: int
    examples: Hidden


def cost(context: Context) -> int:
    """Two images and a fit of every generated patient and factor, and as many phantoms."""
    if context.run is None:
        return 0
    images = context.options.effect_patients * (len(context.run.prior.factors) + 1)
    fits = images * (2 if is_phantom(context.real) else 1)
    return 2 * images // GENERATED_PER_STEP + fits // PAIRS_PER_STEP


def measure(context: Context) -> ContentResult | None:
    """The content of every factor of a run."""
    if context.run is None:
        return None
    return measure_content(
        context.run,
        context.held_out,
        patients=context.options.effect_patients,
        seed=FRESH_SEED,
        device=context.device,
        progress=context.stages["content"],
    )


def measure_content(
    run: Run,
    real: RadiographSet,
    *,
    patients: int = 64,
    seed: int = 0,
    resamples: int = 1000,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> ContentResult:
    """Move every factor, and measure how much of the change is neither exposure nor framing.

    Args:
        run: A trained run.
        real: Held-out real images, for the pairs of patients; phantoms' names say that the truth is to be rendered.
        patients: Generated patients; rounded up so that every class has the same number, at least two.
        seed: Of their noise and codes, of the choice of real pairs, and of the draws.
        resamples: Draws of the bootstrap.
        device: Where fits are computed; None: the CPU.
        progress: Called with (sets of pairs done, all).
    """
    n_classes = max(1, len(run.classes))
    count = n_classes * max(2, -(-patients // n_classes))
    blocks = [draw_block(run, run.prior, seed, block) for block in range(-(-2 * count // BLOCK))]
    z, codes = (torch.cat(parts)[: 2 * count] for parts in zip(*blocks, strict=True))
    phantom, rng = is_phantom(real), np.random.default_rng(seed)
    pairs_of_real = _real_pairs(real, count, rng)
    told = _Told(progress, (1 + phantom) * (len(run.prior.factors) + 1) + 1)

    def generated(rows: slice, moved: Tensor) -> NDArray[np.uint8]:
        return render(run, z[rows], moved, np.arange(count) % n_classes)

    def rendered(rows: slice, moved: Tensor) -> NDArray[np.uint8]:
        labels, side = np.arange(count) % len(PHANTOM_CLASSES), min(run.resolution, FINEST)
        return render_phantoms(moved.numpy(), labels, side, seed, first=rows.start)

    fits, pairs = _fits(run.prior, codes, generated, device, told)
    draws = _draws(count, resamples, rng)
    real_pairs, true_pairs = None, None
    if len(pairs_of_real) >= FEWEST:
        found = register(real.images[pairs_of_real[:, 0]], real.images[pairs_of_real[:, 1]], device)
        real_pairs = _share(_draws(len(pairs_of_real), resamples, rng), found)
    told.one()
    truth: dict[str, Share] = {}
    if phantom:
        known = JointPrior.default()
        drawn = known.sample(2 * count, torch.Generator().manual_seed(seed)).float()
        true_fits, true_pair = _fits(known, drawn, rendered, device, told)
        truth = {name: _share(draws, found) for name, found in true_fits.items()}
        true_pairs = _share(draws, true_pair)
    told.end()
    factors = (
        FactorContent(name, _share(draws, one), _share(draws, one, pairs), float(one.first.mean()), truth.get(name))
        for name, one in fits.items()
    )
    examples = [[x[0] for x in (one.before, one.after, one.fitted, one.rest)] for one in (*fits.values(), pairs)]
    shares = (_share(draws, pairs), real_pairs, true_pairs)
    return ContentResult(tuple(factors), *shares, count, len(pairs_of_real), np.array(examples, np.float32))


class _Told:
    """Progress in sets of pairs."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def one(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(min(self.done, self.total), self.total)

    def end(self) -> None:
        while self.done < self.total:
            self.one()


def _fits(
    prior: JointPrior, codes: Tensor, make: Make, device: torch.device | None, told: _Told
) -> tuple[dict[str, Registration], Registration]:
    """What was fitted to the first half of 2 N patients, for every factor, and to pairs with the second half.

    ``make`` turns rows and their codes (N, M) into images.
    """
    count = len(codes) // 2
    first, second = slice(0, count), slice(count, 2 * count)
    found = {}
    for name, where in prior.slices.items():
        images = []
        for values in zip(*(traversal_ends(prior, dimension) for dimension in prior.names[where]), strict=True):
            moved = codes[first].clone()
            moved[:, where] = torch.tensor(values, dtype=moved.dtype)
            images.append(make(first, moved))
        found[name] = register(images[0], images[1], device)
        told.one()
    pairs = register(make(first, codes[first]), make(second, codes[second]), device)
    told.one()
    return found, pairs


def _real_pairs(real: RadiographSet, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows (K, 2) of images of two patients of one class, each patient in one pair, at most so many pairs."""
    rows = one_per_patient(real.patients, rng)
    pairs = []
    for label in np.unique(real.labels[rows]):
        members = rng.permutation(rows[real.labels[rows] == label])
        if label >= 0 or not real.classes:
            pairs.append(members[: len(members) // 2 * 2].reshape(-1, 2))
    return rng.permutation(np.concatenate(pairs))[:most] if pairs else np.zeros((0, 2), np.int64)


def _draws(count: int, resamples: int, rng: np.random.Generator) -> Floats:
    return rng.multinomial(count, np.full(count, 1 / count), resamples).astype(np.float64)


def _share(draws: Floats, found: Registration, less: Registration | None = None) -> Share:
    """The share left, or how far it is above another's, with its interval from draws (R, N) of patients."""
    weights = np.concatenate([np.ones((1, draws.shape[1])), draws])
    with np.errstate(invalid="ignore"):  # nothing changes: 0 / 0
        values = (weights @ found.left) / (weights @ found.first)
    if less is not None:
        values -= (weights @ less.left) / (weights @ less.first)
    return Share(float(values[0]), *np.quantile(values[1:], ENDS).tolist())
