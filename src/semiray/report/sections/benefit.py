"""The report's section on benefit: what synthetic images add beyond classical augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING

from semiray.evaluation.judgements.benefit import ARMS, USES, BenefitResult
from semiray.evaluation.statistics.classification import SPECIFICITY, ClassificationScores, Interval
from semiray.report.markup import Images, cells, figure, table

if TYPE_CHECKING:
    from semiray.evaluation.results import Results

__all__ = ["benefit"]


def benefit(report: Results, images: Images) -> str:
    """Verdict, curve, tables; or why not."""
    result = report.benefit
    if not isinstance(result, BenefitResult):
        return f"<p>Not measured: {escape(result.reason)}</p>"
    s = result.settings
    text = (
        f"<p><strong>{escape(result.verdict())}</strong></p>"
        f"<p>Classifier: {escape(s.architecture.name)}. "
        f"{s.seeds} trainings each, {s.steps:,} steps of {s.batch} images on all patients and fewer on fewer "
        f"({s.steps_at(s.fractions[0]):,} at {s.fractions[0]:.0%}), classes drawn evenly, all fixed beforehand. "
        f"Pre-training is {s.steps:,} steps more, whatever the fraction: part of its gain may be the longer training. "
        "Classical augmentation: rotation up to 10°, shifts, scale, contrast, "
        f"brightness{', mirroring' if s.mirror else '; no mirroring, a heart on the right is another finding'}. "
        f"Where images are mixed, {s.share:.0%} of a batch are synthetic, from {result.n_synthetic:,}.</p>"
    )
    text += f"<p>{_premise(result)}</p>"
    if result.own:
        text += (
            "<p>With fewer than all patients the comparison favours synthetic images: the generator has learnt from "
            "<em>all</em> training patients, the classifier sees a part of them. It then stands for a hospital that "
            "shares synthetic images in place of its own. Only the last column tells of augmentation.</p>"
        )
    columns = [f"{f:.0%}<br><small>{result.n_patients[f]:,.0f} patients</small>" for f in s.fractions]
    rows = [
        [escape(name), *_narrow(scores.balanced_accuracy for scores in result.arms[arm].values())]
        for arm, name in ARMS.items()
    ]
    gains = [
        [f"gain, synthetic {use}", *(_gain(gain) for gain in result.gains[arm].values())] for arm, use in USES.items()
    ]
    text += (
        figure(images, "benefit", "")
        + "<h3>Balanced accuracy</h3>"
        + table(["learnt from", *columns], [*rows, *gains])
        + "<h3>Synthetic images alone, and how many to mix in</h3>"
        + table(
            ["learnt from", "balanced accuracy", "AUROC", "average precision", "calibration error"],
            [
                *(_overall(f"{n:,} synthetic images", one) for n, one in sorted(result.synthetic_only.items())),
                *(
                    _overall(f"all patients, {share:.0%} of a batch synthetic", one)
                    for share, one in sorted(result.mixing.items())
                ),
            ],
        )
    )
    k = result.classes.index(result.minority)
    measures: list[tuple[str, Callable[[ClassificationScores], Interval]]] = [
        ("AUROC", lambda one: one.auroc),
        ("Average precision", lambda one: one.average_precision),
        ("Expected calibration error (0 is calibrated)", lambda one: one.calibration_error),
        (f"Recall of {result.minority}, the class of fewest patients", lambda one: one.per_class[k].recall),
    ]
    measures += [
        (f"Recall of {name} at {SPECIFICITY:.0%} specificity", lambda one, j=j: one.per_class[j].recall_at_specificity)  # type: ignore[misc]
        for j, name in enumerate(result.classes)
    ]
    for title, read in measures:
        arms = [[escape(name), *_narrow(map(read, result.arms[arm].values()))] for arm, name in ARMS.items()]
        text += f"<details><summary>{escape(title)}</summary>{table(['learnt from', *columns], arms)}</details>"
    return text


def _premise(result: BenefitResult) -> str:
    """Whom the generator has seen, on which it depends what the last column tells."""
    if result.own:
        return (
            "The generator has seen all training patients, and no other: in the last column, no more than classifiers."
        )
    if result.own is None:
        return (
            "Whom the generator has seen isn't known here: more patients than these, then a gain is theirs; these test "
            "patients, then it flatters."
        )
    return "The generator was trained on other patients: a gain is what they add, not augmentation of these."


def _narrow(figures: Iterable[Interval]) -> list[str]:
    """Cells with the interval below the figure, so that the last column, which matters most, stays on the page."""
    return [text.replace(" <small>", "<br><small>") for text in cells(*figures)]


def _overall(name: str, scores: ClassificationScores) -> list[str]:
    return [
        escape(name),
        *cells(scores.balanced_accuracy, scores.auroc, scores.average_precision, scores.calibration_error),
    ]


def _gain(gain: Interval) -> str:
    return f"{gain.mean:+.3f}<br><small>{gain.low:+.3f} to {gain.high:+.3f}</small>".replace("-", "−")
