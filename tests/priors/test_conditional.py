"""The conditional prior: every draw obeys, the distribution is the true conditional one, the probability is right."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from semiray.errors import SemirayError
from semiray.priors import ConditionalPrior, Factor, JointPrior, read_event


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_draw_obeys_and_equal_seeds_give_equal_draws() -> None:
    prior = JointPrior.default()
    for text in (
        "survival == 1 and duration <= 14",
        "all(survival) == 1 or duration[3] > 20",
        "presentation < texture and not any(duration) > 30",
    ):
        conditional = prior.given(text)
        assert conditional.event == text
        codes = conditional.sample(2_000, _generator(3))
        assert codes.shape == (2_000, 20)
        assert codes.dtype == torch.float32
        assert read_event(text, prior.slices, prior.discrete)(codes).all()
        assert torch.equal(codes, conditional.sample(2_000, _generator(3)))
        assert not torch.equal(codes, conditional.sample(2_000, _generator(4)))


def test_probability_of_events_known_in_closed_form() -> None:
    prior = JointPrior.default()
    quadrant = 0.25 + math.asin(0.5) / (2 * math.pi)  # P(both of two scores correlated 0.5 are positive), Sheppard 1899
    for text, truth in (
        ("survival == 1", 0.5),
        ("duration <= 14", 1 - math.exp(-1.4)),
        ("survival == 1 and duration <= 14", 0.5 * (1 - math.exp(-1.4))),
        ("survival == 1 and survival[1] == 1", quadrant),
        ("all(survival) == 1", 1 / 6),  # five scores correlated 0.5: the sixth is the lowest of six
        ("0.5 < presentation", 0.25),
        ("duration > 70", math.exp(-7)),
    ):
        conditional = prior.given(text)
        assert conditional.probability_error < 0.1 * conditional.probability
        assert abs(conditional.probability - truth) < 4 * conditional.probability_error, text
        assert conditional.probability == prior.given(text).probability


def test_draws_follow_the_conditional_distribution() -> None:
    codes = JointPrior.default().given("7 <= duration < 14").sample(20_000, _generator()).double()
    low, high = math.exp(-0.7), math.exp(-1.4)
    truncated = lambda c: ((low - torch.exp(-torch.tensor(c) / 10)) / (low - high)).clamp(0, 1).numpy()  # noqa: E731
    assert stats.kstest(codes[:, 5].numpy(), truncated).pvalue > 0.001
    assert stats.kstest(codes[:, 10].numpy(), stats.uniform(-1, 2).cdf).pvalue > 0.001  # independent: as before


def test_what_the_event_does_not_name_follows_it_through_the_correlation() -> None:
    prior = JointPrior([Factor("x", "normal", 3, {"mean": 0, "standard_deviation": 1}, 0.8)])
    plain = prior.sample(400_000, _generator(1))
    rejected = plain[plain[:, 1] > 1]
    direct = prior.given("x[1] > 1").sample(40_000, _generator(2))
    assert (direct[:, 1] > 1).all()
    for i in range(3):
        assert stats.ks_2samp(direct[:, i].numpy(), rejected[:, i].numpy()).pvalue > 0.001
    difference = torch.corrcoef(direct.T) - torch.corrcoef(rejected.T)
    assert float(difference.abs().max()) < 0.02


def test_an_event_on_all_dimensions_and_no_draws() -> None:
    prior = JointPrior([Factor("x", "normal", 2, {"mean": 0, "standard_deviation": 1})])
    conditional = prior.given("all(x) > 0")
    assert conditional.sample(0, _generator()).shape == (0, 2)
    assert (conditional.sample(100, _generator()) > 0).all()


def test_a_sure_event_has_probability_one() -> None:
    conditional = JointPrior.default().given("survival in {0, 1}")
    assert (conditional.probability, conditional.probability_error) == (1.0, 0.0)
    assert "probability=1" in repr(conditional)


def test_an_impossible_event_is_named_with_what_is_possible() -> None:
    prior = JointPrior.default()
    with pytest.raises(SemirayError, match=r"event 'duration < -1' did not happen .* duration is 0 days or more"):
        ConditionalPrior(prior, "duration < -1", draws=100_000)
    with pytest.raises(SemirayError, match=r"event 'survival == 2' .* impossible.* below 3e-05.* survival is 0 or 1"):
        ConditionalPrior(prior, "survival == 2", draws=100_000)


def test_draws_are_bounded() -> None:
    conditional = ConditionalPrior(JointPrior.default(), "duration > 60", draws=10_000)
    conditional.probability = 1.0  # as if the estimate had been far too high
    with pytest.raises(SemirayError, match=r"event 'duration > 60': only \d+ of 500 samples in 1\d,\d+ draws"):
        conditional.sample(500, _generator())
