from typing import Any

import numpy as np
import pytest

from semiray.evaluation import MembershipResult, PrivacyResult, Skipped
from semiray.evaluation.judgements.privacy import CopyCounts
from semiray.report.headlines import headlines, verdict
from semiray.report.sections.privacy import SECTION
from semiray.report.theme import LIGHT


@pytest.fixture
def privacy(make: Any) -> Any:
    def result(copies: int, alarms: int = 0, black: float = 0.5, white: float = 0.5) -> PrivacyResult:
        attackers = (MembershipResult(make.interval(x), make.interval(0.01), 0.01, 9, 9) for x in (black, white))
        counts = (CopyCounts(copies, 1000, 0.5, 1.0), CopyCounts(alarms, 100, 0.5, 1.0))
        return PrivacyResult(*counts, *attackers, 300, np.zeros((2, 2, 8, 8), np.uint8), np.array([0.5, 0.9]))

    return result


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((0,), "No copies were found, and there is no evidence"),
        ((1,), "Privacy warning: 1 of 1,000 images is a copy of a training image."),
        ((3,), "Privacy warning: 3 of 1,000 images are copies of training images."),
        ((10, 1), "Copies are no more frequent than among held-out images"),
        ((11, 1), "Privacy warning: 11 of 1,000 images are copies"),
        ((0, 0, 0.6), "Privacy warning: an attacker with the synthetic images recognises training patients"),
        ((0, 0, 0.5, 0.6), "Privacy warning: an attacker with the discriminator"),
        ((0, 0, 0.5, 0.51), "No copies were found"),
        ((0, 0, 0.5, 0.3), "No copies were found"),
    ],
)
def test_it_warns_of_copies_beyond_false_alarms_and_of_attackers(
    found: Any, said: str, privacy: Any, make: Any
) -> None:
    (sentence,) = verdict(make.results(privacy=privacy(*found)))
    assert sentence.startswith(said)
    assert ("chance level 0.50" in sentence) == ("attacker with" in said)


def test_what_was_not_measured_is_said(make: Any) -> None:
    assert verdict(make.results(privacy=Skipped("other images."))) == ["Privacy was not measured: other images."]


def test_copies_have_a_card_beside_false_alarms(privacy: Any, make: Any) -> None:
    card, *others = headlines(make.results(privacy=privacy(3, 1)))
    assert (card.figure, card.beside) == ("0.30", "false alarms 1.00")
    assert "3 of 1,000" in card.sentence
    assert [one.value for one in others] == [0.5, 0.5]


def test_closest_pairs_with_their_ratios(privacy: Any, make: Any) -> None:
    figure = SECTION.draw("closest", make.results(privacy=privacy(0)), LIGHT)
    assert figure is not None
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == ["0.50", "0.90"]
