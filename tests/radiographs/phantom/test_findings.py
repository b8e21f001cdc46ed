"""Phantoms of findings: each can be seen, nothing else changes with it, and tables say what readers wrote."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from semiray.demo import FINDINGS, draw_findings, make_finding_phantoms
from semiray.errors import SemirayError
from semiray.radiographs import load_radiographs
from semiray.radiographs.phantom import PHANTOM_FINDINGS, read_findings, render_findings

EFFUSION, HAZE, OPACITY, DENSITY = range(4)


def shown(finding, codes, others=0):
    """The same patients without and with a finding."""
    table = np.full((2, len(codes), 4), others)
    table[0, :, finding], table[1, :, finding] = 0, 1
    return [render_findings(codes, one, 64, seed=3).astype(float) for one in table]


@pytest.mark.parametrize("finding", range(4))
def test_every_finding_can_be_seen_in_every_patient(finding, draw_codes):
    def greatest(others):  # of every patient, the mean change of the 60 pixels that change most
        without, with_it = shown(finding, draw_codes(40), others)
        return np.sort(np.abs(with_it - without).reshape(40, -1), axis=1)[:, -60:].mean(axis=1)

    assert (greatest(0) > 12).all()
    assert (greatest(1) > 8).mean() > 0.9  # among all others


def test_effusions_are_at_the_bases_hazes_everywhere_and_densities_small(draw_codes):
    codes = draw_codes(24)
    changes = [np.subtract(*shown(finding, codes)[::-1]).mean(axis=0) for finding in range(4)]
    assert changes[EFFUSION][38:].mean() > 5 * abs(changes[EFFUSION][10:28].mean())
    lungs = changes[HAZE][14:36]
    assert min(lungs[:, 14:26].mean(), lungs[:, 38:50].mean()) > 4
    pixels = [np.mean(np.abs(np.subtract(*shown(finding, codes))) > 5) for finding in (DENSITY, OPACITY, HAZE)]
    assert 0.04 < pixels[0] < 0.08
    assert pixels[0] < pixels[1] < 0.5 * pixels[2]


def test_the_same_seed_gives_the_same_bytes_however_the_work_is_split(draw_codes):
    codes, findings = draw_codes(40), np.arange(160).reshape(40, 4) // 3 % 2
    whole = render_findings(codes, findings, 32, seed=1)
    assert np.array_equal(whole[25:], render_findings(codes[25:], findings[25:], 32, seed=1, first=25, workers=1))


def test_readers_leave_blanks_and_disagree():
    truth = np.tile([[1, 0, 1, 0]], (2000, 1))
    (alone,) = read_findings(truth)
    assert (alone == truth).all()
    first, second = read_findings(truth, blanks=0.3, disagreement=0.1, seed=1)
    assert np.mean(first == -2) == pytest.approx(0.3, abs=0.02)
    assert ((first == -2) == (second == -2)).all()
    assert np.mean((first != second)[first != -2]) == pytest.approx(0.1, abs=0.02)
    with pytest.raises(SemirayError, match="blanks = 2"):
        read_findings(truth, blanks=2)


def test_the_table_is_read_as_findings_and_images_know_the_truth(tmp_path):
    make_finding_phantoms(tmp_path / "sure", 60, resolution=32)
    data = load_radiographs(tmp_path / "sure", resolution=32, cache=tmp_path / "cache", findings="all")
    truth = draw_findings(60, 32, 0)[1]
    assert data.finding_names == PHANTOM_FINDINGS
    assert data.classes == ()
    assert len(np.unique(data.patients)) == 60
    assert np.array_equal(data.findings, truth)
    with Image.open(tmp_path / "sure" / "images" / "phantom_000001.png") as image:
        assert json.loads(image.text["Findings"]) == dict(zip(PHANTOM_FINDINGS, truth[0].tolist(), strict=True))
        assert image.text["Phantom"] == "true"
    make_finding_phantoms(tmp_path / "unsure", 60, resolution=32, blanks=0.2, disagreement=0.1)
    unsure = load_radiographs(tmp_path / "unsure", resolution=32, cache=tmp_path / "cache", findings="haze, density")
    assert np.array_equal(unsure.images, data.images)
    known = ~np.isnan(unsure.findings)
    assert 0.55 < known.mean() < 0.9
    assert (unsure.findings[known] == truth[:, [HAZE, DENSITY]][known]).all()
    with (tmp_path / "unsure" / "findings.csv").open(encoding="utf-8") as file:
        assert [row["reader"] for row in csv.DictReader(file)][:2] == ["reader 1", "reader 2"]


def test_rates_are_those_that_are_said():
    assert draw_findings(4000, 32, 0)[1].mean(axis=0) == pytest.approx(list(FINDINGS.values()), abs=0.03)


@pytest.mark.parametrize(
    ("findings", "said"),
    [([[1, 0, 0]], r"\(N, 4\) is needed: effusion"), ([[0, 2, 0, 0]], "row 0: haze must be 0 or 1")],
)
def test_impossible_findings_are_refused(findings, said, draw_codes):
    with pytest.raises(SemirayError, match=said):
        render_findings(draw_codes(1), findings, 32, seed=0)
