"""What a reader of a section must know first: what is measured, how to read it, floor and ceiling, caveats.

One guide a section, in words that hold for every report; the numbers of this one stand in `sections.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from semiray.evaluation.judgements.grounding import CHANCE
from semiray.evaluation.judgements.membership import FALSE_POSITIVES
from semiray.evaluation.judgements.utility import UtilityResult
from semiray.radiographs.pixels.copies import COPY
from semiray.report.markup import guide

if TYPE_CHECKING:
    from semiray.evaluation.results import Results

__all__ = ["GUIDES", "utility"]


def utility(report: Results) -> str:
    """The guide of utility, with its floor; nothing where utility was not measured."""
    u = report.utility
    if not isinstance(u, UtilityResult):
        return ""
    return guide(
        "Can the synthetic images stand in for real ones? A classifier is trained on them alone, its twin on real "
        "images; both are tested on the same real patients.",
        "Balanced accuracy is the share told right, averaged over classes. The ratio, synthetic over real, is what is "
        "kept of the real images' worth. Where its interval holds 1, a difference is not shown, which doesn't show "
        "that there is none.",
        f"Floor: guessing, {u.chance:.2f}, or {u.chance / u.trtr.balanced_accuracy.mean:.2f} as a ratio. Ceiling: the "
        "classifier trained on real images, or 1 as a ratio.",
        "One small network judges; another might tell otherwise. Intervals hold the chance of which patients were "
        "tested and, with several trainings, of the classifier's training, not of training the generator. What tells "
        "classes apart without a lung counts here, too: see Shortcuts.",
    )


BENEFIT = guide(
    "Do synthetic images help a classifier beyond what classical augmentation does? Classifiers that differ in "
    "what they learn from alone (pre-trained ones learn longer, too), tested on the same held-out patients.",
    "What counts is the distance from <em>real + classical augmentation</em>, which needs no generator. Differences "
    "are paired: same patients, same seeds. The verdict's intervals are wider than 95 %, so that its two uses of "
    "synthetic images together are wrong in about one judgement of twenty.",
    "Floor of a gain: 0; of balanced accuracy: chance. There is no ceiling.",
    "Intervals hold the chance of patients and of training classifiers, not of training the generator: for that, judge "
    "several runs. A larger classifier, or a longer schedule, might tell otherwise.",
)

COMMITMENT = guide(
    "Do generated images show what was asked of them? Codes asked for against codes read from fresh images, and how "
    "much of an image a code moves.",
    "R² (accuracy for discrete dimensions): 1 is obeyed exactly, 0 not at all, below 0 worse than not looking. A fresh "
    "probe reads clean and degraded images; what survives noise, half size and JPEG is there for an eye or a "
    "classifier.",
    "Floor: 0, or the commonest value's share for accuracy; grey in the figures. Ceiling: 1.",
    "A code can be obeyed by a veil or a grid: look at the maps of the visible effect. A probe is a lower bound: a "
    "better reader might see more. That a code is obeyed doesn't make its factor's name true.",
)

SORTING = guide(
    "Do held-out real images follow the distributions that were assumed? Codes that the sorter reads from them against "
    "the prior, each dimension alone and all together.",
    "Distances: 0 is the prior itself. KS and total variation are the greatest difference in probability. Energy "
    "distance is read as a multiple of its floor, and grows with the number of patients.",
    "Floor: the same distance of as many draws of the prior from the prior; a value within it can't be told from the "
    "prior. Ceiling of KS and total variation: 1.",
    "The sorter was trained to give this distribution: these patients are new to it, but following a distribution "
    "doesn't make a name true. With few patients everything looks sorted.",
)

GROUNDING = guide(
    "Metadata ground these factors. Does the sorter's lead put <em>held-out</em> patients in the order that their "
    "metadata know?",
    "Concordance, or AUROC where there are two values: the share of pairs of patients in the right order. Patients "
    "count alike; one still under observation is compared with those who reached their end earlier.",
    f"Floor: {CHANCE}, chance; below it, the order is turned round. Ceiling: 1.",
    "It tells of order only: no image says a number of days. Censoring that depends on the outcome bends it. Small "
    "numbers of events make it uncertain: see the interval.",
)

FIDELITY = guide(
    "Are synthetic images like real ones, and is there one like each? Compared with held-out patients in a feature "
    "space and, the last three figures, in pixels.",
    "Distances: less is better. Precision and density: how many synthetic images lie among real ones. Recall and "
    "coverage: how many real images have synthetic ones about them; low where something real is never made. Pixels: "
    "texture and detail at every scale; the strength of coarse and fine; how alike two images of a class are, which "
    "above that of real ones means less diverse.",
    "Beside every figure stands what as many real images of other patients reach: the floor of distances, the ceiling "
    "of the rest.",
    "All depend on the feature space and on the number of images: compare with the column of real images, not with "
    "other papers.",
)

PRIVACY = guide(
    "Has the generator kept its patients to itself? Copies of training images among the synthetic ones, and what "
    "attackers learn of who was trained on.",
    f"A copy lies less than {COPY} times as far from its training image as another patient's does. AUROC: how well an "
    "attacker tells training patients from others. Named for certain: the share of training images named when "
    f"{FALSE_POSITIVES:.0%} of others are named as well.",
    "Floor, and best: no more copies than false alarms among held-out images; AUROC 0.5 and the figure by guessing. "
    "Worst: 1.",
    "Copies turned or enlarged are missed. Two simple attacks are tried; a better one may succeed. That nothing is "
    "shown doesn't prove that nothing leaks.",
)

SHORTCUTS = guide(
    "Can the <em>real</em> classes be told apart without the lungs? Two at a time, by logistic regression from one "
    "poor view of an image, on patients that it has not seen.",
    "Area under the ROC curve. Border: a frame of a sixteenth of the side. Intensities: the histogram of grey levels. "
    "Thumbnail: 8 x 8 pixels. What the border tells, a network can learn instead of the disease.",
    "Floor, and best: 0.5, chance. Ceiling: 1.",
    "A disease may move intensities, and a thumbnail shows lungs: only the border warns. A border that tells nothing "
    "proves no innocence: a network sees more than a linear regression.",
)

GUIDES = {
    "Benefit": BENEFIT,
    "Commitment": COMMITMENT,
    "Sorting": SORTING,
    "Grounding": GROUNDING,
    "Fidelity and coverage": FIDELITY,
    "Privacy": PRIVACY,
    "Shortcuts": SHORTCUTS,
}
