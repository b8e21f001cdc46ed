"""Grounding on held-out patients: does the sorter put them in the order that metadata know?

    C = sum w_i w_j ([m_i < m_j] + 1/2 [m_i = m_j]) / sum w_i w_j

over pairs of images (i, j) of different patients of which metadata know that i's value is the lower: i's value is
exact, and less than j's, or equal to it while j is censored there. m is the score that the sorter reads for the
factor's lead, w one over the patient's images, so that patients count alike. 1 is the right order, 0.5 chance, 0 the
wrong way round.

For durations this is Harrell's concordance (Harrell et al. 1982, doi 10.1001/jama.1982.03320430047030); for a factor
that is 0 or 1 it is the area under the ROC curve (Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747).

It measures order, not calibration: whether a 14-day image *says* 14 days is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.evaluation.metrics import PatientBootstrap
from semiray.evaluation.skipped import Skipped
from semiray.priors import Observations, observe, read_grounds

if TYPE_CHECKING:
    from semiray.radiographs import RadiographSet
    from semiray.training.run import Run

__all__ = ["CHANCE", "ConcordanceResult", "measure_concordance", "measure_grounding"]

Floats = NDArray[np.float64]
CHANCE = 0.5
LEVEL = 0.95


@dataclass(frozen=True)
class ConcordanceResult:
    """How well one factor's lead orders held-out patients.

    Attributes:
        measure: ``"concordance"``, or ``"auroc"`` where the factor has two values.
        value: 0 to 1; chance is 0.5.
        low: Lower end of the 95 % bootstrap interval over patients.
        high: Upper end.
        n_images: Held-out images with an observation.
        n_patients: Patients behind them.
        n_events: Patients whose value is exact (not censored); for 0 or 1: patients of the rarer value.
    """

    measure: str
    value: float
    low: float
    high: float
    n_images: int
    n_patients: int
    n_events: int


def measure_grounding(
    run: Run, data: RadiographSet, scores: NDArray[np.float32]
) -> dict[str, ConcordanceResult | Skipped]:
    """Asks of every grounded factor whether the sorter orders held-out patients as their metadata do.

    Args:
        run: A trained run, whose settings name the columns.
        data: Held-out radiographs with their metadata, N of them.
        scores: (N, M) what the sorter reads from them.

    Returns:
        Grounded factor -> its figure, or why there is none; empty for a run without grounding.
    """
    rules = read_grounds(run.settings.ground, run.prior)
    if not rules:
        return {}
    try:
        seen = observe(data.metadata, [str(p) for p in data.patients], rules, run.prior, names=data.keys)
    except SemirayError as error:  # another data set may have other columns
        return dict.fromkeys(rules, Skipped(str(error)))
    return {name: measure_concordance(scores[:, run.prior.slices[name].start], seen[name]) for name in seen}


def measure_concordance(
    scores: NDArray[np.float32], seen: Observations, *, resamples: int = 1000, seed: int = 0
) -> ConcordanceResult | Skipped:
    """Compares what the sorter reads of one factor's lead with what metadata know of the patients.

    Args:
        scores: (N,) what is read from each image; any increasing function of it gives the same result.
        seen: What is known of each image's patient, N rows.
        resamples: Draws of the bootstrap, of patients within those censored and not (or within each value of two).
        seed: Of the draws.

    Returns:
        The figure, or why there is none: nothing known, or no two patients whose order is known.

    Raises:
        SemirayError: If lengths differ, or a score is not finite.

    Example:
        >>> import torch
        >>> days, still_treated = torch.tensor([3.0, 9.0, 12.0]), torch.tensor([False, True, False])
        >>> seen = Observations(days, still_treated, patient=torch.arange(3))
        >>> measure_concordance(np.array([0.1, 0.7, 0.4], np.float32), seen).value  # 9+ and 12 can't be compared
        1.0
    """
    if scores.shape != (len(seen),):
        raise SemirayError(f"Scores of shape {scores.shape} for {len(seen):,} observations: expected one a row.")
    known = seen.known.numpy()
    m, value, censored = scores[known].astype(np.float64), seen.value.numpy()[known], seen.censored.numpy()[known]
    patient, weight = seen.patient.numpy()[known], seen.weight.numpy()[known]
    if not len(m):
        return Skipped("the metadata say nothing of any held-out image.")
    if not np.isfinite(m).all():
        raise SemirayError("A score is not finite: the run's training has gone astray.")
    binary = not censored.any() and len(np.unique(value)) == 2
    order = np.argsort(patient, kind="stable")
    m, value, censored, patient, weight = (part[order] for part in (m, value, censored, patient, weight))
    starts = np.flatnonzero(np.diff(patient, prepend=patient[0] - 1))
    right, pairs = _pairs_of_patients(m, value, censored, weight, patient, starts)
    if not pairs.sum():
        return Skipped("of no two held-out patients is it known whose value is the greater.")
    group = np.unique(value, return_inverse=True)[1] if binary else censored.astype(np.int64)
    bootstrap = PatientBootstrap(patient.astype(np.str_), group, resamples=resamples, seed=seed)
    drawn = bootstrap.images[:, starts]
    with np.errstate(invalid="ignore"):  # a draw may hold no comparable pair
        figures = ((drawn @ right) * drawn).sum(axis=1) / ((drawn @ pairs) * drawn).sum(axis=1)
    low, high = np.nanquantile(figures, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    events = [len(np.unique(patient[group == level])) for level in (0, 1)] if binary else [seen.events]
    return ConcordanceResult(
        measure="auroc" if binary else "concordance",
        value=float(right.sum() / pairs.sum()),
        low=float(low),
        high=float(high),
        n_images=len(m),
        n_patients=len(starts),
        n_events=min(events),
    )


def _pairs_of_patients(
    m: Floats,
    value: Floats,
    censored: NDArray[np.bool_],
    weight: Floats,
    patient: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """Weights (P, P) of the pairs in the right order, and of all comparable pairs; images sorted by patient."""
    less = (value[:, None] < value) | ((value[:, None] == value) & censored)
    comparable = less & ~censored[:, None] & (patient[:, None] != patient)
    weights = np.where(comparable, weight[:, None] * weight, 0.0)
    right = weights * ((m[:, None] < m) + 0.5 * (m[:, None] == m))

    def summed(matrix: Floats) -> Floats:
        total: Floats = np.add.reduceat(np.add.reduceat(matrix, starts, axis=0), starts, axis=1)
        return total

    return summed(right), summed(weights)
