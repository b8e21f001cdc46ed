"""The report: typed results gathered, written as report.json, report.html and PNG figures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.evaluation import figures
from semiray.evaluation.benefit import BenefitResult
from semiray.evaluation.commitment import CommitmentResult
from semiray.evaluation.concordance import ConcordanceResult
from semiray.evaluation.content import report_content
from semiray.evaluation.correlation import CorrelationResult
from semiray.evaluation.effect import EffectResult
from semiray.evaluation.energy import EnergyResult
from semiray.evaluation.fidelity import FidelityResult
from semiray.evaluation.figures_benefit import plot_benefit
from semiray.evaluation.figures_codes import plot_codes, plot_correlation, plot_pairs
from semiray.evaluation.figures_effect import plot_effect
from semiray.evaluation.figures_privacy import plot_closest
from semiray.evaluation.png import encode_png
from semiray.evaluation.privacy import PrivacyResult
from semiray.evaluation.probe import ProbeResult
from semiray.evaluation.shortcuts import ShortcutResult
from semiray.evaluation.skipped import Skipped
from semiray.evaluation.sorting import SortingResult
from semiray.evaluation.theme import DARK, LIGHT
from semiray.evaluation.utility import UtilityResult
from semiray.files import write_whole
from semiray.priors import JointPrior

__all__ = ["ImageSamples", "Report", "ReportFigure", "Skipped"]

# All figures that a report can have.
FIGURES = frozenset(
    (
        "images",
        "benefit",
        "closest",
        "per_class",
        "confusion_tstr",
        "confusion_trtr",
        "commitment",
        "probe",
        "effect",
        "traversal",
        "sorting",
        "codes",
        "pairs",
        "correlation",
    )
)


@dataclass(frozen=True)
class ImageSamples:
    """A few images of every class, for the eye; one empty name where there are no classes."""

    names: tuple[str, ...]
    real: tuple[NDArray[np.uint8], ...]
    synthetic: tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True)
class ReportFigure:
    """A figure by its file name, for a light and a dark page."""

    name: str
    light: Figure
    dark: Figure


@dataclass(frozen=True)
class Report:
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

    def to_dict(self) -> dict[str, Any]:
        """The content of report.json: every figure with its interval, floor or ceiling, and sample size.

        Keys: ``utility.{tstr,trtr}.balanced_accuracy.{mean,low,high,seeds}``, ``utility.ratio``,
        ``commitment.{sorter,effect}.<factor>``, ``commitment.probe.{clean,noise,half,jpeg}.<factor>`` and
        ``sorting.ks.<factor>`` (a list, one entry a dimension), ``sorting.{energy,correlation}``,
        ``grounding.<factor>``, ``fidelity``, ``privacy``, ``shortcuts``, and more beside them; docs/evaluation.md
        lists all.
        """
        return report_content(self)

    def figures(self, real_images: bool = True) -> Iterator[ReportFigure]:
        """Draws the figures, in the order of the page; without real images, none that shows a pixel of one."""
        themes = (LIGHT, DARK)
        s, note = self.samples, self.assumed
        shown = s.real if real_images else ()
        yield ReportFigure("images", *(figures.plot_images(shown, s.synthetic, s.names, t) for t in themes))
        if isinstance(self.utility, UtilityResult):
            u = self.utility
            yield ReportFigure("per_class", *(figures.plot_per_class(u, t) for t in themes))
            for name, scores, title in (
                ("confusion_tstr", u.tstr, "Trained on synthetic images"),
                ("confusion_trtr", u.trtr, "Trained on real images"),
            ):
                yield ReportFigure(name, *(figures.plot_confusion(scores, u.classes, title, t) for t in themes))
        if isinstance(self.benefit, BenefitResult):
            benefit = self.benefit
            yield ReportFigure("benefit", *(plot_benefit(benefit, t) for t in themes))
        if self.commitment is not None:
            c = self.commitment
            yield ReportFigure("commitment", *(figures.plot_commitment(c, t) for t in themes))
            if self.probe is not None:
                probe = self.probe
                yield ReportFigure("probe", *(figures.plot_probe(probe, c, t, note) for t in themes))
        if self.effect is not None:
            effect = self.effect
            yield ReportFigure("effect", *(plot_effect(effect, t, note) for t in themes))
        if self.traversal is not None:
            yield ReportFigure("traversal", self.traversal, self.traversal)
        if self.sorting is not None and self.prior is not None:
            sorting, prior = self.sorting, self.prior
            yield ReportFigure("sorting", *(figures.plot_sorting(sorting, t) for t in themes))
            yield ReportFigure("codes", *(plot_codes(sorting, prior, t) for t in themes))
            yield ReportFigure("pairs", *(plot_pairs(sorting, prior, t, note) for t in themes))
        if isinstance(self.correlation, CorrelationResult):
            correlation = self.correlation
            yield ReportFigure("correlation", *(plot_correlation(correlation, t, note) for t in themes))
        if isinstance(self.privacy, PrivacyResult) and real_images:
            privacy = self.privacy
            yield ReportFigure("closest", *(plot_closest(privacy, t) for t in themes))

    def write(self, out: Path, *, real_images: bool = True) -> Path:
        """Writes report.json, report.html and figures/*.png into a folder.

        Args:
            out: The folder; figures of an earlier report that this one lacks are removed from it.
            real_images: False leaves out every real image, so that the report can be shown where they can't. Generated
                ones stay, and may repeat real ones.

        Returns:
            The path of report.html.

        Raises:
            SemirayError: If the folder can't be written to.
        """
        from semiray.evaluation.page import render_page

        out = Path(out)
        try:
            (out / "figures").mkdir(parents=True, exist_ok=True)
            images: dict[str, tuple[bytes, bytes]] = {}
            for figure in self.figures(real_images):
                light = encode_png(figure.light)
                images[figure.name] = (light, light if figure.dark is figure.light else encode_png(figure.dark))
                write_whole(out / "figures" / f"{figure.name}.png", light)
            for name in FIGURES - images.keys():  # of an earlier report: it would be taken for this one's
                (out / "figures" / f"{name}.png").unlink(missing_ok=True)
            content = self.to_dict()
            page = render_page(self, content, images, real_images=real_images)
            write_whole(out / "report.html", page.encode())
            write_whole(out / "report.json", (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            raise SemirayError(f"{out}: the report can't be written ({error.strerror or error}).") from error
        return out / "report.html"
