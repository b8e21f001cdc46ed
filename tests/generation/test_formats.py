"""Parts of a sample on disk: complete or absent, the same bytes when written again."""

from pathlib import Path

import pytest

from semiray.errors import SemirayError
from semiray.generation import generate
from semiray.generation.formats import FORMATS, open_format
from semiray.training import Run


@pytest.mark.parametrize("name", FORMATS)
def test_a_part_is_complete_or_absent_and_always_the_same(run: Run, tmp_path: Path, name: str) -> None:
    sample = generate(run, 3)
    layout = open_format(name, tmp_path, "RUN", run.classes, run.prior.names)
    stored = [layout.store(sample, i) for i in range(3)]
    with pytest.raises((AttributeError, TypeError)), layout.part(0) as add:
        add(None, stored)  # type: ignore[arg-type]
    assert not layout.place(0).exists()
    written = []
    for _ in range(2):
        with layout.part(0) as add:
            add(sample, stored)
        written.append(layout.place(0).read_bytes())
    assert written[0] == written[1] != b""
    assert layout.finish(1).exists()


def test_an_unknown_format_is_refused_with_the_choices(tmp_path: Path) -> None:
    with pytest.raises(SemirayError, match="png, webdataset, parquet"):
        open_format("zip", tmp_path, "RUN", (), ())
