from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from semiray.evaluation import Skipped, UtilityResult, UtilitySettings
from semiray.evaluation.statistics.classification import ClassificationScores, score_predictions
from semiray.evaluation.statistics.intervals import PatientBootstrap
from semiray.report.headlines import verdict
from semiray.report.sections.utility import SECTION, plot_confusion, plot_per_class
from semiray.report.theme import DARK, LIGHT

NAMES = ("Viral Pneumonia", "Lung_Opacity", "A_class_with_a_very_long_name")


@pytest.fixture(scope="module")
def scores(real: Any) -> ClassificationScores:
    bootstrap = PatientBootstrap(real.patients, real.labels, resamples=20)
    right = np.eye(3, dtype=np.float32)[real.labels]
    return score_predictions([right], real.labels, NAMES, bootstrap, n_train=9, patients=real.patients)


@pytest.fixture(scope="module")
def utility(scores: ClassificationScores, make: Any) -> Any:
    def result(tstr: float = 1.0, trtr: float = 1.0, ratio: float = 1.0, seeds: int = 3) -> UtilityResult:
        sides = (replace(scores, balanced_accuracy=make.interval(x)) for x in (tstr, trtr))
        settings = UtilitySettings(seeds=seeds)
        return UtilityResult(NAMES, *sides, make.interval(ratio), make.interval(0.96), 0.5, settings, 90)

    return result


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((0.7, 0.8, 0.875), "useful, but less useful than real images."),
        ((0.8, 0.8, 1.0), "no significant difference was found; this does not prove that there is none."),
        ((0.9, 0.8, 1.12), "more useful than the real images that were available."),
        ((0.51, 0.8, 0.63), "No evidence that these images are of use"),
        ((0.7, 0.51, 1.37), "Nothing can be said about the use of these images"),
        ((0.7, 0.8, 0.875, 1), "One training per side only: a first look."),
    ],
)
def test_the_verdict_claims_what_the_intervals_do(figures: Any, said: str, utility: Any, make: Any) -> None:
    (sentence,) = verdict(make.results(utility=utility(*figures)))
    assert said in sentence


def test_the_ratio_stands_beside_chance_and_a_phantom_is_no_patient(utility: Any, make: Any) -> None:
    (sentence,) = verdict(make.results(utility=utility(0.7, 0.8, 0.875), phantom=True))
    assert "88 % of the balanced accuracy" in sentence
    assert "(86 to 90 %; chance level 62 %), and 96 % of their AUROC" in sentence
    assert "a classifier of phantoms" in sentence


def test_what_was_not_measured_is_said(make: Any) -> None:
    assert verdict(make.results(utility=Skipped("no labels.")))[0].endswith("was not measured: no labels.")


def test_the_card_has_ceiling_ratio_and_chance(utility: Any, make: Any) -> None:
    card, *_ = SECTION.headlines(utility(0.7, 0.8, 0.875), make.results())
    assert (card.figure, card.beside) == ("0.70", "ceiling 0.80")
    assert "Ratio 0.88 (0.85 to 0.90)" in card.sentence or "Ratio 0.88 (0.86 to 0.90)" in card.sentence
    assert "chance level 0.50" in card.sentence


def test_the_confusion_matrix_says_per_cent_and_images(scores: ClassificationScores) -> None:
    figure = plot_confusion(scores, NAMES, "Trained on synthetic images", LIGHT)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words.count("100%") == 3
    assert words.count("30") == 3


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_long_class_names_are_neither_cut_off_nor_overlap(
    scores: ClassificationScores, utility: Any, theme: Any
) -> None:
    for figure in (plot_confusion(scores, NAMES, "title", theme), plot_per_class(utility(), theme)):
        figure.canvas.draw()
        width, _ = figure.canvas.get_width_height()
        labels = [label for axes in figure.axes for label in axes.get_yticklabels() if label.get_text()]
        boxes = [label.get_window_extent() for label in labels]
        assert all(box.x0 >= 0 and box.x1 <= width for box in boxes)
        for above, below in pairwise(boxes[: len(NAMES)]):
            assert not above.overlaps(below)
