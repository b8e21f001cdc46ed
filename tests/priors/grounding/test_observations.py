"""Observations: what rows say, what they leave open, and that a patient counts once."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from scipy import stats

from semiray.errors import SemirayError
from semiray.priors import JointPrior, Observations, observe, read_grounds

PRIOR = JointPrior.from_dict(
    {
        "factors": {
            "survival": {"family": "bernoulli", "probability": 0.7},
            "duration": {"family": "exponential", "mean": 10, "unit": "days"},
            "severity": {"family": "categorical", "probabilities": [0.5, 0.3, 0.2], "values": [0, 1, 4]},
            "side": {"family": "uniform", "low": -1, "high": 1},
        }
    }
)
NAN, INF = math.nan, math.inf


def seen_in(factor: str, cells: list[tuple[str, ...]], patients: str = "", **rule: Any) -> Observations:
    """What rows of cells, the rule's columns in order, say of a factor; each row a patient unless letters say whose."""
    columns = [rule[option] for option in ("column", "time", "event") if option in rule]
    rows = [dict(zip(columns, row, strict=True)) for row in cells]
    whose = list(patients) or [str(i) for i in range(len(rows))]
    return observe(rows, whose, read_grounds({factor: rule}, PRIOR), PRIOR)[factor]


def same(tensor: torch.Tensor, expected: list[float]) -> bool:
    return torch.equal(tensor.nan_to_num(-99.0), torch.tensor(expected, dtype=torch.float64).nan_to_num(-99.0))


def test_words_numbers_and_gaps() -> None:
    seen = seen_in("survival", [("Y",), ("no",), ("",), ("unknown",), ("1",), ("0.0",), ("dead",)], column="s")
    assert same(seen.value, [1, 0, NAN, NAN, 1, 0, 0])
    assert not seen.censored.any()
    assert (seen.images, seen.patients, seen.events) == (5, 5, 5)


def test_a_time_is_an_end_or_a_bound_or_nothing() -> None:
    rows = [("5", "yes"), ("6", "0"), ("7", ""), ("", "yes"), ("8", "TRUE"), ("9", "n")]
    seen = seen_in("duration", rows, time="days", event="ended")
    assert same(seen.value, [5, 6, NAN, NAN, 8, 9])
    assert seen.censored.tolist() == [False, True, False, False, False, True]
    assert (seen.patients, seen.events) == (4, 2)


def test_values_say_what_outcomes_mean_even_an_empty_cell() -> None:
    rule = {"time": "t", "event": "e", "values": {"discharged": 1, "in hospital": 0, "": 0, "moved": None}}
    seen = seen_in("duration", [("3", "Discharged"), ("4", "in hospital"), ("5", ""), ("6", "moved")], **rule)
    assert same(seen.value, [3, 4, 5, NAN])
    assert seen.censored.tolist() == [False, True, True, False]


def test_every_observed_patient_counts_once() -> None:
    seen = seen_in("survival", [("1",), ("1",), ("",), ("0",), ("",)], "aaabc", column="s")
    assert same(seen.weight, [0.5, 0.5, 0, 1, 0])
    assert float(seen.weight.sum()) == seen.patients == 2


def test_patients_whose_rows_differ_are_counted() -> None:
    assert seen_in("survival", [("1",), ("0",), ("1",), ("1",)], "aabb", column="s").disagreeing == 1


def test_scores_of_exact_and_censored_times() -> None:
    seen = seen_in("duration", [("4", "yes"), ("25", "no"), ("", "")], time="t", event="e")
    low, high = seen.interval(PRIOR.marginal("duration"))
    expected = stats.norm.ppf(stats.expon(scale=10).cdf([4, 25]))
    assert low[:2].tolist() == pytest.approx(expected)
    assert high.tolist() == pytest.approx([expected[0], INF, INF])
    assert float(low[2]) == -INF


def test_scores_of_discrete_values_tile_the_line() -> None:
    seen = seen_in("severity", [("0",), ("1",), ("4",)], column="c")
    low, high = seen.interval(PRIOR.marginal("severity"))
    assert low.tolist() == pytest.approx([-INF, 0.0, stats.norm.ppf(0.8)])
    assert high.tolist() == pytest.approx([0.0, stats.norm.ppf(0.8), INF])
    mass = torch.special.ndtr(high) - torch.special.ndtr(low)
    assert mass.tolist() == pytest.approx([0.5, 0.3, 0.2])


def test_zero_days_have_a_finite_score_and_censored_at_zero_says_nothing() -> None:
    rows = [("0", "yes"), ("3", "yes"), ("0", "no")]
    seen = seen_in("duration", rows, time="t", event="e")
    assert same(seen.value, [0.5, 3, NAN])
    assert seen.interval(PRIOR.marginal("duration"))[0][:2].isfinite().all()
    finer = seen_in("duration", [("0", "yes"), ("2.5", "yes")], time="t", event="e")
    assert same(finer.value, [0.05, 2.5])


def test_both_ends_of_a_range_are_moved_inwards() -> None:
    assert same(seen_in("side", [("-1",), ("0.25",), ("1",)], column="c").value, [-0.995, 0.25, 0.995])
    assert same(seen_in("side", [("-1",), ("1",)], column="c").value, [-0.5, 0.5])


def test_rows_without_the_columns_are_open_and_no_rows_are_none() -> None:
    rules = read_grounds({"survival": {"column": "s"}}, PRIOR)
    assert same(observe([{"s": "1"}, {}], ["a", "b"], rules, PRIOR)["survival"].value, [1, NAN])
    assert len(observe([], [], rules, PRIOR)["survival"]) == 0


WRONG = [
    (
        "survival",
        {"column": "s"},
        ["2"],
        r"row 1, column 's', is 2, which is impossible under the prior: the factor is 0 or 1\.",
    ),
    ("duration", {"column": "d"}, ["4", "-3", "-4"], r"row 2, column 'd', is -3, .* 0 days or more \(and 1 more\)"),
    ("side", {"column": "c"}, ["1.5"], r"side: row 1, .* -1 to 1"),
    ("severity", {"column": "c"}, ["2"], r"is 2, .* 0, 1 or 4"),
    (
        "survival",
        {"column": "s"},
        ["1", "perhaps"],
        r"row 2, column 's': 'perhaps' is not a number .*values: \{'perhaps'",
    ),
    ("duration", {"column": "d"}, ["yes"], r"'yes' is not a number\."),
]


@pytest.mark.parametrize(("factor", "rule", "cells", "message"), WRONG)
def test_what_cannot_be_is_named(factor: str, rule: dict[str, str], cells: list[str], message: str) -> None:
    with pytest.raises(SemirayError, match=message):
        seen_in(factor, [(cell,) for cell in cells], **rule)


def test_an_event_is_yes_or_no() -> None:
    for cell in ("2", "discharged"):
        with pytest.raises(SemirayError, match=rf"duration: row 1, column 'e': '{cell}' is n"):
            seen_in("duration", [("3", cell)], time="t", event="e")


def test_a_missing_column_is_named_with_those_there_and_rows_by_their_names() -> None:
    rules = read_grounds({"survival": {"column": "survivl"}}, PRIOR)
    with pytest.raises(SemirayError, match=r"no column 'survivl', did you mean 'survival'\?; .* are age, survival"):
        observe([{"age": "3", "survival": "1"}], ["a"], rules, PRIOR)
    rules = read_grounds({"survival": {"column": "survival"}}, PRIOR)
    with pytest.raises(SemirayError, match=r"b\.png, column 'survival'"):
        observe([{"survival": "1"}, {"survival": "so so"}], ["a", "b"], rules, PRIOR, names=["a.png", "b.png"])


@pytest.mark.parametrize("factor", PRIOR.slices)
def test_ranks_of_a_measure_are_distributed_as_the_prior_whatever_it_is(factor: str) -> None:
    measured = torch.rand(1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64) ** 9
    marginal = PRIOR.marginal(factor)
    seen = Observations.of_ranks(measured, torch.arange(1000), marginal)
    assert seen.images == seen.patients == seen.events == 1000
    order = measured.argsort()
    low, high = (end[order] for end in seen.interval(marginal))
    if marginal.discrete:
        for value, probability in zip(marginal.values, marginal.probabilities, strict=True):
            assert float((seen.value == value).double().mean()) == pytest.approx(probability, abs=0.001)
        assert bool((low[1:] >= low[:-1]).all())
    else:
        torch.testing.assert_close(low, torch.special.ndtri((torch.arange(1000, dtype=torch.float64) + 0.5) / 1000))
        assert torch.equal(low, high)


def test_ranks_weigh_every_patient_once_and_share_ties() -> None:
    side = PRIOR.marginal("side")
    measured = torch.tensor([1.0, 1.0, 1.0, 1.0, 2.0, 3.0])
    seen = Observations.of_ranks(measured, torch.tensor([0, 0, 0, 0, 1, 2]), side)
    # Patient 0 is the lowest third, however many the images: its middle is 1/6.
    torch.testing.assert_close((seen.value + 1) / 2, torch.tensor([1 / 6] * 4 + [1 / 2, 5 / 6], dtype=torch.float64))
    assert seen.weight.tolist() == [0.25] * 4 + [1, 1]


def test_a_measure_that_was_not_taken_is_missed() -> None:
    rules = read_grounds({"side": {"measure": "asymmetry"}}, PRIOR)
    with pytest.raises(SemirayError, match="side: no measured 'asymmetry'"):
        observe([{}], ["a"], rules, PRIOR)
    seen = observe([{}] * 2, ["a", "b"], rules, PRIOR, measured={"asymmetry": torch.tensor([0.3, 0.1])})
    assert seen["side"].value.tolist() == pytest.approx([0.5, -0.5])


def test_findings_are_observations_where_they_are_known() -> None:
    prior = JointPrior.default()
    rules = read_grounds({"survival": {"finding": "Effusion"}}, prior)
    values = torch.tensor([1.0, math.nan, 0.0])
    seen = observe([{}] * 3, ["a", "a", "b"], rules, prior, findings={"Effusion": values})["survival"]
    assert seen.observed.tolist() == [True, False, True]
    assert seen.weight.tolist() == [1.0, 0.0, 1.0]
    with pytest.raises(SemirayError, match="finding 'Effusion'"):
        observe([{}], ["a"], rules, prior, findings={"Mass": values[:1]})
