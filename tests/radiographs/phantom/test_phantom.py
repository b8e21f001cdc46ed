"""Phantoms as a user makes them: seeds, codes, files, errors."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from semiray.demo import make_phantoms
from semiray.errors import SemirayError
from semiray.radiographs.phantom import PHANTOM_CLASSES, phantom_labels, render_phantoms, save_phantoms

FACTORS = ("survival", "duration", "presentation", "texture")
NAMES = [f"{factor}[{k}]" for factor in FACTORS for k in range(5)]
NORMAL, LOBAR, DIFFUSE = range(3)
LOW = np.repeat([0.0, 0.5, -1.0, -1.0], 5)
HIGH = np.repeat([1.0, 40.0, 1.0, 1.0], 5)


def test_the_same_seed_gives_the_same_bytes_however_the_work_is_split(draw_codes):
    codes, labels = draw_codes(70), np.arange(70) % 3
    whole = render_phantoms(codes, labels, 32, seed=1, workers=2)
    parts = [
        render_phantoms(codes[a:b], labels[a:b], 32, seed=1, first=a, workers=1) for a, b in ((0, 1), (1, 40), (40, 70))
    ]
    assert np.array_equal(whole, np.concatenate(parts))
    assert not np.array_equal(whole, render_phantoms(codes, labels, 32, seed=2))


def test_a_patient_looks_alike_at_every_resolution(draw_codes):
    codes, labels = draw_codes(6), np.arange(6) % 3
    small, large = (render_phantoms(codes, labels, r, seed=4).astype(float) for r in (32, 128))
    shrunk = large.reshape(6, 32, 4, 32, 4).mean(axis=(2, 4))
    for a, b in zip(small[:, 6:], shrunk[:, 6:], strict=True):  # below the mark
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.97


def test_labels_come_in_equal_shares():
    assert np.bincount(phantom_labels(301, seed=0), minlength=3).tolist() == [101, 100, 100]
    assert np.array_equal(phantom_labels(30, seed=1), phantom_labels(30, seed=1))
    assert not np.array_equal(phantom_labels(30, seed=1), phantom_labels(30, seed=2))


@pytest.mark.parametrize("label", [NORMAL, LOBAR, DIFFUSE])
def test_every_code_can_be_seen_in_every_class(label, draw_codes):
    base = draw_codes(6, seed=7)
    for j, name in enumerate(NAMES):
        low, high = base.copy(), base.copy()
        low[:, j], high[:, j] = LOW[j], HIGH[j]
        images = [render_phantoms(c, [label] * 6, 32, seed=2).astype(float) for c in (low, high)]
        # Photon noise and exposure are the same draws on both sides; what remains beyond 1 % of white is the code's.
        assert np.abs(images[1] - images[0]).max(axis=(1, 2)).mean() > 6, name
        assert np.abs(images[1] - images[0]).mean() > 0.4, name


@pytest.mark.parametrize(("factor", "label"), [(f, c) for f in FACTORS for c in (LOBAR, DIFFUSE)])
def test_the_lead_changes_more_than_most_companions(factor, label, varied):
    j = NAMES.index(f"{factor}[0]")
    effects = []
    for k in range(j, j + 5):
        low, high = varied(NAMES[k], [LOW[k], HIGH[k]], label, n=6, resolution=32)
        effects.append(np.abs(high - low).mean())
    assert sum(companion < effects[0] for companion in effects[1:]) >= 3


@pytest.mark.slow
def test_the_leads_can_be_told_apart_from_everything_else(draw_codes):
    # Ridge regression on brightness and fine contrast of 8 x 8 fields; 0.44, 0.79, 0.30 before leads had
    # signs of their own. What no reader can tell apart is no ground truth.
    codes, labels = draw_codes(2400, seed=3), phantom_labels(2400, seed=3)
    images = render_phantoms(codes, labels, 64, seed=3).astype(float)
    fine = images - images.reshape(-1, 16, 4, 16, 4).mean((2, 4)).repeat(4, axis=1).repeat(4, axis=2)
    fields = [stack.reshape(-1, 8, 8, 8, 8).mean((2, 4)).reshape(-1, 64) for stack in (images, fine**2)]
    features = np.hstack([fields[0], np.log1p(fields[1])])
    for name, least in (("duration[0]", 0.82), ("presentation[0]", 0.88), ("texture[0]", 0.72)):
        lead = codes[:, NAMES.index(name)]
        target = 1 - np.exp(-lead / 10) if name == "duration[0]" else lead
        ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 3, 9))).fit(features[:1800], target[:1800])
        assert ridge.score(features[1800:], target[1800:]) > least, name


@pytest.mark.parametrize("resolution", [16, 32, 64, 100, 256])
def test_every_image_carries_the_mark(resolution, draw_codes):
    images = render_phantoms(draw_codes(4), [0, 1, 2, 0], resolution, seed=0)
    corner = images[:, : resolution // 4 + 4, : resolution // 4 + 4]
    assert np.all((corner == 245).sum(axis=(1, 2)) >= 10)


def test_saved_phantoms_say_what_they_are_and_the_table_reads_back(tmp_path, draw_codes):
    codes, labels = draw_codes(7, seed=2), np.array([0, 1, 2, 2, 1, 0, 1])
    images = render_phantoms(codes, labels, 32, seed=0)
    out = tmp_path / "phantoms"
    save_phantoms(out, images, codes, labels, NAMES)
    with (out / "factors.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "label", "patient", *NAMES]
    assert len({row["patient"] for row in rows}) == 7
    for row, image, code, label in zip(rows, images, codes, labels, strict=True):
        assert row["label"] == PHANTOM_CLASSES[label]
        assert [np.float32(row[name]) for name in NAMES] == code.tolist()
        with Image.open(out / row["path"]) as png:
            assert np.array_equal(np.asarray(png), image)
            assert {key: png.text[key] for key in ("Phantom", "Synthetic", "Software", "Label")} == {
                "Phantom": "true",
                "Synthetic": "true",
                "Software": "semiray",
                "Label": row["label"],
            }
            assert np.allclose([json.loads(png.text["Codes"])[name] for name in NAMES], code)
    assert sorted(p.name for p in out.iterdir()) == ["diffuse", "factors.csv", "lobar", "normal"]
    assert (out / "normal" / "phantom_000001.png").is_file()
    assert [p.name for p in tmp_path.iterdir()] == ["phantoms"]


def test_an_empty_folder_is_filled_and_a_used_one_is_refused(tmp_path, draw_codes):
    codes, labels = draw_codes(1), [0]
    images = render_phantoms(codes, labels, 16, seed=0)
    save_phantoms(tmp_path / "nested" / "out", images, codes, labels, NAMES)
    (tmp_path / "empty").mkdir()
    save_phantoms(tmp_path / "empty", images, codes, labels, NAMES)
    with pytest.raises(SemirayError, match="empty folder"):
        save_phantoms(tmp_path / "empty", images, codes, labels, NAMES)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SemirayError, match="empty folder"):
        save_phantoms(tmp_path / "file", images, codes, labels, NAMES)
    with pytest.raises(SemirayError, match="names"):
        save_phantoms(tmp_path / "other", images, codes, labels, NAMES[:19])
    with pytest.raises(SemirayError, match="uint8"):
        save_phantoms(tmp_path / "other", images.astype(float), codes, labels, NAMES)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (2, 0.5, r"survival\[2\]"),
        (5, -1.0, r"duration\[0\]"),
        (9, np.inf, r"duration\[4\]"),
        (11, 1.5, r"presentation\[1\]"),
        (19, np.nan, r"texture\[4\]"),
    ],
)
def test_a_code_outside_its_range_is_named(column, value, message, draw_codes):
    codes = draw_codes(3)
    codes[1, column] = value
    with pytest.raises(SemirayError, match=f"row 1: {message}"):
        render_phantoms(codes, [0, 1, 2], 32, seed=0)


@pytest.mark.parametrize(
    ("shape", "labels", "resolution", "seed", "message"),
    [
        ((3, 19), [0, 0, 0], 32, 0, "shape"),
        ((20,), [0], 32, 0, "shape"),
        ((3, 20), [0, 0], 32, 0, "labels"),
        ((3, 20), [0.5, 0, 0], 32, 0, "integers"),
        ((3, 20), [0, 3, 0], 32, 0, "row 1: 3"),
        ((3, 20), [0, 0, 0], 8, 0, "resolution 8"),
        ((3, 20), [0, 0, 0], 32, -1, "seed -1"),
    ],
)
def test_wrong_arguments_are_explained(shape, labels, resolution, seed, message):
    with pytest.raises(SemirayError, match=message):
        render_phantoms(np.zeros(shape), labels, resolution, seed)


def test_progress_counts_to_the_end_and_no_phantoms_is_fine(draw_codes):
    seen = []
    render_phantoms(
        draw_codes(40), np.zeros(40, dtype=int), 16, 0, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (40, 40)
    assert seen == sorted(seen)
    assert render_phantoms(np.zeros((0, 20)), np.zeros(0, dtype=int), 16, 0).shape == (0, 16, 16)


def test_the_current_folder_can_be_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_phantoms(".", 3, resolution=16)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["diffuse", "factors.csv", "lobar", "normal"]
    assert len(list(Path.cwd().rglob("*.png"))) == 3


def test_more_phantoms_than_memory_holds_are_a_sentence(tmp_path: Path) -> None:
    for n in (10**12, 0):
        with pytest.raises(SemirayError, match=r"at once|at least one"):
            make_phantoms(tmp_path / "new", n)
    with pytest.raises(SemirayError, match="seed"):
        make_phantoms(tmp_path / "new", 3, seed=2**80)
    assert not (tmp_path / "new").exists()
