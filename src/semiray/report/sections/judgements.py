"""The report's sections, one a judgement of a run: what was measured, how, beside which floor or ceiling."""

from __future__ import annotations

from html import escape
from math import isnan
from typing import TYPE_CHECKING, Any

from semiray.evaluation.judgements.correlation import CorrelationResult
from semiray.evaluation.judgements.energy import EnergyResult
from semiray.evaluation.judgements.fidelity import MEASURES as FIDELITY
from semiray.evaluation.judgements.fidelity import FidelityResult
from semiray.evaluation.judgements.grounding import ConcordanceResult
from semiray.evaluation.judgements.privacy import PrivacyResult
from semiray.evaluation.judgements.shortcuts import VIEWS
from semiray.evaluation.judgements.sorting import SortingResult
from semiray.evaluation.judgements.utility import UtilityResult
from semiray.evaluation.judges.feature_spaces import SPACES
from semiray.evaluation.skipped import Skipped
from semiray.evaluation.statistics.classification import SPECIFICITY
from semiray.radiographs.pixels.copies import COPY
from semiray.report.markup import Images, cell, cells, figure, table
from semiray.report.plots.classification import CONDITIONS

if TYPE_CHECKING:
    from semiray.evaluation.results import Results
    from semiray.evaluation.statistics.classification import ClassificationScores

__all__ = ["commitment", "fidelity", "grounding", "privacy", "shortcuts", "sorting", "utility"]

MEASURES = {
    "r2": "R²",
    "accuracy": "accuracy",
    "ks": "KS",
    "total_variation": "total variation",
    "auroc": "AUROC",
    "concordance": "concordance",
}


def utility(report: Results, images: Images) -> str:
    """TSTR beside TRTR, or why they could not be measured."""
    result = report.utility
    if not isinstance(result, UtilityResult):
        return f"<p>Not measured: {escape(result.reason)}</p>"
    s, tstr, trtr = result.settings, result.tstr, result.trtr
    seeds = f"{s.seeds} trainings a side" if s.seeds > 1 else "one training a side"
    seen = "neither it nor the generator has seen" if report.prior is not None else "it has not seen"
    text = (
        f"<p>The same small CNN, {seeds}, is trained on {tstr.n_train:,} synthetic images and on {trtr.n_train:,} real "
        f"images of {result.n_train_patients:,} patients, and tested on {tstr.n_images:,} real images of "
        f"{tstr.n_patients:,} other patients that {seen}. {s.steps:,} steps of {s.batch} images, classes drawn evenly, "
        "the same augmentation: fixed beforehand.</p>"
    )
    overall = table(
        ["", "balanced accuracy", "accuracy", "AUROC", "average precision", "calibration error"],
        [
            ['<span class="synthetic">synthetic</span>', *_overall_cells(tstr)],
            ['<span class="real">real</span>', *_overall_cells(trtr)],
            ["chance", f"{result.chance:.3f}", "", "0.500", f"{result.chance:.3f}", ""],
        ],
    )
    rows = []
    for a, b in zip(tstr.per_class, trtr.per_class, strict=True):
        tested = f"<small>{a.n_images:,} images, {a.n_patients:,} patients</small>"
        rows.append([f'{escape(a.name)} <span class="synthetic">synthetic</span>', *_class_cells(a), tested])
        rows.append([f'{escape(b.name)} <span class="real">real</span>', *_class_cells(b), tested])
    at = f"recall at {SPECIFICITY:.0%} specificity"
    per_class = table(["class, trained on", "precision", "recall", "F1", "AUROC", at, "tested on"], rows)
    matrices = (
        '<div class="pair">'
        + figure(
            images,
            "confusion_tstr",
            "Per cent of each true class, and images, averaged over trainings.",
            "small-figure",
        )
        + figure(images, "confusion_trtr", "The ceiling, on the same patients.", "small-figure")
        + "</div>"
    )
    return (
        text
        + overall
        + figure(
            images,
            "per_class",
            "Dots: mean over trainings. Lines: 95 % bootstrap over patients and trainings. Dashes: guessing.",
        )
        + per_class
        + matrices
        + _reports("Classification reports, trained on synthetic", tstr)
        + _reports("Classification reports, trained on real", trtr)
    )


def commitment(report: Results, images: Images) -> str:
    """Commitment by the sorter, by a fresh probe, and as visible effect."""
    sorter, probe, effect = report.commitment, report.probe, report.effect
    if sorter is None:
        return ""
    text = (
        f"<p>{sorter.n_images:,} freshly generated images, of other seeds than the generator was trained with.</p>"
        + _names(report)
        + "<h3>By the sorter</h3><p><strong>This flatters:</strong> the sorter trained the generator and was rewarded "
        "for agreeing with it.</p>" + figure(images, "commitment", "", "small-figure")
    )
    if probe is not None:
        text += (
            "<h3>By a fresh probe</h3><p>A network that has not met the generator was trained on "
            f"{probe.n_train:,} other generated images ({probe.steps:,} batches; clean, noisy, halved and compressed "
            "ones alike) to read their codes. Noise: standard deviation 12.75 of 255 grey levels. Half size: and back. "
            "JPEG: quality 50. What the probe reads there, an eye or a classifier can use. Intervals hold the chance "
            "of the test images, not of training the probe.</p>"
        )
        text += figure(images, "probe", "Dots: the probe. Rings: the sorter. Lines: 95 % bootstrap over images.")
    if effect is not None:
        text += (
            "<h3>Visible effect</h3><p>The mean absolute change, in grey levels of 255, as one dimension alone goes "
            "from its 5 % to its 95 % quantile (a discrete one from its lowest to its highest value), all else held; "
            f"mean over {effect.n_patients:,} imagined patients. The floor is 0; two patients of one class differ by "
            f"{effect.between:.1f}.</p>"
        )
        text += figure(images, "effect", "Where it changes. An even tint is a veil, a checkered one a grid.")
    head, columns = ["dimension", "measure", "sorter"], [[cell(d.value, d.low, d.high) for d in sorter.dimensions]]
    if probe is not None:
        for name, found in probe.conditions.items():
            head.append(f"probe: {CONDITIONS[name]}")
            columns.append([cell(d.value, d.low, d.high) for d in found.dimensions])
    head.append("floor")
    columns.append([f"{d.floor:.2f}" for d in sorter.dimensions])
    if effect is not None:
        head.append("effect")
        columns.append([f"{d.value:.1f} <small>{d.low:.1f}–{d.high:.1f}</small>" for d in effect.dimensions])
    rows = [
        [escape(d.name), MEASURES[d.measure], *found]
        for d, found in zip(sorter.dimensions, zip(*columns, strict=True), strict=True)
    ]
    return text + _details("All dimensions", table(head, rows), "dimensions")


def sorting(report: Results, images: Images) -> str:
    """Sorting of held-out real images, dimension by dimension and jointly."""
    result = report.sorting
    if result is None:
        return ""
    text = (
        f"<p>Codes that the sorter reads from {result.n_images:,} held-out real images of {result.n_patients:,} "
        f"patients against the prior that was assumed.{_worst(result)}</p>" + _names(report)
    )
    rows = [
        [
            escape(d.name),
            MEASURES[d.measure],
            cell(d.value, d.low, d.high),
            f"{d.floor:.3f} <small>(95 %: {d.floor_high:.3f})</small>",
        ]
        for d in result.dimensions
    ]
    return (
        text
        + "<h3>Each dimension</h3>"
        + figure(
            images,
            "sorting",
            "KS, or total variation for discrete dimensions; less is better. Grey: what 95 of 100 samples of the prior "
            "itself stay within.",
            "small-figure",
        )
        + figure(
            images,
            "codes",
            "Continuous factors: quantiles, on the dashed line if sorted; strong: lead, faint: companions. "
            "Discrete factors: bars are shares of values, lines across them those of the prior.",
        )
        + _details("All dimensions", table(["dimension", "measure", "distance", "floor"], rows), "dimensions")
        + "<h3>All dimensions together</h3>"
        + _energy(report.energy)
        + figure(images, "pairs", "Leads in pairs and, on the diagonal, each by itself.")
        + _correlation(report.correlation)
        + figure(images, "correlation", "Correlations of scores; lines part the factors.")
    )


def grounding(report: Results) -> str:
    """How well each grounded factor's lead orders held-out patients."""
    rows = []
    for name, result in report.grounding.items():
        trained = f"{report.grounded.get(name, 0):,} images"
        if isinstance(result, ConcordanceResult):
            tested = f"{result.n_patients:,} patients, {result.n_images:,} images"
            events = f"{result.n_events:,} {'of the rarer value' if result.measure == 'auroc' else 'not censored'}"
            few = f"{result.value:.3f} <small>too few for an interval</small>"
            figure_cell = few if isnan(result.low) else cell(result.value, result.low, result.high)
            figures = [MEASURES[result.measure], figure_cell, tested, events]
        else:
            figures = ["not measured", escape(result.reason), "", ""]
        rows.append([escape(name), *figures, trained])
    return table(["factor", "measure", "figure", "tested on", "of these", "grounded on"], rows) + _names(report)


def fidelity(report: Results) -> str:
    """Likeness and coverage beside what real images of other patients reach, or why they were not measured."""
    result = report.fidelity
    if not isinstance(result, FidelityResult):
        return f"<p>Not measured: {escape(result.reason)}</p>"
    text = (
        f"<p>{result.n_compared:,} synthetic images against {result.n_reference:,} held-out patients, an image each, "
        "and beside them as many real images of other held-out patients, equally many of every class. Features: "
        f"{_space(result.space)} ({result.dimensions} numbers).</p>"
    )
    rows = [
        [FIDELITY[name], cell(m.value, m.low, m.high), cell(m.real, m.real_low, m.real_high)]
        for name, m in result.measures.items()
    ]
    head = ["", '<span class="synthetic">synthetic</span>', '<span class="real">real</span>']
    return text + table(head, rows)


def privacy(report: Results, images: Images) -> str:
    """Copies among the synthetic images, and what attackers learn of who was trained on."""
    result = report.privacy
    if not isinstance(result, PrivacyResult):
        return f"<p>Not measured: {escape(result.reason)}</p>"
    copies, alarms = result.copies, result.false_alarms
    text = (
        f"<p><strong>{int(copies.copied.sum()):,} of {len(copies.copied):,} synthetic images are copies</strong> of "
        f"one of {result.n_train:,} training images, shifted, mirrored, brighter or blurred perhaps: they lie less "
        f"than {COPY} times as far from it as another patient's image does. The same search calls "
        f"{int(alarms.copied.sum()):,} of {len(alarms.copied):,} held-out images copies, none of which is one. The "
        f"nearest synthetic image lies at {copies.ratio.min():.2f} of that distance, the nearest held-out one at "
        f"{alarms.ratio.min():.2f}.</p>"
        + figure(images, "closest", "")
        + _authenticity(result)
        + "<p>Membership: can an attacker tell the patients trained on from others?</p>"
    )
    attackers = (
        ("who holds the synthetic images", result.black_box),
        ("who holds the discriminator", result.white_box),
    )
    rows = [
        [
            who,
            *cells(found.auroc, found.true_positives),
            f"{found.floor:.3f}",
            f"{found.n_train:,} and {found.n_held_out:,} images",
        ]
        for who, found in attackers
        if found is not None
    ]
    return text + table(["attacker", "AUROC", "named for certain", "by guessing", "trained on, held out"], rows)


def _authenticity(result: PrivacyResult) -> str:
    """How near synthetic images come to training images, beside held-out ones."""
    if not result.authenticity:
        return ""
    text = (
        "<p>Nearness: the distance from an image to the nearest training image; synthetic ones should come no nearer "
        "than held-out ones, which nobody copied: their row is the reference, not 1. Authentic: the share that lies "
        "farther from its nearest training image than that image does from another patient's. Pixels: thumbnails, "
        "aligned as for copies."
    )
    rows = []
    for found in result.authenticity:
        if found.space != "pixels":
            text += f" {_space(found.space)[:1].upper()}{_space(found.space)[1:]}."
        if found.space == "trtr":
            text += (
                " It was trained on the training images, and may set them apart from all others for that: a gap there "
                "that pixels don't show may be the classifier's."
            )
        for name, side in (("synthetic", found.synthetic), ("real", found.held_out)):
            words = "synthetic" if name == "synthetic" else "held out"
            rows.append(
                [
                    f'{escape(found.space)} <span class="{name}">{words}</span>',
                    *cells(side.median, side.closest, side.authenticity),
                    f"{side.n_images:,} images",
                ]
            )
    return text + "</p>" + table(["distance in", "median", "closest 1 %", "authentic", "of"], rows)


def _space(name: str) -> str:
    """A feature space's name, and what it is where it is known."""
    return escape(name) + (f", {SPACES[name]}" if name in SPACES else "")


def shortcuts(report: Results) -> str:
    """What tells the real classes apart without the lungs."""
    result = report.shortcuts
    if result is None or not result.pairs:
        return ""
    rows = [
        [escape(" / ".join(pair.groups)), *cells(*(pair.auroc[view] for view in VIEWS)), "yes" if pair.flagged else ""]
        for pair in result.pairs
    ]
    left_out = (
        f"<p>Left out, for too few patients: {escape(', '.join(result.left_out))}.</p>" if result.left_out else ""
    )
    return table(["classes", *VIEWS, "told by the border"], rows) + left_out


def _worst(result: SortingResult) -> str:
    """The factor whose dimensions lie farthest from the prior on average, in a sentence."""
    rows: dict[str, list[Any]] = {}
    for row in result.dimensions:
        rows.setdefault(row.name.rsplit("[", 1)[0], []).append(row)
    means = {name: sum(row.value for row in found) / len(found) for name, found in rows.items()}
    worst = max(means, key=means.__getitem__)
    floor = sum(row.floor for row in rows[worst]) / len(rows[worst])
    distance = MEASURES[rows[worst][0].measure]
    return (
        f" {escape(worst)} is sorted worst: {distance} <strong>{means[worst]:.2f}</strong> from its prior on average, "
        f"floor {floor:.2f}."
    )


def _energy(result: EnergyResult | Skipped | None) -> str:
    if not isinstance(result, EnergyResult):
        return "" if result is None else f"<p>Energy distance not measured: {escape(result.reason)}</p>"
    return (
        f"<p>Energy distance of {result.n_patients:,} patients' codes, one image each, from as many draws of the "
        "prior: "
        f"<strong>{result.statistic:.3f}</strong> ({result.low:.3f} to {result.high:.3f}), which is "
        f"<strong>{result.ratio:.1f} times</strong> its floor of {result.floor:.3f}, the mean for two samples of the "
        f"prior itself (95 % of them stay below {result.floor_high:.3f}). Of {result.permutations:,} shufflings of "
        f"patients and draws a share of {result.p_value:.3f} lies as far apart: below 0.05, the codes can be told from "
        "the prior.</p>"
    )


def _correlation(result: CorrelationResult | Skipped | None) -> str:
    if not isinstance(result, CorrelationResult):
        return "" if result is None else f"<p>Correlations not compared: {escape(result.reason)}</p>"
    first, second = (escape(name) for name in result.greatest)
    return (
        f"<p>The correlations of {result.n_images:,} images' codes differ from R by "
        f"<strong>{result.mean_absolute_difference:.3f}</strong> on average ({result.low:.3f} to {result.high:.3f}); "
        f"floor {result.floor:.3f}, the same for as many draws of the prior. {first} and {second} differ most.</p>"
    )


def _names(report: Results) -> str:
    return f'<p class="faint small">{escape(report.assumed)}</p>' if report.assumed else ""


def _details(title: str, content: str, kind: str = "") -> str:
    """Shown when asked for; of the kind ``dimensions`` on paper, too."""
    return f'<details class="{kind}"><summary>{escape(title)}</summary>{content}</details>'


def _reports(title: str, scores: ClassificationScores) -> str:
    texts = "".join(f"<h3>Seed {k}</h3><pre>{escape(text)}</pre>" for k, text in enumerate(scores.reports))
    return _details(title, texts)


def _overall_cells(scores: ClassificationScores) -> list[str]:
    return cells(
        scores.balanced_accuracy, scores.accuracy, scores.auroc, scores.average_precision, scores.calibration_error
    )


def _class_cells(scores: Any) -> list[str]:
    return cells(scores.precision, scores.recall, scores.f1, scores.auroc, scores.recall_at_specificity)
