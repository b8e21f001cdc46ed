from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from semiray.evaluation.skipped import Skipped

from semiray.evaluation import ImageSamples, Results
from semiray.evaluation.judgements.commitment import CommitmentResult, DimensionCommitment
from semiray.evaluation.judgements.fidelity import FidelityMeasure, FidelityResult
from semiray.evaluation.judgements.membership import MembershipResult
from semiray.evaluation.judgements.privacy import PrivacyResult
from semiray.evaluation.judgements.probe import ProbeResult
from semiray.evaluation.judgements.utility import UtilityResult, UtilitySettings
from semiray.evaluation.statistics.classification import Interval
from semiray.radiographs.pixels.copies import CopyResult
from semiray.report.verdict import obedience, verdict


def interval(mean: float, width: float = 0.02) -> Interval:
    return Interval(mean, mean - width, mean + width, (mean,))


def utility(tstr: Interval, trtr: Interval, ratio: Interval, seeds: int = 3) -> UtilityResult:
    sides: list[Any] = [SimpleNamespace(balanced_accuracy=one) for one in (tstr, trtr)]
    judge: Any = None
    return UtilityResult(("a", "b"), *sides, ratio, 0.5, UtilitySettings(seeds=seeds), 90, judge)


def commitment(*rows: tuple[str, str, float, float, float]) -> CommitmentResult:
    """Rows: name, measure, value, low, floor."""
    return CommitmentResult(
        tuple(DimensionCommitment(name, kind, v, low, 1.0, floor) for name, kind, v, low, floor in rows), 100
    )


def fidelity(coverage: FidelityMeasure) -> FidelityResult:
    return FidelityResult("trtr", 192, {"coverage": coverage}, 50, 50)


def privacy(copies: int, alarms: int = 0, black: float = 0.5, white: float = 0.5) -> PrivacyResult:
    def found(count: int, of: int) -> CopyResult:
        copied = np.arange(of) < count
        return CopyResult(np.zeros(of, np.int64), np.ones(of), copied, np.ones(of), np.ones(of))

    black_box, white_box = (MembershipResult(interval(x), interval(0.01), 0.01, 9, 9) for x in (black, white))
    return PrivacyResult(
        found(copies, 1000), found(alarms, 100), black_box, white_box, 300, np.zeros((1, 2, 8, 8), np.uint8)
    )


def report(**changes: Any) -> Results:
    given: dict[str, Any] = {"utility": Skipped("no labels."), "samples": ImageSamples(("",), (), ())} | changes
    return Results("run", "data", False, **given)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (utility(interval(0.7), interval(0.8), interval(0.875)), "of use, but less than real images are."),
        (utility(interval(0.8), interval(0.8), interval(1.0)), "a difference is not shown, which doesn't show"),
        (utility(interval(0.9), interval(0.8), interval(1.12)), "more than the real images that were there."),
        (utility(interval(0.51), interval(0.8), interval(0.63)), "Not shown to be of use"),
        (utility(interval(0.7), interval(0.51), interval(1.37)), "can't be said: even trained on the real images"),
        (utility(interval(0.7), interval(0.8), interval(0.875), 1), "One training a side: a first look."),
        (Skipped("no labels."), "not measured: no labels."),
    ],
)
def test_utility_claims_what_the_ratios_interval_does(found: Any, said: str) -> None:
    (first, *_) = verdict(report(utility=found))
    assert said in first


def test_the_ratio_stands_beside_what_guessing_gives() -> None:
    (first, *_) = verdict(report(utility=utility(interval(0.7), interval(0.8), interval(0.875))))
    assert "88 % of the balanced accuracy" in first
    assert "(86 to 90 %; guessing 62 %)" in first


SORTER = commitment(("a[0]", "r2", 0.9, 0.8, 0.0), ("b[0]", "accuracy", 0.95, 0.94, 0.9))


def test_the_factor_obeyed_least_is_measured_from_its_floor() -> None:
    found = report(commitment=SORTER)
    assert [one.factor for one in obedience(found) if one.shown] == ["a", "b"]
    text = " ".join(verdict(found))
    assert "What is asked of all 2 factors" in text
    assert "b least, accuracy 0.95 of 1 by the sorter, which flatters, guessing 0.90" in text


def test_the_probe_speaks_where_it_reads_worst_and_what_is_not_shown_is_said() -> None:
    blind = commitment(("a[0]", "r2", 0.02, -0.1, 0.0), ("b[0]", "accuracy", 0.95, 0.94, 0.9))
    conditions = {"clean": SORTER, "noise": blind, "half": SORTER, "jpeg": SORTER}
    text = " ".join(verdict(report(commitment=SORTER, probe=ProbeResult(conditions, 100, 10))))
    assert "It is not shown that images obey what is asked of a" in text
    assert "better than by guessing" not in text


def test_a_lack_of_variety_is_claimed_only_where_intervals_part() -> None:
    less = FidelityMeasure(0.5, 0.4, 0.6, 0.9, 0.85, 0.95)
    assert "lack some of the variety of real images: coverage 0.50 (0.40 to 0.60), real images 0.90" in " ".join(
        verdict(report(fidelity=fidelity(less)))
    ).replace("They", "they")
    alike = replace(less, high=0.86)
    assert "That they lack variety is not shown" in " ".join(verdict(report(fidelity=fidelity(alike))))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (privacy(0), "No copies were found, and it is not shown"),
        (privacy(1), "Privacy warning: 1 of 1,000 images is a copy of a training image."),
        (privacy(3), "Privacy warning: 3 of 1,000 images are copies of training images."),
        (privacy(10, alarms=1), "Copies are called no more often than among images of others"),
        (privacy(11, alarms=1), "11 of 1,000 images are copies"),
        (privacy(0, black=0.6), "Privacy warning: who holds the synthetic images can tell"),
        (privacy(0, white=0.6), "AUROC 0.60, 0.58 to 0.62; guessing 0.50"),
        (privacy(0, white=0.51), "No copies were found"),
        (privacy(0, white=0.3), "No copies were found"),
        (Skipped("other images."), "Privacy was not measured: other images."),
    ],
)
def test_privacy_warns_of_copies_beyond_false_alarms_and_of_what_attackers_learn(found: Any, said: str) -> None:
    last = verdict(report(privacy=found))[-1]
    assert said in last
    assert ("warning" in last) == ("warning" in said or "AUROC" in said or "11 of" in said)


def test_it_has_one_to_four_entries_in_words_for_people(whole: Any) -> None:
    for found in (report(), whole[0]):
        sentences = verdict(found)
        assert 1 <= len(sentences) <= 4
        assert not any(word in " ".join(sentences) for word in ("p =", "p-value", "significan", "null hypothesis"))
        assert all(sentence[0].isupper() and sentence[-1] == "." for sentence in sentences)


def test_the_phantoms_classifier_is_no_doctor() -> None:
    found = replace(report(utility=utility(interval(0.7), interval(0.8), interval(0.875))), phantom=True)
    assert "a classifier of phantoms" in verdict(found)[0]
