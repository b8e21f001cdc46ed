from typing import Any

import pytest

from semiray.errors import SemirayError
from semiray.evaluation.options import QUICK_BENEFIT, BenefitSettings, EvaluationOptions, UtilitySettings


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"patience": 0}, "patience = 0"),
        ({"share": 1.0}, "between 0 and 1"),
        ({"seeds": 0}, "seeds = 0"),
        ({"batch": 1}, "batch = 1"),
    ],
)
def test_benefit_settings_out_of_range(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(SemirayError, match=says):
        BenefitSettings(**wrong)


def test_a_number_below_1_is_an_error() -> None:
    with pytest.raises(SemirayError, match="seeds = 0"):
        UtilitySettings(seeds=0)
    with pytest.raises(SemirayError, match="resamples = 0"):
        EvaluationOptions(resamples=0)


def test_changes_are_checked() -> None:
    assert EvaluationOptions(seeds=2).changed(steps=7) == EvaluationOptions(seeds=2, steps=7)
    with pytest.raises(SemirayError, match="option sedes: unexpected"):
        EvaluationOptions().changed(sedes=1)
    with pytest.raises(SemirayError, match="option steps: input should be a valid integer"):
        EvaluationOptions().changed(steps="many")


def test_the_benefit_is_measured_unless_declined() -> None:
    assert EvaluationOptions().resolved().benefit == BenefitSettings()
    assert EvaluationOptions(quick=True).resolved().benefit == QUICK_BENEFIT
    mine = BenefitSettings(seeds=1)
    for quick in (True, False):
        assert EvaluationOptions(benefit=mine, quick=quick).resolved().benefit is mine
        for declined in (None, False):
            assert EvaluationOptions(benefit=declined, quick=quick).resolved().benefit is None


def test_quick_never_enlarges() -> None:
    quick = EvaluationOptions(quick=True, steps=100).resolved()
    assert quick.utility == UtilitySettings(seeds=1, steps=100, n_synthetic=1800, resamples=300)
    assert (quick.probe_steps, quick.commitment_images) == (200, 500)
    assert (quick.effect_patients, quick.permutations) == (16, 249)
