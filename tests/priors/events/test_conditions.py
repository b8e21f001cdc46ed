"""Three-valued conditions: what is decided for a box of codes holds for every code in it."""

from __future__ import annotations

import pytest
import torch

from semiray.priors import JointPrior, read_event
from semiray.priors.events.conditions import Truth

PRIOR = JointPrior.default()
COLUMNS = {name: part.start for name, part in PRIOR.slices.items()}

EVENTS = [
    "duration < 14",
    "7 <= duration <= 14",
    "not 7 <= duration < 14",
    "survival == 1",
    "survival != 1 or presentation > texture",
    "survival in {0, 1}",
    "survival[2] not in {1}",
    "all(duration) > 3 and any(texture) < 0",
    "4 < any(duration) < 6",
    "mean(duration) > 9",
    "mean(survival) == 0.6",
    "not (mean(texture) < 0 or all(survival) == 1) and presentation >= -0.2",
    "all(texture) <= texture[1]",
    "survival == survival[1]",
]


def _boxes(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes of scores of all widths, 0 among them, dimension by dimension."""
    centre = torch.randn(400, PRIOR.dimensions, generator=generator)
    half = torch.rand(400, PRIOR.dimensions, generator=generator) ** 4
    half[torch.rand(400, PRIOR.dimensions, generator=generator) < 0.3] = 0
    return centre - half, centre + half


@pytest.mark.parametrize("text", EVENTS)
def test_what_is_decided_for_a_box_holds_for_the_codes_in_it(text: str) -> None:
    event = read_event(text, PRIOR.slices, PRIOR.discrete)
    generator = torch.Generator().manual_seed(0)
    lower, upper = _boxes(generator)
    low, high = PRIOR.codes(lower), PRIOR.codes(upper)
    truth = event.condition.truth(low, high)
    assert not (truth.certain & ~truth.possible).any()
    for _ in range(20):
        inside = lower + (upper - lower) * torch.rand(lower.shape, generator=generator).round(decimals=1)
        holds = event(PRIOR.codes(inside))
        assert holds[truth.certain].all()
        assert not holds[~truth.possible].any()


@pytest.mark.parametrize("text", EVENTS)
def test_a_single_code_is_always_decided(text: str) -> None:
    event = read_event(text, PRIOR.slices, PRIOR.discrete)
    codes = PRIOR.sample(500, torch.Generator().manual_seed(1))
    assert not event.condition.truth(codes, codes).undecided.any()
    assert not event.condition.open_columns(codes, codes).any()


@pytest.mark.parametrize("text", EVENTS)
def test_only_open_columns_matter(text: str) -> None:
    """Closing the columns that are said to be open decides the box, wherever in their range they are closed."""
    event = read_event(text, PRIOR.slices, PRIOR.discrete)
    generator = torch.Generator().manual_seed(2)
    lower, upper = _boxes(generator)
    low, high = PRIOR.codes(lower), PRIOR.codes(upper)
    open_columns = event.condition.open_columns(low, high)
    assert torch.equal(open_columns.any(1), event.condition.truth(low, high).undecided)
    inside = PRIOR.codes(lower + (upper - lower) * torch.rand(lower.shape, generator=generator))
    closed_low, closed_high = torch.where(open_columns, inside, low), torch.where(open_columns, inside, high)
    assert not event.condition.truth(closed_low, closed_high).undecided.any()


def test_a_known_box() -> None:
    low, high = torch.zeros(1, 20), torch.zeros(1, 20)
    low[0, COLUMNS["duration"]], high[0, COLUMNS["duration"]] = 5.0, 10.0
    for text, certain, possible in (
        ("duration < 10", False, True),
        ("duration <= 10", True, True),
        ("duration > 10", False, False),
        ("duration >= 10", False, True),
        ("mean(duration) <= 2", True, True),
        ("mean(duration) < 1", False, False),
        ("any(duration) > 7", False, True),
        ("all(duration) > 7", False, False),
        ("survival == 0", True, True),
        ("survival not in {0, 1}", False, False),
        ("not duration > 10", True, True),
        ("presentation < texture", False, False),
        ("presentation < duration", True, True),
    ):
        condition = read_event(text, PRIOR.slices, PRIOR.discrete).condition
        assert tuple(part.item() for part in condition.truth(low, high)) == (certain, possible), text


def test_a_number_against_itself_is_decided() -> None:
    low, high = torch.zeros(1, 20), torch.ones(1, 20)
    for text, expected in (("all(texture) < texture", (False, False)), ("any(texture) <= texture[2]", (True, True))):
        condition = read_event(text, PRIOR.slices, PRIOR.discrete).condition
        assert tuple(part.item() for part in condition.truth(low, high)) == expected


def test_cuts_and_places() -> None:
    event = read_event("duration <= 14 and mean(texture) > 0.5", PRIOR.slices, PRIOR.discrete)
    first, *others = event.condition.cuts()
    assert first == (5, 14.0, True, True)
    assert others == [(i, 0.5, True, False) for i in range(15, 20)]
    assert [event.text[slice(*part.place)] for part in event.condition.needed] == [
        "duration <= 14",
        "mean(texture) > 0.5",
    ]
    assert event.condition.columns == (5, 15, 16, 17, 18, 19)
    assert Truth(torch.tensor(True), torch.tensor(True)).undecided.item() is False
