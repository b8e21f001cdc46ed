"""The partition: disjoint boxes that miss nothing, none undecided where numbers decide, empty if impossible."""

from __future__ import annotations

import pytest
import torch

from semiray.priors import Factor, JointPrior, read_event
from semiray.priors.events.partition import EventCodes, Partition, make_partition

PRIOR = JointPrior(
    [
        Factor("survival", "bernoulli", 5, {"probability": 0.5}),
        Factor("duration", "exponential", 5, {"mean": 10.0}),
        Factor("texture", "uniform", 2, {"low": -1.0, "high": 1.0}),
        Factor("severity", "categorical", 2, {"probabilities": [0.5, 0.3, 0.15, 0.05], "values": [-1, 0, 2, 7]}),
    ]
)

BOX_EVENTS = [
    ("duration <= 14", 1),
    ("7 <= duration < 14 and survival == 1", 1),
    ("duration <= 14 or texture > 0", None),
    ("any(duration) > 30", 5),
    ("all(survival) == 1", 1),
    ("mean(survival) == 0.6", 10),
    ("severity in {0, 2}", None),
    ("severity == severity[1] or survival < survival[1]", None),
    ("not (survival == 1 and duration > 3) and texture[1] >= 0.5", None),
    ("5 < any(duration) < 6 and not all(survival) == 0", None),
]
OTHER_EVENTS = ["mean(duration) > 20", "texture < texture[1]", "all(duration) > mean(texture)", "severity > texture"]
IMPOSSIBLE = [
    "survival == 2",
    "survival == 0.5",
    "duration < 0",
    "duration < 5 and duration > 5",
    "mean(survival) == 0.5",
    "texture > 1",
    "severity in {1, 3}",
    "duration > 1000",
    "all(texture) < texture",
    "survival > survival[1] and survival[1] > survival",
    "texture > 0.5 and texture[1] < 0.5 and texture < texture[1]",
]


def _partition(text: str, prior: JointPrior = PRIOR) -> tuple[Partition, EventCodes]:
    event = read_event(text, prior.slices, prior.discrete)
    seen = EventCodes({i: prior.marginal(prior.names[i]) for i in event.columns}, prior.dimensions)
    return make_partition(event.condition, seen, prior.correlation[list(event.columns)][:, list(event.columns)]), seen


@pytest.mark.parametrize(("text", "boxes"), BOX_EVENTS, ids=[text for text, _ in BOX_EVENTS])
def test_what_numbers_decide_is_decided(text: str, boxes: int | None) -> None:
    partition, _ = _partition(text)
    assert partition.certain.all()
    assert boxes in (None, len(partition))


@pytest.mark.parametrize("text", [text for text, _ in BOX_EVENTS] + OTHER_EVENTS)
def test_every_score_of_the_event_lies_in_one_box_and_no_other_in_a_certain_one(text: str) -> None:
    partition, seen = _partition(text)
    scores = PRIOR.sample_scores(5_000, torch.Generator().manual_seed(0))
    holds = read_event(text, PRIOR.slices, PRIOR.discrete)(PRIOR.codes(scores))
    s = scores[:, list(seen.columns)].double().unsqueeze(1)
    inside = ((s > partition.lower) & (s < partition.upper)).all(-1)
    assert (inside.sum(1) <= 1).all()
    assert inside.any(1)[holds].all()
    assert not inside[:, partition.certain].any(1)[~holds].any()


def test_a_cut_lies_between_two_scores() -> None:
    """The last 32-bit score within the box has a code that obeys, the next one hasn't: no rounding decides."""
    for text, strict in (("duration < 14", True), ("duration <= 14", False), ("texture < 0.1", True)):
        partition, seen = _partition(text)
        cut = partition.upper
        last = torch.nextafter(cut, -cut.abs() - 1).float()
        first = torch.nextafter(last, torch.full_like(last, torch.inf))
        assert last.double() < cut < first.double()
        column, value = seen.columns[0], torch.tensor(float(text.split()[-1]))
        inner, outer = seen(last)[0, column], seen(first)[0, column]
        assert inner < value <= outer if strict else inner <= value < outer


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_an_impossible_event_has_an_empty_partition(text: str) -> None:
    partition, _ = _partition(text)
    assert len(partition) == 0


def test_undecided_boxes_are_cut_until_most_draws_would_be_accepted() -> None:
    for text, least in (("texture < texture[1]", 0.4), ("mean(duration) > 20", 0.3)):
        partition, seen = _partition(text)
        scores = PRIOR.sample_scores(5_000, torch.Generator().manual_seed(0))
        s = scores[:, list(seen.columns)].double().unsqueeze(1)
        inside = ((s > partition.lower) & (s < partition.upper)).all(-1).any(1)
        holds = read_event(text, PRIOR.slices, PRIOR.discrete)(PRIOR.codes(scores))
        assert holds.double().mean() / inside.double().mean() > least


def test_too_many_combinations_are_left_undecided_not_enumerated() -> None:
    wide = JointPrior([Factor("b", "bernoulli", 40, {"probability": 0.5}, 0.0)])
    partition, _ = _partition("mean(b) == 0.5", wide)
    assert 0 < len(partition) <= 2048
    assert not partition.certain.all()
