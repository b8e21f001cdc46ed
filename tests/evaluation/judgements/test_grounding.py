from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from semiray.errors import SemirayError
from semiray.evaluation.judgements.grounding import ConcordanceResult, measure_concordance, measure_grounding
from semiray.evaluation.results import Skipped
from semiray.priors import Observations
from semiray.radiographs.pixels.asymmetry import lung_asymmetry
from semiray.settings import make_settings


def observations(value: Any, censored: Any = None, patient: Any = None) -> Observations:
    value = torch.as_tensor(value, dtype=torch.float64)
    none = torch.zeros(len(value), dtype=torch.bool)
    return Observations(
        value,
        none if censored is None else torch.as_tensor(censored),
        torch.arange(len(value)) if patient is None else torch.as_tensor(patient),
    )


def measured(scores: Any, seen: Observations, **options: Any) -> ConcordanceResult:
    result = measure_concordance(np.asarray(scores, np.float32), seen, **options)
    assert isinstance(result, ConcordanceResult)
    return result


def by_definition(scores: np.ndarray, value: np.ndarray, censored: np.ndarray, patient: np.ndarray) -> float:
    """Harrell's concordance of images, a patient counting once, pair by pair."""
    weight = [1 / (patient == p).sum() for p in patient]
    right = total = 0.0
    for i in range(len(scores)):
        for j in range(len(scores)):
            earlier = value[i] < value[j] or (value[i] == value[j] and censored[j])
            if patient[i] != patient[j] and not censored[i] and earlier:
                total += weight[i] * weight[j]
                right += weight[i] * weight[j] * (1.0 if scores[i] < scores[j] else 0.5 * (scores[i] == scores[j]))
    return right / total


def test_two_values_give_the_area_under_the_roc_curve() -> None:
    rng = np.random.default_rng(0)
    value = rng.integers(0, 2, 60)
    scores = (value + rng.normal(0, 1.5, 60)).round(1).astype(np.float32)  # with ties
    result = measured(scores, observations(value), binary=True)
    assert result.measure == "auroc"
    assert result.value == pytest.approx(roc_auc_score(value, scores))
    assert result.n_events == min(value.sum(), 60 - value.sum())


def test_censored_times_and_several_images_follow_the_definition() -> None:
    rng = np.random.default_rng(1)
    patient = rng.integers(0, 15, 50)
    days, censored = rng.integers(1, 9, 15)[patient].astype(float), (rng.random(15) < 0.4)[patient]
    scores = (days + rng.normal(0, 3, 50)).astype(np.float32)
    result = measured(scores, observations(days, censored, patient))
    assert result.measure == "concordance"
    assert result.value == pytest.approx(by_definition(scores, days, censored, patient))
    assert (result.n_images, result.n_patients) == (50, len(np.unique(patient)))
    assert result.n_events == len(np.unique(patient[~censored]))


def test_blocks_of_pairs_give_what_all_at_once_gives() -> None:
    rng = np.random.default_rng(5)
    patient = rng.integers(0, 20, 90)
    days, censored = rng.integers(1, 30, 20)[patient].astype(float), (rng.random(20) < 0.3)[patient]
    scores, seen = rng.normal(size=90), observations(days, censored, patient)
    whole = measured(scores, seen)
    blocks = measured(scores, seen, rows=7)
    for field in ("value", "low", "high"):
        assert getattr(blocks, field) == pytest.approx(getattr(whole, field))


def test_readings_of_different_networks_are_not_compared() -> None:
    days = np.tile(np.arange(1.0, 21.0), 2)
    fold = np.repeat([0, 1], 20)
    scores = days + 1000 * (fold == 0)  # each network has an offset of its own
    assert measured(scores, observations(days)).value < 0.8
    assert measured(scores, observations(days), within=fold).value == 1


@pytest.mark.parametrize("events", [1, 4, 5])
def test_too_few_patients_give_no_interval(events: int) -> None:
    rng = np.random.default_rng(6)
    value = np.r_[np.zeros(events), np.ones(30)]
    result = measured(rng.normal(size=events + 30), observations(value), binary=True)
    assert result.n_events == events
    assert np.isnan(result.low) == np.isnan(result.high) == (events < 5)
    assert 0 <= result.value <= 1


def test_the_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    patient = rng.integers(0, 9, 30)
    days, scores = rng.exponential(10, 9)[patient], rng.normal(size=30).astype(np.float32)
    shuffled = rng.permutation(30)
    one = measured(scores, observations(days, patient=patient))
    other = measured(scores[shuffled], observations(days[shuffled], patient=patient[shuffled]))
    assert one.value == pytest.approx(other.value)


def test_perfect_reversed_and_blind_readings() -> None:
    days = np.arange(1.0, 41.0)
    assert measured(days, observations(days)).value == 1
    assert measured(-days, observations(days)).value == 0
    blind = measured(np.zeros(40), observations(days))
    assert (blind.value, blind.low, blind.high) == (0.5, 0.5, 0.5)


def test_the_interval_of_chance_holds_half_and_narrows_with_patients() -> None:
    rng = np.random.default_rng(3)
    few, many = (measured(rng.normal(size=n), observations(rng.exponential(10, n))) for n in (30, 300))
    assert few.low < 0.5 < few.high
    assert many.low < 0.5 < many.high
    assert many.high - many.low < 0.5 * (few.high - few.low)


def test_the_interval_counts_patients_not_images() -> None:
    rng = np.random.default_rng(4)
    days = rng.exponential(10, 40)
    scores = days + rng.normal(0, 12, 40)
    patient = np.repeat(np.arange(40), 5)  # five copies of an image say no more than one
    one, five = (
        measured(scores, observations(days)),
        measured(scores[patient], observations(days[patient], None, patient)),
    )
    assert five.value == pytest.approx(one.value)
    assert five.high - five.low == pytest.approx(one.high - one.low, rel=0.15)


@pytest.mark.parametrize(
    ("value", "censored", "reason"),
    [
        ([np.nan, np.nan], [False, False], "no observation of a held-out image"),
        ([3.0, 3.0], [False, False], "no two held-out patients"),
        ([3.0, 9.0], [True, True], "no two held-out patients"),
        ([9.0, 3.0], [False, True], "no two held-out patients"),  # censored before the other's end
    ],
)
def test_what_cannot_be_compared_is_said(value: Any, censored: Any, reason: str) -> None:
    result = measure_concordance(np.zeros(2, np.float32), observations(value, censored))
    assert isinstance(result, Skipped)
    assert reason in result.reason


def test_wrong_scores_are_refused() -> None:
    with pytest.raises(SemirayError, match="one per row"):
        measure_concordance(np.zeros((2, 1), np.float32), observations([1.0, 2.0]))
    with pytest.raises(SemirayError, match="not finite"):
        measure_concordance(np.array([0, np.nan], np.float32), observations([1.0, 2.0]))


def grounded(run: Any, ground: Any) -> Any:
    return replace(run, settings=make_settings({"resolution": 32, "ground": ground}))


def test_a_grounded_run_is_asked_of_its_own_columns(set_maker: Any, run_maker: Any, tmp_path: Path) -> None:
    data = set_maker(40)
    run, _ = run_maker(tmp_path / "run", data)
    scores = np.random.default_rng(0).normal(size=(40, 20)).astype(np.float32)
    assert measure_grounding(run, data, scores) == {}
    run = grounded(run, {"duration": {"time": "days", "event": "ended"}, "survival": {"column": "outcome"}})
    missing = measure_grounding(run, data, scores)
    assert all(isinstance(found, Skipped) and "column" in found.reason for found in missing.values())
    lead = run.prior.slices["duration"].start
    rows = tuple({"days": f"{10 + s:.3f}", "ended": "yes", "outcome": "alive"} for s in scores[:, lead])
    found = measure_grounding(run, replace(data, metadata=rows), scores)
    assert isinstance(found["duration"], ConcordanceResult)
    assert found["duration"].value == 1
    assert isinstance(found["survival"], Skipped)  # nobody died


def test_a_cell_that_cannot_be_read_costs_its_own_factor_only(set_maker: Any, run_maker: Any, tmp_path: Path) -> None:
    data = set_maker(40)
    run, _ = run_maker(tmp_path / "run", data)
    run = grounded(run, {"duration": {"time": "days"}, "survival": {"column": "outcome"}})
    rows = tuple({"days": str(1 + i // 2), "outcome": "perhaps"} for i in range(40))
    found = measure_grounding(run, replace(data, metadata=rows), np.zeros((40, 20), np.float32))
    assert isinstance(found["survival"], Skipped)
    assert "perhaps" in found["survival"].reason
    assert isinstance(found["duration"], ConcordanceResult)
    assert (found["duration"].measure, found["duration"].value) == ("concordance", 0.5)


def test_a_recipe_by_its_name_is_asked_too(set_maker: Any, run_maker: Any, tmp_path: Path) -> None:
    data = set_maker(40)
    run, _ = run_maker(tmp_path / "run", data)
    found = measure_grounding(grounded(run, "hannover"), data, np.zeros((40, 20), np.float32))
    assert set(found) == {"survival", "duration"}
    assert all(isinstance(one, Skipped) and "admission_offset" in one.reason for one in found.values())


def test_a_measure_is_taken_of_the_held_out_images(set_maker: Any, run_maker: Any, tmp_path: Path) -> None:
    data = set_maker(40)
    run, _ = run_maker(tmp_path / "run", data)
    run = grounded(run, "lateral")
    scores = np.zeros((40, 20), np.float32)
    scores[:, run.prior.slices["presentation"].start] = lung_asymmetry(data.images)
    found = measure_grounding(run, data, scores)["presentation"]
    assert isinstance(found, ConcordanceResult)
    assert (found.measure, found.value, found.n_images) == ("concordance", 1, 40)
