import copy
import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from semiray.errors import SemirayError
from semiray.evaluation import JUDGEMENTS, ConcordanceResult, GroundingResult, ImageSamples, Interval, Results, Skipped
from semiray.report import draw_figures, write_report
from semiray.report.report import VERSION, figure_names, plot_images, report_content, report_schema
from semiray.report.sections.shortcuts import shortcut_warning
from semiray.report.theme import DARK, LIGHT, png


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


@pytest.mark.slow
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


def test_a_traversal_too_large_to_draw_costs_no_report(whole: Any) -> None:
    many = replace(whole[0].traversal, classes=tuple(map(str, range(900))))
    names = [name for name, _, _ in draw_figures(whole[0].model_copy(update={"traversal": many}))]
    assert names == [name for name in figure_names() if name != "traversal"]


@pytest.fixture(scope="module")
def keeps() -> Any:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).is_valid


def test_it_names_its_version_everywhere_and_every_judgement() -> None:
    schema = report_schema()
    assert schema["properties"]["schema"]["const"] == VERSION
    assert schema["$id"].endswith(f":{VERSION}")
    assert tuple(schema["properties"]["judgements"]["properties"]) == JUDGEMENTS


def test_a_whole_report_and_an_empty_one_keep_to_it(whole: Any, make: Any, keeps: Any) -> None:
    assert keeps(json.loads((whole[1] / "report.json").read_text()))
    few = ConcordanceResult("auroc", 0.6, math.nan, math.nan, n_images=9, n_patients=7, n_events=2)
    grounding = GroundingResult({"survival": few, "texture": Skipped("no column")})
    results = make.results(phantom=True, utility=Skipped("why"), grounding=grounding)
    content = json.loads(json.dumps(report_content(results), allow_nan=False))
    assert keeps(content)
    found = content["judgements"]["grounding"]["factors"]["survival"]
    assert (found["value"], found["low"], found["high"], found["chance"]) == (0.6, None, None, 0.5)


def test_no_key_may_be_missing_of_another_type_or_added(whole: Any, keeps: Any) -> None:
    found = json.loads((whole[1] / "report.json").read_text())
    for key in found:
        assert not keeps({name: value for name, value in found.items() if name != key}), key
        assert not keeps(found | {key: {"another": 1} if key != "grounded" else 1}), key
    assert not keeps(found | {"new": 1})
    assert not keeps(found | {"schema": VERSION + 1})
    for name, judgement in found["judgements"].items():
        for key in judgement:
            spoilt = copy.deepcopy(found)
            spoilt["judgements"][name][key] = {"another": {"type": 1}}
            assert not keeps(spoilt), (name, key)
        assert not keeps(found | {"judgements": found["judgements"] | {name: judgement | {"new": 1}}}), name


def test_the_content_says_its_version_first_and_holds_what_stands_on_top(whole: Any) -> None:
    content = report_content(whole[0])
    assert list(content)[:3] == ["schema", "semiray", "created"]
    assert list(content)[-1] == "judgements"
    assert content["verdict"] == whole[0].verdict
    assert content["warnings"] == [shortcut_warning(whole[0].shortcuts)]
    assert [one["name"] for one in content["headlines"]] == [one.name for one in whole[0].headlines]
    assert "samples" not in content


def test_a_number_that_does_not_exist_is_null() -> None:
    found = TypeAdapter(Interval).dump_python(Interval(0.5, math.nan, math.inf, (0.5,)), mode="json")
    assert found == {"mean": 0.5, "low": None, "high": None, "seeds": [0.5]}


@pytest.mark.parametrize("found", [{}, [], None, {"schema": 1}])
def test_what_is_no_report_does_not_keep_to_it(found: Any, keeps: Any) -> None:
    assert not keeps(found)


NAMES = ("Viral Pneumonia", "Lung_Opacity", "A_class_with_a_very_long_name")


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_class_names_are_neither_cut_off_nor_overlap(theme: Any, real: Any) -> None:
    samples = ImageSamples(NAMES, (real.images[:3],) * 3, (real.images[:4],) * 3)
    figure = plot_images(samples, theme)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.texts]
    assert len(boxes) == 6
    assert len(figure.axes) == 21
    images = min(axes.get_window_extent().x0 for axes in figure.axes)
    assert all(box.x0 >= 0 and box.x1 < images for box in boxes)
    assert not any(above.overlaps(below) for above, below in pairwise(boxes))


def test_without_real_images_and_without_classes(real: Any) -> None:
    alone = plot_images(ImageSamples(("",), (real.images[:0],), (real.images[:4],)), LIGHT, real_images=False)
    assert [text.get_text() for text in alone.texts] == ["generated"]
    assert len(alone.axes) == 4
