"""The results of an evaluation as plain data: no figure, no network, no sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from semiray.evaluation.judgements.benefit import BenefitResult
from semiray.evaluation.judgements.commitment import CommitmentResult
from semiray.evaluation.judgements.correlation import CorrelationResult
from semiray.evaluation.judgements.effect import EffectResult
from semiray.evaluation.judgements.energy import EnergyResult
from semiray.evaluation.judgements.fidelity import FidelityResult
from semiray.evaluation.judgements.grounding import ConcordanceResult
from semiray.evaluation.judgements.privacy import PrivacyResult
from semiray.evaluation.judgements.probe import ProbeResult
from semiray.evaluation.judgements.shortcuts import ShortcutResult
from semiray.evaluation.judgements.sorting import SortingResult
from semiray.evaluation.judgements.utility import UtilityResult
from semiray.evaluation.skipped import Skipped
from semiray.priors import JointPrior

__all__ = ["ImageSamples", "Results", "Skipped"]


@dataclass(frozen=True)
class ImageSamples:
    """A few images of every class, for the eye; one empty name where there are no classes."""

    names: tuple[str, ...]
    real: tuple[NDArray[np.uint8], ...]
    synthetic: tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True)
class Results:
    """All judgements of one run, or of one folder of synthetic images.

    Attributes:
        subject: What was judged: the run's or the folder's name.
        data: What it was judged on, in words.
        phantom: Whether the images are phantoms.
        utility: TSTR beside TRTR, or why not.
        samples: Images for the eye.
        benefit: What synthetic images add to real ones and classical augmentation, or why that isn't known.
        commitment: Commitment by the sorter; None where there is no run.
        probe: Commitment by a fresh probe, clean and degraded; None where there is no run.
        effect: The visible effect of each dimension; None where there is no run.
        sorting: Sorting of held-out real images, dimension by dimension; None where there is no run.
        energy: All codes jointly, or why not; None where there is no run.
        correlation: Their correlations beside R, or why not; None where there is no run.
        grounding: Grounded factor -> how well its lead orders held-out patients, or why that isn't known.
        prior: The assumed prior; None where there is no run.
        grounded: Factor -> number of images whose metadata ground it; the names of all others are assumed.
        fidelity: Likeness and coverage in a feature space, or why not.
        privacy: Copies and membership, or why not.
        shortcuts: What tells the real classes apart without the lungs; None where there are no classes.
        notes: What a reader must know to trust the figures.
        traversal: Figure of what each factor does; None where there is no run.
    """

    subject: str
    data: str
    phantom: bool
    utility: UtilityResult | Skipped
    samples: ImageSamples
    benefit: BenefitResult | Skipped = field(default_factory=lambda: Skipped("it was not asked for."))
    commitment: CommitmentResult | None = None
    probe: ProbeResult | None = None
    effect: EffectResult | None = None
    sorting: SortingResult | None = None
    energy: EnergyResult | Skipped | None = None
    correlation: CorrelationResult | Skipped | None = None
    grounding: Mapping[str, ConcordanceResult | Skipped] = field(default_factory=dict)
    fidelity: FidelityResult | Skipped = field(default_factory=lambda: Skipped("it was not asked for."))
    privacy: PrivacyResult | Skipped = field(default_factory=lambda: Skipped("it was not asked for."))
    shortcuts: ShortcutResult | None = None
    prior: JointPrior | None = None
    grounded: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    traversal: Figure | None = None
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def assumed(self) -> str:
        """Which factors' names are assumed, in a sentence; empty where all are grounded or there is no run."""
        factors = () if self.prior is None else self.prior.factors
        names = [factor.name for factor in factors if not self.grounded.get(factor.name)]
        return f"Assumed names, grounded on no image: {', '.join(names)}." if names else ""
