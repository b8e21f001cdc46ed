"""Generate images whose codes are samples of a run's prior, or of the prior given an event.

Randomness is counter-based: image ``i`` is a function of the run, the seed and ``i`` alone, so that a sample can be
made in pieces and give the bytes of the whole. Noise and codes are drawn in blocks of a fixed size, each from its own
stream, and the generator works on padded batches of a fixed size, image ``i`` always at the same place.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semiray.devices import inference_batch
from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.generation.copies import CopyFilter
from semiray.generation.hold import check_hold, hold_codes
from semiray.generation.synthetic import Synthetic
from semiray.networks import Generator
from semiray.networks.intensities import to_grey

if TYPE_CHECKING:
    from semiray.radiographs import ImageArray, RadiographSet
    from semiray.training.run import Run

__all__ = [
    "BLOCK",
    "Request",
    "Sampler",
    "check_range",
    "class_index",
    "draw_block",
    "generate",
    "render",
    "run_generator",
]

BLOCK = 64
"""Images whose noise and codes are drawn at a time. A part of what a seed means: another value gives other images."""
MOST_IMAGES, LAST_START = 10**9, 10**15
"""Images of a request, and the last index at which one may begin."""

BATCH = 16
"""Images rendered at once on a CPU: few, because padding is wasted work and larger batches are no faster there."""

_NOISE, _CODES = 0, 1  # the streams of a block


class Sampler(Protocol):
    """A prior, conditional or not: what codes can be drawn from."""

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw codes (n, M) in the factors' own units."""


class Request:
    """A request to a run. Image ``i`` is a function of the request and ``i`` alone.

    Without ``where``, image ``i`` and its codes are the same for every request of a seed, and with another label the
    same noise and codes show another disease. With ``where`` the same holds within the same event.

    Args:
        run: A trained run.
        label: A class of the run; None takes all classes in equal shares, interleaved (image i is of class i mod K).
        where: An event about codes, e.g. ``"survival == 1 and duration <= 14"``.
        seed: 0 <= seed < 2**64.
        hold: Codes that are set after they were drawn, e.g. ``{"duration": 14}``, see `semiray.generation.hold_codes`:
            the same patients otherwise. What is held may leave the event.
        bf16: Render in bfloat16: twice as fast where the processor has it; grey levels differ a little, by 0.4 on
            average and at most 6 of 255 in a run at 64 px.
        batch: Images rendered at once on a CPU.

    Raises:
        SemirayError: An unknown label, an event that can't be read or never happens, a value to hold that the prior
            can't draw, a seed out of range.
    """

    def __init__(
        self,
        run: Run,
        *,
        label: str | None = None,
        where: str | None = None,
        seed: int = 0,
        hold: Mapping[str, float] | None = None,
        bf16: bool = False,
        batch: int = BATCH,
    ) -> None:
        if not 0 <= seed < 2**64:
            raise SemirayError(f"seed = {shortened(seed)}: a seed is an integer from 0 to 2**64 - 1.")
        self.run, self.label, self.where, self.seed, self.bf16, self.batch = run, label, where, seed, bf16, batch
        self._class = (None if run.classes else -1) if label is None else class_index(run.classes, label)
        self.hold = check_hold(run.prior, hold or {})
        conditional = None if where is None else run.prior.given(where)
        self._blocks: dict[int, tuple[Tensor, Tensor]] = {}  # of the batch at hand: several batches share a block
        self._source: Sampler = run.prior if conditional is None else conditional
        self.event_probability = None if conditional is None else float(conditional.probability)

    def holding(self, hold: Mapping[str, float]) -> Request:
        """The same request with these codes held and no others; draws are shared."""
        other = copy.copy(self)
        other.hold = check_hold(self.run.prior, hold)
        return other

    def variants(self, index: int, holds: Sequence[Mapping[str, float]]) -> list[Synthetic]:
        """Image ``index`` once under each of several holds; its noise, class and all other codes stay.

        Each is the image that ``generate(run, 1, start=index, hold=...)`` makes; together they are faster. On a GPU
        grey levels may differ by 1, since it stands at another place of a batch.
        """
        z, drawn = self._draw(np.array([index]), np.array([True]))
        codes = torch.cat([hold_codes(self.run.prior, drawn, self.hold | dict(hold)) for hold in holds])
        k = index % len(self.run.classes) if self._class is None else self._class
        labels = np.full(len(holds), k, np.int64)
        images = render(self.run, z.expand(len(holds), -1), codes, labels, bf16=self.bf16, batch=self.batch)
        place = np.array([index])
        rows = zip(images[:, None], codes.numpy()[:, None], labels[:, None], holds, strict=True)
        return [self._synthetic(x, c, y, place, self.hold | dict(hold)) for x, c, y, hold in rows]

    def images(self, start: int, n: int, progress: Callable[[int, int], None] | None = None) -> Synthetic:
        """Images ``start`` ... ``start + n - 1``; a start that is a multiple of ``BLOCK`` wastes no draws."""
        run = self.run
        images = np.empty((n, run.resolution, run.resolution), np.uint8)
        codes = np.empty((n, run.prior.dimensions), np.float32)
        labels = np.empty(n, np.int64)
        batch = inference_batch(next(run.generator.parameters()).device, run.resolution, on_cpu=self.batch)
        for first in range(start // batch * batch, start + n, batch):
            index = np.arange(first, first + batch)
            wanted = (index >= start) & (index < start + n)
            z, c = self._draw(index, wanted)
            c = hold_codes(run.prior, c, self.hold)
            y = index % len(run.classes) if self._class is None else np.full(batch, self._class, np.int64)
            rows = index[wanted] - start
            images[rows] = render(run, z, c, y, bf16=self.bf16, batch=self.batch)[wanted]
            codes[rows], labels[rows] = c.numpy()[wanted], y[wanted]
            if progress is not None:
                progress(int(rows[-1]) + 1, n)
        return self._synthetic(images, codes, labels, start + np.arange(n), self.hold)

    def _synthetic(
        self,
        images: NDArray[np.uint8],
        codes: NDArray[np.float32],
        labels: NDArray[np.int64],
        index: NDArray[np.int64],
        held: Mapping[str, float],
    ) -> Synthetic:
        run = self.run
        return Synthetic(
            images=images,
            codes=codes,
            labels=labels,
            classes=run.classes,
            names=run.prior.names,
            index=index,
            seed=self.seed,
            event=self.where,
            event_probability=self.event_probability,
            assumed=tuple(name for name in run.prior.slices if not run.grounded.get(name)),
            held=held,
        )

    def _draw(self, index: NDArray[np.int64], wanted: NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
        """Noise and codes of the images at these indices; where none of a block is wanted, those of another block."""
        blocks = index // BLOCK
        needed = np.unique(blocks[wanted])
        for block in [block for block in self._blocks if block not in needed]:
            del self._blocks[block]
        for block in needed:
            if block not in self._blocks:
                self._blocks[int(block)] = draw_block(self.run, self._source, self.seed, int(block))
        place = np.searchsorted(needed, blocks.clip(needed[0], needed[-1])) * BLOCK + index % BLOCK
        z, codes = (torch.cat(parts)[place] for parts in zip(*(self._blocks[int(b)] for b in needed), strict=True))
        return z, codes


def generate(
    run: Run,
    n: int,
    *,
    label: str | None = None,
    where: str | None = None,
    seed: int = 0,
    start: int = 0,
    hold: Mapping[str, float] | None = None,
    reject_copies: RadiographSet[ImageArray] | CopyFilter | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Synthetic:
    """Generate ``n`` images whose codes are samples of the run's prior, or of the prior given an event.

    Args:
        run: A trained run.
        n: Number of images, at least 1.
        label: As for `Request`.
        where: As for `Request`.
        seed: As for `Request`.
        start: Index of the first image: ``generate(run, 100, start=500)`` are the last 100 of ``generate(run, 600)``.
        hold: As for `Request`.
        reject_copies: The radiographs that the run was trained on: images that are copies of them are left out, so that
            there may be fewer than ``n``.
        progress: Called with (images done, n).

    Returns:
        Images (n, H, W) uint8 with their codes and labels.

    Raises:
        SemirayError: As `Request`, or n or start out of range.

    Examples:
        ``generate(Run.load("RUN"), 600, label="COVID", where="survival == 1 and duration <= 14", seed=7).images``
    """
    check_range(n, start)
    synthetic = Request(run, label=label, where=where, seed=seed, hold=hold).images(start, n, progress)
    copies = CopyFilter.of(run, reject_copies)
    return synthetic if copies is None else synthetic.take(copies.keep(synthetic.images))


def check_range(n: int, start: int) -> None:
    """Raise where `n` isn't 1 to 1e9, or `start` 0 to 1e15: numbers of images that a disk could hold."""
    if n < 1:
        raise SemirayError(f"n = {n}: ask for at least one image.")
    if n > MOST_IMAGES:
        raise SemirayError(f"n = {shortened(n)}: at most {MOST_IMAGES:,} images; ask for more with another seed.")
    if not 0 <= start <= LAST_START:
        raise SemirayError(
            f"start = {shortened(start)}: the index of the first image lies between 0 and {LAST_START:.0e}."
        )


def render(
    run: Run, z: Tensor, codes: Tensor, labels: NDArray[np.int64], *, bf16: bool = False, batch: int = BATCH
) -> NDArray[np.uint8]:
    """Turn noise (B, Z), codes (B, M) in the factors' own units and labels (B,) into images (B, H, W) uint8.

    The generator works in padded batches, on a CPU of ``batch`` images, in bfloat16 with ``bf16``.

    Raises:
        SemirayError: The generator's output is not finite (the run's training broke).
    """
    standardised = run.prior.standardise(codes).float()
    images = np.empty((len(z), run.resolution, run.resolution), np.uint8)
    batch = inference_batch(next(run.generator.parameters()).device, run.resolution, on_cpu=batch)
    for first in range(0, len(z), batch):
        rows = np.arange(first, min(first + batch, len(z)))
        padded = torch.from_numpy(np.pad(rows, (0, batch - len(rows)), mode="edge"))
        y = torch.from_numpy(labels)[padded].clamp(min=0)
        x = run_generator(run.generator, z[padded], standardised[padded], y, bf16=bf16)
        if not bool(torch.isfinite(x).all()):
            raise SemirayError(f"{run.path}: the generator gives values that are not finite; the run can't be used.")
        images[rows] = to_grey(x)[: len(rows)].cpu().numpy()
    return images


def run_generator(generator: Generator, z: Tensor, codes: Tensor, labels: Tensor, *, bf16: bool = False) -> Tensor:
    """Images (B, 1, H, W), float32, of noise (B, Z), standardised codes (B, M) and labels (B,), wherever they are."""
    device = next(generator.parameters()).device
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        images: Tensor = generator(z.to(device), codes.to(device), labels.to(device)).float()
    return images


def draw_block(run: Run, source: Sampler, seed: int, block: int) -> tuple[Tensor, Tensor]:
    """Draw what images BLOCK * block ... BLOCK * (block + 1) - 1 of a seed are made from.

    Returns:
        Noise (BLOCK, Z), standard normal, and codes (BLOCK, M) in the factors' own units, float32.
    """
    z = _stream(seed, block, _NOISE).standard_normal((BLOCK, run.generator.shape.noise), dtype=np.float32)
    generator = torch.Generator().manual_seed(int(_stream(seed, block, _CODES).integers(2**63)))
    return torch.from_numpy(z), source.sample(BLOCK, generator).float()


def class_index(classes: Sequence[str], label: str) -> int:
    """The position of a class name; an error that lists the classes if there is none."""
    if label in classes:
        return list(classes).index(label)
    if not classes:
        raise SemirayError(f"label {label!r}: this run was trained without class labels. Leave the label out.")
    folded = {name.casefold(): name for name in classes}
    close = difflib.get_close_matches(label.casefold(), folded, n=1, cutoff=0.5)
    hint = f" Did you mean {folded[close[0]]!r}?" if close else ""
    raise SemirayError(f"label {label!r} is not a class of this run ({', '.join(classes)}).{hint}")


def _stream(seed: int, block: int, stream: int) -> np.random.Generator:
    """Philox (Salmon et al. 2011, doi:10.1145/2063384.2063405): key = seed, the counter's high words = the place."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, block, stream]))
