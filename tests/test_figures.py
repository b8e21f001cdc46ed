import io

import pytest
from matplotlib.figure import Figure
from PIL import Image

from semiray.figures import MarkedFigure


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_files_name_semiray(tmp_path, kind):
    MarkedFigure(figsize=(1, 1)).savefig(tmp_path / f"figure.{kind}")
    Figure(figsize=(1, 1)).savefig(tmp_path / f"plain.{kind}")
    assert b"semiray" in (tmp_path / f"figure.{kind}").read_bytes()
    assert b"semiray" not in (tmp_path / f"plain.{kind}").read_bytes()


def test_streams_and_own_words_too():
    stream = io.BytesIO()
    MarkedFigure(figsize=(1, 1)).savefig(stream, metadata={"Title": "mine"})
    with Image.open(stream) as image:
        assert image.info["Software"] == "semiray"
        assert image.info["Title"] == "mine"


def test_formats_without_metadata_are_written(tmp_path):
    MarkedFigure(figsize=(1, 1)).savefig(tmp_path / "figure.jpg")
    assert (tmp_path / "figure.jpg").read_bytes()[:2] == b"\xff\xd8"
