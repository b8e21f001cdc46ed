import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semiray.errors import SemirayError
from semiray.evaluation import ImageSamples, Results, Skipped
from semiray.report import draw_figures, write_report
from semiray.report.report import figure_names
from semiray.report.theme import png


def report(real: Any) -> Results:
    samples = ImageSamples(("dark",), (real.images[:3],), (real.images[3:5],))
    judgements = {"utility": Skipped("why")}
    return Results(subject="RUN", data="data", judgements=judgements, samples=samples, notes=("note",))


def test_write_leaves_whole_files_only(real: Any, tmp_path: Path) -> None:
    page = write_report(report(real), tmp_path / "a" / "b")
    assert page.name == "report.html"
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert names == ["a/b/figures/images.png", "a/b/report.html", "a/b/report.json"]
    content = json.loads((tmp_path / "a" / "b" / "report.json").read_text())
    assert content["judgements"] == {"utility": {"reason": "why"}}
    assert content["notes"] == ["note"]
    assert Image.open(tmp_path / "a" / "b" / "figures" / "images.png").width > 300
    assert "why" in page.read_text()


def test_a_folder_that_cannot_be_made_is_an_error(real: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SemirayError, match="can't be written"):
        write_report(report(real), tmp_path / "file")


def test_figures_of_an_earlier_report_go_and_a_users_own_stay(real: Any, tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    for name in ("confusion_tstr.png", "mine.png"):
        (folder / name).write_bytes(b"old")
    write_report(report(real), tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["images.png", "mine.png"]


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_without_real_images_no_pixel_of_one_gets_in(whole: Any, tmp_path: Path) -> None:
    """Whatever the real images are, the same bytes are written."""
    full, folder = whole
    none = {name: one for name, one in full.judgements.items() if name not in ("commitment", "sorting", "energy")}
    privacy = none["privacy"]
    closest = np.random.default_rng(0).integers(0, 256, privacy.closest.shape, dtype=np.uint8)
    inverted = replace(full.samples, real=tuple(255 - images for images in full.samples.real))
    given = full.model_copy(update={"judgements": none})
    changed = none | {"privacy": replace(privacy, closest=closest)}
    other = full.model_copy(update={"judgements": changed, "samples": inverted})
    for name, one in (("a", given), ("b", other)):
        (tmp_path / name / "figures").mkdir(parents=True)
        (tmp_path / name / "figures" / "closest.png").write_bytes(b"of an earlier report")
        page = write_report(one, tmp_path / name, real_images=False)
    written = everything(tmp_path / "a")
    assert written == everything(tmp_path / "b")
    assert "figures/images.png" in written
    assert "figures/closest.png" not in written
    text = page.read_text()
    assert text.count("Real images were left out of this page") == 1
    assert "Held-out real images above" not in text
    shown = (folder / "report.html").read_text()
    assert "were left out of this page" not in shown
    drawn = [png(next(draw_figures(one))[1]) for one in (given, other)]
    assert drawn[0] != drawn[1], "with real images they would differ"


def test_a_whole_page_is_small_enough_to_send(whole: Any) -> None:
    assert (whole[1] / "report.html").stat().st_size < 4_000_000


def test_every_figure_is_one_of_the_names_in_their_order(whole: Any) -> None:
    drawn = [name for name, _, _ in draw_figures(whole[0])]
    assert drawn == [name for name in figure_names() if name in drawn]
    assert set(figure_names()) == set(drawn)
