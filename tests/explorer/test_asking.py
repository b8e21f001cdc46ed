import json

import pytest

from semiray.errors import SemirayError
from semiray.explorer.asking import Ask, read_ask, say_problem
from semiray.priors import JointPrior


def test_what_is_asked_is_read() -> None:
    body = json.dumps({"label": None, "where": "survival == 1", "seed": 7, "hold": {"duration": 14}})
    assert read_ask(body.encode()) == Ask(where="survival == 1", seed=7, hold={"duration": 14.0})


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"seed": -1}', b'{"seed": 1e99}', b'{"count": 0}', b'{"count": 65}', b'{"other": 1}',
        b'{"hold": {"duration": "x"}}', b'{"hold": {"duration": NaN}}', b'{"where": 1}', b"\xff",
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_a_sentence(body: bytes) -> None:
    with pytest.raises(SemirayError, match=r".+\."):
        read_ask(body)


def test_a_wrong_event_is_shown_at_its_place() -> None:
    with pytest.raises(SemirayError) as caught:
        JointPrior.default().given("survival == 1 and duraton <= 14")
    said = say_problem(caught.value)
    start, end = said["place"]
    assert said["line"][start:end] == "duraton"
    assert said["error"].startswith("no factor")
    assert say_problem(SemirayError("plain")) == {"error": "plain"}
