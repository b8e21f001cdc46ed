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
        "mean(texture) > 0.7",
        "13.99999 < duration < 14.00001 and texture >= 0.999",
    ):
        given = prior.given(text)
        assert given.event == text
        codes = given.sample(2_000, _generator(3))
        assert codes.shape == (2_000, 20)
        assert codes.dtype == torch.float32
        assert read_event(text, prior.slices, prior.discrete)(codes).all()
        assert torch.equal(codes, given.sample(2_000, _generator(3)))
        assert torch.equal(codes, prior.given(text).sample(2_000, _generator(3)))
        assert not torch.equal(codes, given.sample(2_000, _generator(4)))


def test_probability_of_events_known_in_closed_form() -> None:
    prior = JointPrior.default()
    quadrant = 0.25 + math.asin(0.5) / (2 * math.pi)  # P(both of two scores correlated 0.5 are positive), Sheppard 1899
    for text, truth in (
        ("survival == 1", 0.5),
        ("duration <= 14", 1 - math.exp(-1.4)),
        ("survival == 1 and duration <= 14", 0.5 * (1 - math.exp(-1.4))),
        ("survival == 1 or duration <= 14", 1 - 0.5 * math.exp(-1.4)),
        ("survival == 1 and survival[1] == 1", quadrant),
        ("all(survival) == 1", 1 / 6),  # five scores correlated 0.5: the sixth is the lowest of six
        ("any(survival) == 1", 5 / 6),
        ("survival != survival[1]", 1 - 2 * quadrant),
        ("presentation < texture", 0.5),
        ("presentation < presentation[1] < presentation[2]", 1 / 6),
        ("0.5 < presentation", 0.25),
        ("duration > 70", math.exp(-7)),
        ("survival == 1 and duration > 200 and texture < -0.5", 0.5 * math.exp(-20) * 0.25),
    ):
        given = prior.given(text)
        assert given.probability_error < 0.012 * given.probability, text
        assert abs(given.probability - truth) < 4 * given.probability_error + 1e-5 * truth, text
        assert given.probability == prior.given(text).probability


@pytest.mark.parametrize("correlation", [0.3, 0.9])
def test_probability_of_boxes_agrees_with_genz_integration(correlation: float) -> None:
    prior = JointPrior([Factor("x", "normal", 4, {"mean": 0, "standard_deviation": 1}, correlation)])
    normal = stats.multivariate_normal(cov=prior.correlation.numpy(), abseps=1e-8, maxpts=100_000, seed=0)
    for text, low, high in (
        ("all(x) > 1", [1, 1, 1, 1], [9, 9, 9, 9]),
        ("x > 2 and x[1] < 0 and -1 < x[3] < 1", [2, -9, -9, -1], [9, 0, 9, 1]),
        ("all(x) > 3 and x[2] < 3.5", [3, 3, 3, 3], [9, 9, 3.5, 9]),
    ):
        given, truth = prior.given(text), normal.cdf(high, lower_limit=low)
        assert abs(given.probability - truth) < 4 * given.probability_error + 1e-3 * truth + 1e-8, text


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
    given = prior.given("all(x) > 0")
    assert given.sample(0, _generator()).shape == (0, 2)
    assert given.sample(1, _generator()).shape == (1, 2)
    assert given.sample(1).shape == (1, 2)
    assert (given.sample(200_000, _generator()) > 0).all()


def test_an_event_of_one_in_a_billion_has_its_distribution() -> None:
    """Given that it is above a, an exponential duration exceeds a by an exponential duration."""
    codes = JointPrior.default().given("duration > 207").sample(20_000, _generator()).double()
    assert stats.kstest(codes[:, 5].numpy() - 207, stats.expon(scale=10).cdf).pvalue > 0.001
    assert stats.kstest(codes[:, 0].numpy(), stats.bernoulli(0.5).cdf).statistic < 0.51  # as before
    assert abs(float(codes[:, 0].mean()) - 0.5) < 0.02


def test_a_sure_event_has_probability_one() -> None:
    given = JointPrior.default().given("survival in {0, 1}")
    assert (given.probability, given.probability_error) == (pytest.approx(1.0, abs=1e-12), 0.0)
    assert "probability=1" in repr(given)


DURATION = r"duration is 0 days or more \(draws end at 6.221e-15 and 350.1\)"
# event, what the caret stands under, what is said
IMPOSSIBLE = [
    ("survival == 2", "survival == 2", "survival is 0 or 1"),
    ("survival == 0.5", "survival == 0.5", "survival is 0 or 1"),
    ("mean(survival) == 0.5", "mean(survival) == 0.5", "survival is 0 or 1"),
    ("texture < 0 and survival[3] in {2, 3}", "survival[3] in {2, 3}", "survival is 0 or 1"),
    ("duration < -1", "duration < -1", DURATION),
    ("texture < 0 and (duration < 5 and duration > 7)", "duration < 5 and duration > 7", DURATION),
    ("duration > 1e30", "duration > 1e30", DURATION),
    ("7 <= duration <= 3", "7 <= duration <= 3", DURATION),
    ("not (survival == 0 or survival == 1)", "not (survival == 0 or survival == 1)", "survival is 0 or 1"),
    ("texture > 1 or survival > 1", "texture > 1 or survival > 1", "survival is 0 or 1; texture is -1 to 1"),
]


@pytest.mark.parametrize(("text", "under", "said"), IMPOSSIBLE, ids=[text for text, _, _ in IMPOSSIBLE])
def test_an_impossible_event_is_pointed_at_with_what_is_possible(text: str, under: str, said: str) -> None:
    with pytest.raises(SemirayError, match=f"event: this is impossible: under the prior {said}\n") as caught:
        JointPrior.default().given(text)
    _, line, caret = str(caught.value).split("\n")
    assert line == f"  {text}"
    assert line[caret.index("^") : caret.rindex("^") + 1] == under


def test_what_cannot_be_decided_is_given_up_with_a_bound() -> None:
    impossible = "presentation < texture and texture < presentation"
    with pytest.raises(
        SemirayError, match=r"0 of 16,384 draws obeyed .* impossible, or its probability is about \S+e-0"
    ):
        ConditionalPrior(JointPrior.default(), impossible, most_draws=1 << 14)
