"""The cases in the shape of public sets, each beside its truth; where they aren't at hand, these tests are skipped."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from semiray.radiographs import load_radiographs, read_radiograph
from semiray.radiographs.reading.options import reading_options
from semiray.radiographs.reading.readers import read_records

NAMES = (
    "nih chexpert mimic montgomery covid_qu_ex stylegan padchest vindr rsna_png mixed_names case_names comma_labels "
    "quirks kaggle_parts views_and_modalities".split()
)
OPTIONS = {"--label-from": "label_from", "--classes": "classes"}


@pytest.fixture(scope="module", params=[0, 11])
def cases(request, shared_data, tmp_path_factory):
    builder = shared_data.parent / "cases" / "layouts.py"
    if not builder.exists():
        pytest.skip("the builder of the cases isn't at hand")
    out = tmp_path_factory.mktemp("cases")
    subprocess.run([sys.executable, builder, out, "--seed", str(request.param)], check=True, capture_output=True)
    return out


@pytest.mark.parametrize("name", NAMES)
def test_every_case_is_read_as_it_is(cases, tmp_path, name):
    truth = json.loads((cases / f"{name}.truth.json").read_text())
    xrays = load_radiographs(cases / name, resolution=16, cache=tmp_path)
    summary = xrays.summary
    assert (summary.images, summary.patients) == (truth["images"], truth["patients"])
    assert (len(xrays), len(np.unique(xrays.patient_codes))) == (truth["images"], truth["patients"])
    assert summary.classes == (truth["classes"] or {})
    counts = Counter(xrays.labels.tolist())
    assert {one: counts[i] for i, one in enumerate(xrays.classes)} == (truth["classes"] or {})
    assert summary.findings == truth.get("findings", {})
    assert summary.left_out == truth["left_out"]
    assert summary.parts == truth.get("parts", {})
    assert all(line.isprintable() for line in summary.lines())
    if summary.patients_from.startswith("not known"):
        assert any("--patient-from" in one.text + one.option for one in summary.advice)


@pytest.mark.parametrize("name", ["montgomery", "case_names"])
def test_what_the_user_tells_is_followed_and_was_proposed(cases, name):
    truth = json.loads((cases / f"{name}.truth.json").read_text())
    option, value = truth["told"]["options"]
    told = read_records(cases / name, reading_options({OPTIONS[option]: value}))
    assert dict(Counter(record.label for record in told.records)) == truth["told"]["classes"]
    proposed = [one.option for one in read_records(cases / name, reading_options({})).summary.advice]
    proposed = [one for one in proposed if one.startswith(option)]
    assert proposed
    again = read_records(cases / name, reading_options({OPTIONS[option]: proposed[0].split("'")[1]}))
    assert dict(Counter(record.label for record in again.records)) == truth["told"]["classes"]


@pytest.mark.parametrize("name", ["chexpert", "mimic", "padchest", "views_and_modalities"])
def test_frontal_radiographs_are_kept_by_the_condition_that_is_proposed(cases, tmp_path, name):
    truth = json.loads((cases / f"{name}.truth.json").read_text())["keep"]
    where = " and ".join(f"`{column}` in {set(values)}" for column, values in truth["where"].items())
    summary = load_radiographs(cases / name, resolution=16, cache=tmp_path).summary
    (proposed,) = [one.option for one in summary.advice if one.option.startswith("--keep")]
    for condition in (where, proposed.removeprefix("--keep ")[1:-1]):
        kept = read_records(cases / name, reading_options({"keep": condition}))
        assert (len(kept), len({record.patient for record in kept.records})) == (truth["images"], truth["patients"])


def test_pixels_are_right_or_refused_with_a_reason(cases, tmp_path):
    truth = json.loads((cases / "quirks.truth.json").read_text())
    xrays = load_radiographs(cases / "quirks", resolution=96, cache=tmp_path)
    reasons = dict(xrays.skipped)
    for name, right in truth["files"].items():
        if isinstance(right, str):
            assert name not in xrays.keys, name
            assert name in reasons or name in ("picture.gif", "picture.jp2", "Thumbs.db", "._UPPER.JPG"), name
        else:
            mean = float(xrays.images[xrays.keys.index(name)].mean())
            assert any(abs(mean - one) <= 2 for one in np.atleast_1d(right)), (name, mean, right)
    for name, right in truth["upper_half"].items():
        assert abs(float(read_radiograph(cases / "quirks" / name, 96)[:48].mean()) - right) <= 2
    said = " ".join(one.text for one in xrays.summary.advice)
    assert all(name in said for name in ("black.png", "inverted.png", "all_transparent.png"))


def test_monochrome1_is_inverted_once(cases, tmp_path):
    truth = json.loads((cases / "padchest.truth.json").read_text())
    xrays = load_radiographs(cases / "padchest", resolution=96, cache=tmp_path)
    for name, right in truth["files"].items():
        assert abs(float(xrays.images[xrays.keys.index(name)].mean()) - right) <= 2, name
