"""Errors and warnings for people."""

from semiray.errors import SemirayError, SemirayWarning


def test_an_error_ends_the_command_line_with_its_code() -> None:
    assert SemirayError.code == 2
    assert str(SemirayError("row 3: no label")) == "row 3: no label"
    assert issubclass(SemirayWarning, UserWarning)
