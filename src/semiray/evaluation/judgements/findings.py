"""Findings: can they be learned from synthetic images, are they there as often, and together as often, as requested?

A classifier with an output per finding is trained on synthetic images, with the findings that were requested, and on
real ones, with those that are known; both are tested on the same held-out patients. Figures of several findings are
means over them (macro averages).

How often synthetic images show a finding is the mean probability that the classifier trained on real images gives it;
how often they show two is the mean product of two probabilities. Its own errors are part of that: so the same estimate
on held-out real images stands beside what is known of these.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from semiray.devices import choose_device
from semiray.evaluation.context import Context
from semiray.evaluation.judges.finding_classifiers import train_finding_classifiers
from semiray.evaluation.options import UtilitySettings
from semiray.evaluation.progress import Progress
from semiray.evaluation.results import Number, Result, Skipped
from semiray.evaluation.statistics.classification import ratio_interval
from semiray.evaluation.statistics.intervals import ENDS, Interval, PatientBootstrap
from semiray.evaluation.statistics.ranking import Ranking
from semiray.generation import Synthetic
from semiray.radiographs import RadiographSet

__all__ = ["FEWEST", "FindingResult", "FindingScores", "FindingsResult", "Frequency", "PairResult"]
__all__ += ["cost", "measure", "measure_findings"]

Floats = NDArray[np.float64]
FEWEST = 5
"""Test patients that must have a finding, and lack it."""


@dataclass(frozen=True)
class FindingScores(Result):
    """How well a finding, or several in the mean, is recognised: chance level 0.5, and its rate."""

    auroc: Interval
    average_precision: Interval


@dataclass(frozen=True)
class Frequency(Result):
    """How often something is seen.

    Attributes:
        requested: Share of synthetic images of which it was requested.
        estimated: Share of these that show it, by the classifiers trained on real images.
        low: Lower end of its 95 % interval (bootstrap over images; the requests are held).
        high: Upper end.
        known: Share of held-out real images that have it, of those of which it is known.
        known_estimated: The same classifiers' estimate of these.
    """

    requested: Number
    estimated: Number
    low: Number
    high: Number
    known: Number
    known_estimated: Number


@dataclass(frozen=True)
class FindingResult(Result):
    """One finding.

    Attributes:
        name: As the data call it.
        factor: As events call it.
        tstr: Trained on synthetic images, tested on real ones.
        trtr: Trained on real images, tested on the same: the ceiling.
        shown: AUROC of the requested finding in synthetic images, by the classifiers trained on real ones; mean over
            these.
        frequency: How often it is seen.
        n_images: Held-out real images of which it is known.
        n_patients: Their patients.
        n_present: Those images that have it.
    """

    name: str
    factor: str
    tstr: FindingScores
    trtr: FindingScores
    shown: Number
    frequency: Frequency
    n_images: int
    n_patients: int
    n_present: int


@dataclass(frozen=True)
class PairResult(Result):
    """How often two findings are seen together; names are those of the factors."""

    first: str
    second: str
    frequency: Frequency


@dataclass(frozen=True)
class FindingsResult(Result):
    """All findings of a run.

    Attributes:
        findings: Those that were measured.
        left_out: Finding -> why it wasn't.
        tstr: Means over the findings.
        trtr: The same of classifiers trained on real images: the ceiling.
        auroc_ratio: Macro AUROC of TSTR divided by that of TRTR; its floor is 0.5 / TRTR.
        average_precision_ratio: The same of average precision.
        pairs: Every two of them.
        settings: How classifiers are trained.
        n_train: Real training images of which a finding is known.
        n_train_patients: Their patients.
        n_synthetic: Synthetic images to train on.
        n_fresh: Synthetic images of which frequencies are estimated.
    """

    findings: tuple[FindingResult, ...]
    left_out: dict[str, str]
    tstr: FindingScores
    trtr: FindingScores
    auroc_ratio: Interval
    average_precision_ratio: Interval
    pairs: tuple[PairResult, ...]
    settings: UtilitySettings
    n_train: int
    n_train_patients: int
    n_synthetic: int
    n_fresh: int
    chance: float = 0.5


def cost(context: Context) -> int:
    """The trainings of classifiers on both sides."""
    return 2 * context.options.seeds * context.options.steps if context.run is not None and context.run.findings else 0


def measure(context: Context) -> FindingsResult | Skipped | None:
    """The findings of a run's images; nothing where it has learned none."""
    run = context.run
    if run is None or not run.findings:
        return None
    images = context.synthetic
    if not isinstance(images, Synthetic):
        return None
    there = {factor: name for factor, name in run.findings.items() if name in context.real.finding_names}
    left_out = dict.fromkeys(
        (name for name in run.findings.values() if name not in context.real.finding_names),
        "no image says anything of it",
    )
    if not there:
        return Skipped("the real images were read without the findings that the run has learned.")
    return measure_findings(
        images,
        context.fresh,
        context.real.take(context.split.train),
        context.real.take(context.split.test),
        there,
        context.options.utility,
        left_out=left_out,
        store=context.store,
        device=context.device,
        progress=context.stages["findings"],
    )


def measure_findings(
    synthetic: Synthetic,
    fresh: Synthetic,
    train: RadiographSet,
    test: RadiographSet,
    findings: dict[str, str],
    settings: UtilitySettings,
    *,
    left_out: dict[str, str] | None = None,
    store: Path | None = None,
    device: str | torch.device | None = "auto",
    progress: Progress | None = None,
) -> FindingsResult | Skipped:
    """Train classifiers on synthetic and on real images, test both on real patients, and compare frequencies.

    Args:
        synthetic: Images to train on.
        fresh: Other images of the same run, to look for the requested findings.
        train: Real images of training patients.
        test: Real images of other patients.
        findings: Factor -> finding.
        settings: How classifiers are trained.
        left_out: Finding -> why it isn't measured, for the result.
        store: Folder that keeps the classifiers, so that an interrupted evaluation continues; None keeps nothing.
        device: Where they are trained.
        progress: Called with (steps done, steps) of the trainings on both sides.

    Returns:
        The figures, or why there are none.
    """
    left_out, known = dict(left_out or {}), {}
    for factor, name in findings.items():
        if why := _obstacle(train, test, name):
            left_out[name] = why
        else:
            known[factor] = name
    if not known:
        return Skipped("; ".join(f"{name}: {why}" for name, why in left_out.items()))
    train, test = (_known(part, tuple(known.values())) for part in (train, test))
    columns = [synthetic.names.index(f"{factor}[0]") for factor in known]
    wanted, asked = (one.codes[:, columns].astype(np.float32) for one in (synthetic, fresh))
    place, half = choose_device(device), settings.seeds * settings.steps

    def report(done: int, _: int, before: int = 0) -> None:
        if progress is not None:
            progress(before + done, 2 * half)

    second = partial(report, before=half)
    on_synthetic = train_finding_classifiers(
        synthetic.images, wanted, settings, store=store, device=place, progress=report
    )
    on_real = train_finding_classifiers(
        train.images, train.findings, settings, store=store, device=place, progress=second
    )
    bootstrap = PatientBootstrap(
        test.patients, np.zeros(len(test), np.int64), n_seeds=settings.seeds, resamples=settings.resamples, seed=0
    )
    tables = [np.stack([_figures(read(test.images), test.findings, bootstrap) for read in on_synthetic])]
    of_real = [read(test.images) for read in on_real]
    tables.append(np.stack([_figures(probabilities, test.findings, bootstrap) for probabilities in of_real]))
    tstr, trtr = (_scores(table.mean(axis=2), bootstrap) for table in map(_fill, tables))
    seen = [read(fresh.images) for read in on_real]
    shown, mean_real = np.mean(seen, axis=0), np.mean(of_real, axis=0)
    results = [
        FindingResult(
            name=name,
            factor=factor,
            tstr=_scores(tables[0][:, :, k], bootstrap),
            trtr=_scores(tables[1][:, :, k], bootstrap),
            shown=float(np.mean([_auroc(asked[:, k], one[:, k]) for one in seen])),
            frequency=_frequency(asked[:, [k]], shown[:, [k]], test.findings[:, [k]], mean_real[:, [k]], settings),
            n_images=int((~np.isnan(test.findings[:, k])).sum()),
            n_patients=len(np.unique(test.patients[~np.isnan(test.findings[:, k])])),
            n_present=int((test.findings[:, k] == 1).sum()),
        )
        for k, (factor, name) in enumerate(known.items())
    ]
    pairs = [
        PairResult(
            first,
            second,
            _frequency(asked[:, [i, j]], shown[:, [i, j]], test.findings[:, [i, j]], mean_real[:, [i, j]], settings),
        )
        for (i, first), (j, second) in combinations(enumerate(known), 2)
    ]
    return FindingsResult(
        tuple(results),
        left_out,
        tstr,
        trtr,
        ratio_interval(tstr.auroc, trtr.auroc),
        ratio_interval(tstr.average_precision, trtr.average_precision),
        tuple(pairs),
        settings,
        n_train=len(train),
        n_train_patients=len(np.unique(train.patients)),
        n_synthetic=len(synthetic),
        n_fresh=len(fresh),
    )


def _obstacle(train: RadiographSet, test: RadiographSet, name: str) -> str:
    """Why a finding can't be measured; empty where it can."""
    for part, least, words in ((train, 1, "training"), (test, FEWEST, "held-out")):
        column = part.findings[:, part.finding_names.index(name)]
        for state, what in ((1, "have"), (0, "lack")):
            count = len(np.unique(part.patients[column == state]))
            if count < least:
                return f"{count} {words} patients {what} it; at least {least} are needed"
    return ""


def _known(data: RadiographSet, names: tuple[str, ...]) -> RadiographSet:
    """The images of which one of these findings is known, with just these."""
    places = [data.finding_names.index(name) for name in names]
    chosen = data.take(np.flatnonzero(~np.isnan(data.findings[:, places]).all(axis=1)))
    return type(data)(
        **{name: getattr(chosen, name) for name in ("images", "labels", "classes", "patients", "keys", "metadata")},
        fingerprint=chosen.fingerprint,
        finding_names=names,
        findings=chosen.findings[:, places],
    )


def _figures(probabilities: NDArray[np.float32], findings: NDArray[np.float32], bootstrap: PatientBootstrap) -> Floats:
    """(1 + R, K, 2) AUROC and average precision of every finding, of all images and of every draw."""
    weights = np.vstack([np.ones(len(findings)), bootstrap.images])
    table = []
    for k in range(findings.shape[1]):
        rows = ~np.isnan(findings[:, k])
        ranking = Ranking(findings[rows, k] == 1, probabilities[rows, k], weights[:, rows])
        table.append(np.stack([ranking.auroc(), ranking.average_precision()], axis=-1))
    return np.stack(table, axis=1)


def _fill(table: Floats) -> Floats:
    """Figures (S, 1 + R, K, 2); what a draw leaves undefined, for want of patients, is the figure of all images."""
    return np.where(np.isnan(table), table[:, :1], table)


def _scores(table: Floats, bootstrap: PatientBootstrap) -> FindingScores:
    """Scores of figures (S, 1 + R, 2)."""
    return FindingScores(*(bootstrap.interval(table[:, 0, m].tolist(), table[:, 1:, m].T) for m in range(2)))


def _auroc(requested: NDArray[np.float32], probabilities: NDArray[np.float32]) -> float:
    """NaN where all are requested, or none is."""
    return float(Ranking(requested == 1, probabilities, np.ones((1, len(requested)))).auroc()[0])


def _frequency(
    requested: NDArray[np.float32],
    estimated: NDArray[np.float32],
    known: NDArray[np.float32],
    known_estimated: NDArray[np.float32],
    settings: UtilitySettings,
) -> Frequency:
    """How often all findings of arrays (N, 1) or (N, 2) are there."""
    both, likely = requested.prod(axis=1), estimated.prod(axis=1).astype(np.float64)
    count, rows = len(likely), ~np.isnan(known).any(axis=1)
    draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), settings.resamples)
    # Images are drawn with what was requested of them: their estimates differ for that reason, too, which is no error.
    low, high = np.quantile(draws @ (likely - both) / count + both.mean(), ENDS).tolist()
    of_real = (known[rows].prod(axis=1), known_estimated[rows].prod(axis=1)) if rows.any() else ([np.nan], [np.nan])
    return Frequency(float(both.mean()), float(likely.mean()), low, high, *(float(np.mean(x)) for x in of_real))
