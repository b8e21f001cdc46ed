"""The event grammar: what it means, and where it points when it can't be read."""

from __future__ import annotations

import pytest
import torch

from semiray.errors import SemirayError
from semiray.priors import JointPrior, read_event

PRIOR = JointPrior.default()
CODES = PRIOR.sample(5_000, torch.Generator().manual_seed(0))
S, D, P, T = (CODES[:, part] for part in PRIOR.slices.values())

MEANINGS = [
    ("survival == 1", S[:, 0] == 1),
    ("survival != 1", S[:, 0] != 1),
    ("duration[3] <= 14", D[:, 3] <= 14),
    ("7 <= duration < 14", (D[:, 0] >= 7) & (D[:, 0] < 14)),
    ("presentation < texture", P[:, 0] < T[:, 0]),
    ("presentation > -0.5", P[:, 0] > -0.5),
    ("survival == 1 and duration <= 14", (S[:, 0] == 1) & (D[:, 0] <= 14)),
    ("survival == 1 or duration <= 14 and texture > 0", (S[:, 0] == 1) | ((D[:, 0] <= 14) & (T[:, 0] > 0))),
    ("(survival == 1 or duration <= 14) and texture > 0", ((S[:, 0] == 1) | (D[:, 0] <= 14)) & (T[:, 0] > 0)),
    ("not duration > 14", D[:, 0] <= 14),
    ("survival in {1}", S[:, 0] == 1),
    ("survival in [0, 1]", S[:, 0] >= 0),
    ("survival[4] not in {1}", S[:, 4] == 0),
    ("all(survival) == 1", (S == 1).all(1)),
    ("any(duration) > 30", (D > 30).any(1)),
    ("mean(texture) < 0", T.mean(1) < 0),
    ("mean(survival) == 0.6", S.sum(1) == 3),
    ("-0.9 <= all(presentation) <= 0.9", (P.abs() <= 0.9).all(1)),
    ("5 < any(duration) < 6", ((D > 5) & (D < 6)).any(1)),
    ("any(duration) > 30 and not all(survival) == 0", (D > 30).any(1) & (S == 1).any(1)),
    ("all(duration) < mean(duration)", torch.zeros(len(CODES), dtype=torch.bool)),
    ("  survival == 1\n  and duration <= 14 ", (S[:, 0] == 1) & (D[:, 0] <= 14)),
]


@pytest.mark.parametrize(("text", "expected"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_meaning(text: str, expected: torch.Tensor) -> None:
    event = read_event(text, PRIOR.slices, PRIOR.discrete)
    assert torch.equal(event(CODES), expected)
    assert torch.equal(event(CODES.double()), expected)


def test_an_event_knows_what_it_speaks_of() -> None:
    event = read_event("all(survival) == 1 and duration[3] <= 14", PRIOR.slices, PRIOR.discrete)
    assert event.columns == (0, 1, 2, 3, 4, 8)
    assert event.condition.columns == event.columns
    assert event.text == "all(survival) == 1 and duration[3] <= 14"


# text, message, what the caret stands under
WRONG = [
    ("survival = 1", "equality is written ==", "="),
    ("survival == 1 && duration < 3", "write 'and' instead of '&&'", "&&"),
    ("survival == 1 || duration < 3", "write 'or' instead of '||'", "||"),
    ("(survival == 1) & (duration < 3)", "write 'and' between conditions", "duration < 3"),
    ("! survival == 1", "write 'not' instead of '!'", "!"),
    ("duratin < 3", "no factor 'duratin', did you mean 'duration'?", "duratin"),
    ("survival == 1 and x < 3", "no factor 'x'; the factors are survival, duration, presentation, texture", "x"),
    ("duration[7] < 3", "duration has the dimensions 0 to 4", "7"),
    ("duration[-1] < 3", "duration has the dimensions 0 to 4", "-1"),
    ("duration[True] < 3", "duration has the dimensions 0 to 4", "True"),
    ("duration[0:2] < 3", "duration has the dimensions 0 to 4", "0:2"),
    ("survival", "this is a number, not a condition", "survival"),
    ("survival and duration < 3", "this is a number, not a condition", "survival"),
    ("3", "a condition is expected here", "3"),
    ("1 < 2", "name a factor", "1 < 2"),
    ("duration == 14", "equals a value with probability 0", "14"),
    ("duration in {14}", "equals a value with probability 0", "{14}"),
    ("presentation == texture", "equals a value with probability 0", "texture"),
    ("survival in 1", "a set of numbers is expected", "1"),
    ("survival in {}", "a set of numbers is expected", "{}"),
    ("survival in {0, duration}", "a number is expected here", "duration"),
    ("survival in {1} < 2", "a chain can't continue after a set", "2"),
    ("survival == True", "write 1 or 0", "True"),
    ("survival == '1'", "a number is expected here", "'1'"),
    ("survival + 1 == 2", "a number, a factor", "survival + 1"),
    ("survival is 1", "compare with ==", "1"),
    ("all(survival) == any(survival[1])", "only all(factor)", "any(survival[1])"),
    ("all(texture) < any(duration)", "only one all(...) or any(...)", "any(duration)"),
    ("max(duration) < 3", "only all(factor), any(factor) and mean(factor)", "max(duration)"),
    ("all(duration, 2) < 3", "only all(factor)", "all(duration, 2)"),
    ("__import__('os').system('true') == 0", "only all(factor)", "__import__('os').system('true')"),
    ("duration.real < 3", "a number, a factor", "duration.real"),
    ("(duration < 3) == 1", "not a condition", "duration < 3"),
    ("lambda: 1", "a condition is expected", "lambda: 1"),
    ("[d for d in duration] < 3", "a number, a factor", "[d for d in duration]"),
    ("duration < 1e400", "too large", "1e400"),
    (f"duration < 1{'0' * 400}", "too large", "1" + "0" * 400),
    ("é < 3 and duration < y", "no factor 'é'", "é"),
    ("duration < duration", "both sides are the same", "duration"),
    ("mean(texture) > mean(texture)", "both sides are the same", "mean(texture)"),
    ("0 < duration < duration < 3", "both sides are the same", "duration"),
    ("all(survival) == 1 == any(duration)", "equals a value with probability 0", "any(duration)"),
    ("mean(all(duration)) < 3", "only all(factor), any(factor) and mean(factor)", "mean(all(duration))"),
    ("all(mean(duration) < 3)", "only all(factor)", "all(mean(duration) < 3)"),
    ("any(all(survival) == 1)", "only all(factor)", "any(all(survival) == 1)"),
    ("all(duration[0]) < 3", "only all(factor)", "all(duration[0])"),
    ("duration < 3j", "a number is expected", "3j"),
    ("duration < -(-3)", "a number is expected", "-(-3)"),
    ("duration < -'3'", "a number is expected", "'3'"),
    ("duration < None", "a number is expected", "None"),
    ("duration < 3 if survival else 2", "a condition is expected", "duration < 3 if survival else 2"),
    ("(x := 3) < duration", "a number, a factor", "x := 3"),
    ("duration[duration] < 3", "duration has the dimensions 0 to 4", "duration"),
    ("duration[0][1] < 3", "a factor is expected before [", "duration[0][1]"),
    ("survival in {*duration}", "a number is expected", "*duration"),
    ("survival in duration", "a set of numbers is expected", "duration"),
    ("f'{duration}' < 3", "a number, a factor", "f'{duration}'"),
    ("duration @ texture", "a condition is expected", "duration @ texture"),
    ("await duration", "a condition is expected", "await duration"),
    ("7 <= duration <= fourteen", "no factor 'fourteen'", "fourteen"),
]


@pytest.mark.parametrize(("text", "message", "under"), WRONG, ids=[text[:40] for text, _, _ in WRONG])
def test_errors_point_at_the_place(text: str, message: str, under: str) -> None:
    with pytest.raises(SemirayError) as caught:
        read_event(text, PRIOR.slices, PRIOR.discrete)
    said, line, caret = str(caught.value).split("\n")
    assert message in said
    assert line == f"  {text}"
    start, end = caret.index("^"), caret.rindex("^") + 1
    assert line[start:end] == under


def test_the_caret_counts_characters_not_bytes() -> None:
    with pytest.raises(SemirayError) as caught:
        read_event("'é' < duration", PRIOR.slices, PRIOR.discrete)
    assert str(caught.value).split("\n")[2] == "  ^^^"
    with pytest.raises(SemirayError) as caught:
        read_event("duration in {1, 'é', 2} and y < 3", PRIOR.slices, PRIOR.discrete)
    assert str(caught.value).split("\n")[2] == " " * 18 + "^^^"


def test_what_is_no_text_of_an_event_is_refused() -> None:
    for text in (
        "",
        "  ",
        "duration <",
        "duration < 3 and",
        "(" * 300,
        "(" * 300 + "duration < 3" + ")" * 300,
        "not " * 249 + "x",
        "duration < " + "-" * 900 + "3",
        "duration" + "[0" * 400,
        "duration < 3)",
        "not " * 2000 + "x",
        None,
        3,
    ):
        with pytest.raises(SemirayError, match="event"):
            read_event(text, PRIOR.slices, PRIOR.discrete)


def test_a_character_that_cannot_be_seen_is_pointed_at() -> None:
    for character in ("\0", "\u200b", "\ud800", "\x1b"):
        with pytest.raises(SemirayError, match="not printable") as caught:
            read_event(f"duration {character}< 3", PRIOR.slices, PRIOR.discrete)
        assert str(caught.value).split("\n")[1:] == ["  duration \ufffd< 3", "           ^"]


def test_deep_nesting_is_read_or_refused_but_never_a_traceback() -> None:
    event = read_event("not " * 240 + "survival == 1", PRIOR.slices, PRIOR.discrete)
    assert torch.equal(event(CODES), S[:, 0] == 1)
    event = read_event("(" * 150 + "survival == 1" + ")" * 150, PRIOR.slices, PRIOR.discrete)
    assert torch.equal(event(CODES), S[:, 0] == 1)


def test_python_gives_no_advice_on_style(recwarn: pytest.WarningsRecorder) -> None:
    read_event("survival == 1and duration < 3", PRIOR.slices, PRIOR.discrete)
    assert not recwarn.list
