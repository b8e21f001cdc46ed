from dataclasses import replace
from typing import Any

import pytest

from semiray.evaluation import BenefitResult
from semiray.evaluation.judgements.benefit import FIGURES, Gain
from semiray.report.sections.benefit import ARMS, LABELS, SECTION, USES, plot_benefit
from semiray.report.theme import DARK, LIGHT


@pytest.fixture
def benefit(whole: Any) -> BenefitResult:
    found = whole[0].get(BenefitResult)
    assert isinstance(found, BenefitResult)
    return found


def changed(benefit: BenefitResult, gains: Any, make: Any, figures: tuple[str, ...] = FIGURES[:2]) -> BenefitResult:
    found = {use: Gain("real", make.interval(gain), make.interval(0.5)) for use, gain in zip(USES, gains, strict=True)}
    return replace(benefit, gains=dict.fromkeys(figures, found))


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ((0.05, 0.0), "In balanced accuracy synthetic images improve the classifier"),
        ((-0.05, -0.04), "In balanced accuracy synthetic images make the classifier worse"),
        ((0.01, -0.05), "In balanced accuracy no evidence that synthetic images improve the classifier"),
    ],
)
def test_the_verdict_claims_what_the_wider_intervals_do(
    gains: Any, said: str, benefit: BenefitResult, make: Any
) -> None:
    found = changed(benefit, gains, make)
    sentence = SECTION.verdict(found, make.results())
    assert said in sentence
    assert said.replace("balanced accuracy", "AUROC") in sentence
    assert "compared with real images only" in sentence
    assert "Balanced accuracy compared with pseudo-labelling: mixed in +0.500" in sentence
    assert "Only 1 training of each kind: a first look." in sentence
    cards = [one for one in SECTION.headlines(found, make.results()) if one.sentence]
    assert [one.value for one in cards] == [max(gains)]
    assert str(cards[0])[0] in "+−"
    assert "AUROC: " in cards[0].sentence


def test_the_verdict_names_how_scarce_labels_were(benefit: BenefitResult, make: Any) -> None:
    whole = SECTION.verdict(benefit, make.results())
    assert whole.startswith(f"Benefit, with labels of all {benefit.n_patients} training patients.")
    thinned = replace(benefit, thinned={"b": 0.1}, n_unlabelled=9, n_unlabelled_patients=7)
    said = SECTION.verdict(thinned, make.results())
    assert "b cut down to 10 % of its training patients" in said.replace("10%", "10 %")
    assert f"labels of {benefit.n_patients} of {benefit.n_patients + 7} training patients" in said


def test_the_smallest_class_is_in_the_verdict_where_classes_are_unequal(benefit: BenefitResult, make: Any) -> None:
    found = changed(benefit, (0.05, 0.0), make, FIGURES)
    sentence = SECTION.verdict(found, make.results())
    assert f"In recall of {benefit.minority} at 90% specificity synthetic images improve" in sentence
    assert f"In average precision of {benefit.minority} synthetic images improve" in sentence
    titles = [one.name for one in SECTION.headlines(found, make.results())]
    assert len(set(titles)) == len(titles) == 8


def test_the_names_are_those_of_the_arms(benefit: BenefitResult) -> None:
    assert {*ARMS} == {*benefit.arms, "pseudo"} == {*LABELS}
    assert set(USES) == set(benefit.gains["auroc"])


@pytest.mark.parametrize(
    ("own", "said"), [(True, "on the same patients"), (None, "is not known"), (False, "other patients")]
)
def test_the_body_says_whom_the_generator_has_seen(own: Any, said: str, benefit: BenefitResult, make: Any) -> None:
    blocks = SECTION.body(replace(benefit, own=own), make.results())
    text = " ".join(block for block in blocks if isinstance(block, str))
    assert said in text


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_figure_has_a_panel_per_figure(benefit: BenefitResult, theme: Any, make: Any) -> None:
    figure = plot_benefit(changed(benefit, (0.05, 0.0), make, FIGURES), theme)
    figure.canvas.draw()
    titles = [axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes]
    assert titles[:2] == ["Balanced accuracy", "AUROC"]
    assert benefit.minority in titles[2]
    assert len(titles) == 4
