"""Grounding on held-out patients: does the sorter put them in the order of their metadata, or of a measure?

    C = sum w_i w_j ([m_i < m_j] + 1/2 [m_i = m_j]) / sum w_i w_j

over pairs of images (i, j) of different patients for which i's value is known to be lower: i's value is exact, and less
than j's, or equal to it while j is censored there. m is the score that the sorter estimates for the factor's lead. w is
1 divided by the number of the patient's observed images, so that patients count equally. 1 is the right order, 0.5 the
chance level, 0 the reverse order.

For durations this is Harrell's concordance (Harrell et al. 1982, doi 10.1001/jama.1982.03320430047030); for a factor
that is 0 or 1 it is the area under the ROC curve (Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747).

It measures order, not calibration: whether 14 days are estimated for a 14-day image is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass as plain

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from semiray.errors import SemirayError
from semiray.evaluation.context import Context
from semiray.evaluation.results import Number, Result, Skipped
from semiray.evaluation.statistics.intervals import ENDS, PatientBootstrap
from semiray.priors import Observations, read_grounds
from semiray.radiographs import RadiographSet
from semiray.training import Run
from semiray.training.grounding import observe_images

__all__ = ["ConcordanceResult", "GroundingResult", "measure", "measure_concordance", "measure_grounding"]

Floats = NDArray[np.float64]
FEWEST = 5  # patients; a bootstrap of fewer is misleading
ROWS = 256  # images whose pairs are in memory at once


@dataclass(frozen=True)
class ConcordanceResult(Result):
    """How well one factor's lead orders held-out patients.

    Attributes:
        measure: ``"auroc"`` for a factor of two values, else ``"concordance"``.
        value: 0 to 1; chance level 0.5. Its 95 % bootstrap interval over patients is NaN where they are too few.
        n_images: Held-out images with an observation.
        n_patients: Their patients.
        n_events: Patients whose value is exact (not censored); of a factor with two values, those with the rarer one.
    """

    measure: str
    value: Number
    low: Number
    high: Number
    n_images: int
    n_patients: int
    n_events: int
    chance: float = 0.5


@dataclass(frozen=True)
class GroundingResult(Result):
    """Grounded factor -> how well its lead orders held-out patients, or why that can't be measured."""

    factors: dict[str, ConcordanceResult | Skipped]


def measure(context: Context) -> GroundingResult | None:
    """The concordance of every grounded factor; nothing without a run or without grounding."""
    if context.run is None:
        return None
    factors = measure_grounding(context.run, context.held_out, context.scores)
    return GroundingResult(factors) if factors else None


def measure_grounding(
    run: Run, data: RadiographSet, scores: NDArray[np.float32]
) -> dict[str, ConcordanceResult | Skipped]:
    """Measure for every grounded factor whether the sorter orders held-out patients as their metadata do.

    A factor that is grounded in a measure of the images is compared with that measure, taken of the held-out images.

    Args:
        run: A trained run, whose settings name the columns.
        data: N held-out radiographs with their metadata.
        scores: (N, M) what the sorter estimates from them.

    Returns:
        Grounded factor -> its figure, or why there is none (another data set may have other columns or words).
    """
    everything = np.arange(len(data))
    found: dict[str, ConcordanceResult | Skipped] = {}
    for name, rule in read_grounds(run.settings.ground, run.prior).items():
        try:
            seen = observe_images(data, everything, {name: rule}, run.prior)[name]
        except SemirayError as error:
            found[name] = Skipped(str(error))
            continue
        binary = len(run.prior.marginal(name).values or ()) == 2
        found[name] = measure_concordance(scores[:, run.prior.slices[name].start], seen, binary=binary)
    return found


def measure_concordance(
    scores: NDArray[np.float32],
    seen: Observations,
    *,
    binary: bool = False,
    within: NDArray[np.int64] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    rows: int = ROWS,
) -> ConcordanceResult | Skipped:
    """Compare the sorter's scores of one factor's lead with the observations of the patients.

    Args:
        scores: (N,) the score of each image; any increasing function of it gives the same result.
        seen: What is observed of each image's patient, N rows.
        binary: Whether the factor has two values, so that the figure is called AUROC.
        within: (N,) groups, such as the folds of a cross-validation: only images of one group are compared, since the
            scores of two networks are not comparable. None compares all.
        resamples: Draws of the bootstrap: of patients separately by censored or not, or by each of two values.
            Patients in perfect order stay so in every draw, and give an interval of no width.
        seed: Of the draws.
        rows: Images whose pairs are in memory at once.

    Raises:
        SemirayError: If lengths differ, or a score is not finite.

    Examples:
        >>> import torch
        >>> days, still_treated = torch.tensor([3.0, 9.0, 12.0]), torch.tensor([False, True, False])
        >>> seen = Observations(days, still_treated, patient=torch.arange(3))
        >>> measure_concordance(np.array([0.1, 0.7, 0.4], np.float32), seen).value  # 9+ and 12 can't be compared
        1.0
    """
    if scores.shape != (len(seen),):
        raise SemirayError(f"Scores of shape {scores.shape} for {len(seen):,} observations: expected one per row.")
    known = np.flatnonzero(seen.observed.numpy())
    if not len(known):
        return Skipped("the metadata contain no observation of a held-out image.")
    if not np.isfinite(scores[known]).all():
        raise SemirayError("A score is not finite: the run's training has diverged.")
    order = known[np.argsort(seen.patient.numpy()[known], kind="stable")]  # a patient's images are adjacent
    patient, value = seen.patient.numpy()[order], seen.value.numpy()[order]
    stratum = (value > value.min()) if binary else ~seen.censored.numpy()[order]
    bootstrap = PatientBootstrap(patient.astype(np.str_), stratum.astype(np.int64), resamples=resamples, seed=seed)
    starts = np.flatnonzero(np.diff(patient, prepend=patient[0] - 1))
    pairs = _Pairs(
        scores[order].astype(np.float64),
        value,
        seen.censored.numpy()[order],
        seen.weight.numpy()[order],
        patient,
        np.zeros(len(order), np.int64) if within is None else within[order],
    )
    # The first row draws every patient once: the figure itself. So pairs are compared only once.
    right, comparable = pairs.summed(starts, np.vstack([np.ones(len(starts)), bootstrap.images[:, starts]]), rows)
    if not comparable[0]:
        return Skipped("for no two held-out patients is it known which value is greater.")
    events = min(len(np.unique(patient[stratum == level])) for level in ((0, 1) if binary else (1,)))
    low = high = float("nan")
    if events >= FEWEST:
        with np.errstate(invalid="ignore"):  # a draw may contain no comparable pair
            figures = right[1:] / comparable[1:]
        low, high = np.nanquantile(figures, ENDS).tolist()
    return ConcordanceResult(
        measure="auroc" if binary else "concordance",
        value=float(right[0] / comparable[0]),
        low=low,
        high=high,
        n_images=len(order),
        n_patients=len(starts),
        n_events=events,
    )


@plain(frozen=True)
class _Pairs:
    """Images, sorted by patient, and which pairs of them can be compared; all (N,)."""

    m: Floats
    value: Floats
    censored: NDArray[np.bool_]
    weight: Floats
    patient: NDArray[np.int64]
    group: NDArray[np.int64]

    def summed(self, starts: NDArray[np.int64], drawn: Floats, rows: int) -> tuple[Floats, Floats]:
        """Weights (R,) of the pairs in the right order, and of all comparable ones, for patients drawn (R, P) times."""
        right, comparable = np.zeros(len(drawn)), np.zeros(len(drawn))
        ends = np.append(starts[1:], len(self.m))
        first = 0
        while first < len(starts):  # blocks of whole patients: the matrix of all pairs may not fit into memory
            last = max(first + 1, int(np.searchsorted(ends, starts[first] + rows, side="right")))
            in_order, all_pairs = self._block(slice(starts[first], ends[last - 1]))
            for total, block in ((right, in_order), (comparable, all_pairs)):
                of_patients = np.add.reduceat(block, starts[first:last] - starts[first], axis=0)
                of_patients = np.add.reduceat(of_patients, starts, axis=1)
                total += (drawn[:, first:last] * (drawn @ of_patients.T)).sum(axis=1)
            first = last
        return right, comparable

    def _block(self, rows: slice) -> tuple[Floats, Floats]:
        """Weights (B, N) of the pairs in the right order, and of all comparable ones, of some images with all."""
        m, value = self.m[rows, None], self.value[rows, None]
        less = (value < self.value) | ((value == self.value) & self.censored)
        others = (self.patient[rows, None] != self.patient) & (self.group[rows, None] == self.group)
        comparable = np.where(less & others & ~self.censored[rows, None], self.weight[rows, None] * self.weight, 0.0)
        return comparable * ((m < self.m) + 0.5 * (m == self.m)), comparable
