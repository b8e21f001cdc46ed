"""What is said of the runs that come with semiray."""

import pytest

from semiray.errors import SemirayError
from semiray.pretrained import describe_shipped
from semiray.training import Run


def test_each_run_is_described(shipped: Run) -> None:
    first, factors, *rest = describe_shipped()
    assert first == "tiny-32: dark, middle, bright; 32 px"
    assert "survival (assumed)" in factors
    said = "\n".join(rest)
    for words in (
        "trained on 6",
        "licence: mit",
        "relative to real ones: 0.90",
        "copies found, per cent: 0.00",
    ):
        assert words in said
    (shipped.path / "README.md").unlink()
    with pytest.raises(SemirayError, match="the card can't be read"):
        describe_shipped()
