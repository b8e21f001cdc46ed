from dataclasses import replace
from typing import Any

import pytest

from semiray.evaluation import BenefitResult
from semiray.report.sections.benefit import ARMS, SECTION, USES, plot_benefit
from semiray.report.theme import DARK, LIGHT


@pytest.fixture
def benefit(whole: Any) -> BenefitResult:
    found = whole[0].get(BenefitResult)
    assert isinstance(found, BenefitResult)
    return found


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ((0.05, 0.0), "Synthetic images improve the classifier"),
        ((-0.05, -0.04), "Synthetic images make the classifier worse"),
        ((0.01, -0.05), "No evidence that synthetic images improve the classifier"),
    ],
)
def test_the_verdict_claims_what_the_wider_intervals_do(
    gains: Any, said: str, benefit: BenefitResult, make: Any
) -> None:
    decisive = {use: make.interval(gain) for use, gain in zip(USES, gains, strict=True)}
    found = replace(benefit, decisive=decisive)
    sentence = SECTION.verdict(found, make.results())
    assert sentence.startswith(said)
    assert "Only 1 training of each kind: a first look." in sentence
    cards = [one for one in SECTION.headlines(found, make.results()) if one.sentence]
    assert [one.value for one in cards] == [max(gains)]
    assert str(cards[0])[0] in "+−"


def test_the_names_are_those_of_the_arms(benefit: BenefitResult) -> None:
    assert set(ARMS) == set(benefit.arms)
    assert set(USES) == set(benefit.decisive)


@pytest.mark.parametrize(
    ("own", "said"), [(True, "all training patients and no others"), (None, "is not known"), (False, "other patients")]
)
def test_the_body_says_whom_the_generator_has_seen(own: Any, said: str, benefit: BenefitResult, make: Any) -> None:
    blocks = SECTION.body(replace(benefit, own=own), make.results())
    text = " ".join(block for block in blocks if isinstance(block, str))
    assert said in text
    assert ("a hospital" in text) == (own is True)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_figure_has_three_panels(benefit: BenefitResult, theme: Any) -> None:
    figure = plot_benefit(benefit, theme)
    figure.canvas.draw()
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["Balanced accuracy", "Gain over classical", "Share of synthetic"]
