"""Joint sorting: do all codes of held-out real images together follow the prior? The energy distance, tested.

    E(X, Y) = 2 mean |x - y| - mean |x - x'| - mean |y - y'|

(Székely and Rizzo 2013, doi 10.1016/j.jspi.2013.03.018.) x are codes of real images, y as many draws from the prior.
This is the V-statistic: means run over all pairs, including each point with itself, so that it is never negative. Two
samples of size n from the same distribution have the expectation 2/n mean |x - x'|, not 0: that is the floor. With more
images the same deviation gives a higher ratio to it.

Codes are compared in score coordinates, s = Phi^-1(F(c)); a discrete code is the middle of its interval. There every
dimension has the same weight, whatever its unit or tail.

Images of one patient depend on each other; draws from the prior don't. So one image of each patient is chosen at
random: patients are compared and permuted.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import computed_field
from pydantic.dataclasses import dataclass
from scipy.spatial.distance import cdist

from semiray.evaluation.context import Context
from semiray.evaluation.results import Number, Result, Skipped
from semiray.evaluation.statistics.intervals import LEVEL, one_per_patient
from semiray.priors import JointPrior

__all__ = ["EnergyResult", "measure", "measure_energy"]

Floats = NDArray[np.float64]
NORMAL_QUANTILE = 1.96  # of (1 + LEVEL) / 2
MOST_PATIENTS = 1000  # the matrix of distances grows with the square
FLOOR_PAIRS = 200


@dataclass(frozen=True)
class EnergyResult(Result):
    """How far the joint distribution of real images' codes is from the prior.

    Attributes:
        statistic: The V-statistic, in units of scores, with the 95 % interval of its expectation, which includes the
            floor; lower is better.
        floor: Mean of the same statistic over pairs of prior samples of the same size.
        floor_high: Their 95 % quantile.
        p_value: Share of permutations of patients and draws with a statistic at least as large; a small share
            contradicts the prior.
        n_patients: Patients, one image each, against as many draws.
    """

    statistic: Number
    low: Number
    high: Number
    floor: Number
    floor_high: Number
    p_value: Number
    n_patients: int
    permutations: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ratio(self) -> float:
        """The statistic over its floor."""
        return self.statistic / self.floor


def measure(context: Context) -> EnergyResult | Skipped | None:
    """The energy distance of held-out patients' codes; nothing without a run."""
    if context.run is None:
        return None
    patients, permutations = context.held_out.patients, context.options.permutations
    return measure_energy(context.scores, context.run.prior, patients, permutations=permutations)


def measure_energy(
    scores: NDArray[np.float32],
    prior: JointPrior,
    patients: NDArray[np.str_],
    *,
    permutations: int = 999,
    seed: int = 0,
) -> EnergyResult | Skipped:
    """Compare the joint distribution of real images' codes with the prior.

    Args:
        scores: (N, M) the sorter's scores of the images.
        prior: The assumed prior.
        patients: (N,) ids; one image of each is used, of at most 1,000 patients.
        permutations: Behind the p-value.
        seed: Of the choice of images, the prior's draws and the permutations.

    Returns:
        The distance, or why there is none: a single patient.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(one_per_patient(patients, rng))[:MOST_PATIENTS]
    n = len(chosen)
    if n < 2:
        return Skipped("there is only one held-out patient.")
    draws = prior.sample_scores(5 * n, torch.Generator().manual_seed(seed)).numpy()
    x, y, spare = (_of_codes(s, prior) for s in (scores[chosen], draws[:n], draws[n:]))
    between, within_x, within_y = cdist(x, y), cdist(x, x), cdist(y, y)
    pooled = np.block([[within_x, between], [between.T, within_y]])
    statistic = _split_statistics(pooled, np.repeat([1, -1], n)[:, None])[0]
    permuted = _split_statistics(pooled, _random_splits(2 * n, n, permutations, rng))
    floor = _split_statistics(cdist(spare, spare), _random_splits(4 * n, n, FLOOR_PAIRS, rng))
    # What each point adds to the statistic, to first order (Hoeffding's projection); its spread gives the interval.
    of_x = 2 * (between.mean(axis=1) - within_x.mean(axis=1))
    of_y = 2 * (between.mean(axis=0) - within_y.mean(axis=1))
    margin = NORMAL_QUANTILE * np.sqrt((of_x.var(ddof=1) + of_y.var(ddof=1)) / n)
    return EnergyResult(
        statistic=float(statistic),
        low=float(max(0.0, statistic - margin)),
        high=float(statistic + margin),
        floor=float(floor.mean()),
        floor_high=float(np.quantile(floor, LEVEL)),
        p_value=float((1 + (permuted >= statistic * (1 - 1e-9)).sum()) / (1 + permutations)),
        n_patients=n,
        permutations=permutations,
    )


def _of_codes(scores: NDArray[np.float32], prior: JointPrior) -> Floats:
    """Scores of the codes that scores stand for: of a discrete code its value, not how certain the sorter is."""
    return prior.scores(prior.codes(torch.from_numpy(scores))).numpy().astype(np.float64)


def _random_splits(points: int, n: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Columns (points, count) that put n random points into one sample (1), n into another (-1), the rest into none."""
    signs = np.zeros(points, np.int64)
    signs[:n], signs[n : 2 * n] = 1, -1
    return rng.permuted(np.tile(signs[:, None], count), axis=0)


def _split_statistics(distances: Floats, signs: NDArray[np.int64]) -> Floats:
    """The V-statistic (B,) for each of the splits (P, B) of P points into two samples of equal size: -a' D a."""
    a = signs / (signs[:, 0] == 1).sum()
    return np.asarray(-np.einsum("pb,pb->b", a, distances @ a))
