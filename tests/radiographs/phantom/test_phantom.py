import csv
import json

import numpy as np
import pytest
from PIL import Image
from scipy.stats import norm
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from semiray.errors import SemirayError
from semiray.radiographs.phantom import geometry as geometry
from semiray.radiographs.phantom.phantom import PHANTOM_CLASSES, phantom_labels, render_phantoms, save_phantoms

FACTORS = ("survival", "duration", "presentation", "texture")
NAMES = [f"{factor}[{k}]" for factor in FACTORS for k in range(5)]
NORMAL, LOBAR, DIFFUSE = range(3)
LOW = np.repeat([0.0, 0.5, -1.0, -1.0], 5)
HIGH = np.repeat([1.0, 40.0, 1.0, 1.0], 5)


def draw_codes(n: int, seed: int = 0) -> np.ndarray:
    """Codes under a Gaussian copula with correlation 0.5 within each factor."""
    rng = np.random.default_rng(seed)
    scores = np.sqrt(0.5) * (rng.standard_normal((n, 4, 1)) + rng.standard_normal((n, 4, 5)))
    u = norm.cdf(scores)
    codes = np.concatenate([u[:, 0] > 0.5, -10 * np.log1p(-u[:, 1]), 2 * u[:, 2] - 1, 2 * u[:, 3] - 1], axis=1)
    return codes.astype(np.float32)


def varied(name: str, values: list[float], label: int, n: int = 12, resolution: int = 64) -> list[np.ndarray]:
    """The same n patients, healthy in all else that could hide the effect, with one code at each of the values."""
    base = draw_codes(n, seed=3)
    base[:, :5], base[:, 10:15] = 1, 0
    rendered = []
    for value in values:
        codes = base.copy()
        codes[:, NAMES.index(name)] = value
        images = render_phantoms(codes, np.full(n, label), resolution, seed=5)
        rendered.append(images.astype(np.float64))
    return rendered


# The closed forms, against sums over points along each ray


def solid(rows: list[tuple[float, ...]], pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The quadratic form of each ellipsoid (K,) at points (3, ...), from its definition rather than its projection."""
    forms = []
    for x, y, z, a, b, c, angle in rows:
        offset = np.tensordot(pose.T, points, axes=1) - np.array([x, y, z]).reshape(3, *[1] * (points.ndim - 1))
        cosine, sine = np.cos(angle), np.sin(angle)
        along, across = cosine * offset[0] + sine * offset[1], -sine * offset[0] + cosine * offset[1]
        forms.append((along / a) ** 2 + (across / b) ** 2 + (offset[2] / c) ** 2)
    return np.stack(forms)


ROWS = [
    (-2.0, 1.0, 0.5, 6.0, 9.0, 7.0, 0.3),
    (1.0, 3.0, -1.5, 5.0, 3.5, 4.0, 0.7),
    (-3.0, 6.0, 2.0, 7.0, 4.0, 2.5, -0.4),
    (4.0, -4.0, 0.0, 3.0, 0.4, 0.5, -0.9),
]
BODY_NAMES = ["body", "first", "second", "thin"]
DEPTHS = np.linspace(-15, 15, 6001)


@pytest.fixture(scope="module")
def scene():
    """Two patients of the same solids in different poses on different screens; the second is the one that counts."""
    poses = geometry.pose_matrices(roll=np.array([0.0, 0.1]), yaw=np.array([0.3, -0.2]))
    screen = geometry.Screen(24, [36.0, 28.0], x=[1.0, 0.3], y=[2.0, -0.2])
    table = geometry.project(np.array([ROWS, ROWS]), poses)
    z, y, x = np.meshgrid(DEPTHS, screen.y[1], screen.x[1], indexing="ij")
    return screen, geometry.Rays(screen, BODY_NAMES, table), table, solid(ROWS, poses[1], np.stack([x, y, z]))


def along_rays(indicator: np.ndarray) -> np.ndarray:
    return indicator.sum(axis=0) * (DEPTHS[1] - DEPTHS[0])


def test_chords_of_turned_ellipsoids_equal_numerical_integrals(scene):
    screen, rays, _, forms = scene
    for name, form in zip(BODY_NAMES, forms, strict=True):
        canvas = np.zeros((2, screen.pixels, screen.pixels), dtype=np.float32)
        rays.add_chord(canvas, name, np.array([0.0, 1.5]))
        assert np.abs(canvas[0]).max() == 0
        assert np.abs(canvas[1] - 1.5 * along_rays(form <= 1)).max() < 0.03
        soft = np.zeros_like(canvas)
        rays.add_soft_chord(soft, name, 2.0)
        assert np.abs(soft[1] - 2.0 * along_rays(np.maximum(1 - form, 0))).max() < 0.01


def test_many_small_ellipsoids_at_once_equal_one_by_one(scene):
    screen, rays, table, _ = scene
    together, one_by_one = np.zeros((2, 2, screen.pixels, screen.pixels), dtype=np.float32)
    screen.add_chords(together, table)
    for name in BODY_NAMES:
        rays.add_chord(one_by_one, name, 1.0)
    assert np.abs(together - one_by_one).max() < 2e-3


def test_carving_organs_out_of_a_body_equals_numerical_integration(scene):
    _, rays, _, forms = scene
    body, *organs = forms[:3] <= 1
    hit = np.logical_or(*organs)
    between = np.maximum.accumulate(hit, axis=0) & np.maximum.accumulate(hit[::-1], axis=0)[::-1]
    expected = along_rays(body & ~between)
    window = rays.window("body")
    assert np.abs(rays.carved("body", ["first", "second"])[1] - expected[window]).max() < 0.05
    assert np.abs(rays.carved("body", [])[1] - along_rays(body)[window]).max() < 0.03


def test_slab_integral_is_the_antiderivative_of_the_slabs():
    w = np.linspace(-3, 9, 12001)
    filled = ((w >= 0) & (w < 6) & (w % 1 < 0.4)).astype(float)
    expected = np.concatenate([[0], np.cumsum((filled[1:] + filled[:-1]) / 2 * np.diff(w))])
    assert np.abs(geometry.slab_integral(w.astype(np.float32), 6, 0.4) - expected).max() < 2e-3


# Seeds


def test_the_same_seed_gives_the_same_bytes_however_the_work_is_split():
    codes, labels = draw_codes(70), np.arange(70) % 3
    whole = render_phantoms(codes, labels, 32, seed=1, workers=2)
    parts = [
        render_phantoms(codes[a:b], labels[a:b], 32, seed=1, first=a, workers=1) for a, b in ((0, 1), (1, 40), (40, 70))
    ]
    assert np.array_equal(whole, np.concatenate(parts))
    assert not np.array_equal(whole, render_phantoms(codes, labels, 32, seed=2))


def test_patients_differ_from_each_other_under_the_same_codes():
    images = render_phantoms(np.repeat(draw_codes(1), 6, axis=0), [NORMAL] * 6, 32, seed=0).astype(float)
    for i in range(5):
        assert np.abs(images[i] - images[i + 1]).mean() > 3


def test_a_patient_looks_alike_at_every_resolution():
    codes, labels = draw_codes(6), np.arange(6) % 3
    small, large = (render_phantoms(codes, labels, r, seed=4).astype(float) for r in (32, 128))
    shrunk = large.reshape(6, 32, 4, 32, 4).mean(axis=(2, 4))
    for a, b in zip(small[:, 6:], shrunk[:, 6:], strict=True):  # below the mark
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.97


def test_labels_come_in_equal_shares():
    assert np.bincount(phantom_labels(301, seed=0), minlength=3).tolist() == [101, 100, 100]
    assert np.array_equal(phantom_labels(30, seed=1), phantom_labels(30, seed=1))
    assert not np.array_equal(phantom_labels(30, seed=1), phantom_labels(30, seed=2))


# What the codes do


@pytest.mark.parametrize("label", [NORMAL, LOBAR, DIFFUSE])
def test_every_code_can_be_seen_in_every_class(label):
    base = draw_codes(6, seed=7)
    for j, name in enumerate(NAMES):
        low, high = base.copy(), base.copy()
        low[:, j], high[:, j] = LOW[j], HIGH[j]
        images = [render_phantoms(c, [label] * 6, 32, seed=2).astype(float) for c in (low, high)]
        # Photon noise and exposure are the same draws on both sides; what remains beyond 1 % of white is the code's.
        assert np.abs(images[1] - images[0]).max(axis=(1, 2)).mean() > 6, name
        assert np.abs(images[1] - images[0]).mean() > 0.4, name


@pytest.mark.parametrize("label", [NORMAL, LOBAR, DIFFUSE])
def test_who_did_not_survive_has_an_effusion_that_whitens_the_lung_bases(label):
    died, survived = varied("survival[0]", [0, 1], label)
    difference = died - survived
    flanks = np.r_[10:20, 44:54]
    assert difference[:, 40:50][:, :, flanks].mean() > (2 if label == NORMAL else 8)
    assert abs(difference[:, 12:26][:, :, flanks].mean()) < 2


@pytest.mark.parametrize("label", [NORMAL, LOBAR, DIFFUSE])
def test_opacity_grows_with_duration(label):
    images = varied("duration[0]", [0, 4, 10, 25, 80], label)
    lungs = [stack[:, 16:42][:, :, np.r_[14:26, 38:50]].mean() for stack in images]
    assert np.all(np.diff(lungs) > 0.3)
    assert lungs[-1] - lungs[-2] < lungs[1] - lungs[0] + lungs[2] - lungs[1]  # it saturates


@pytest.mark.parametrize("label", [NORMAL, LOBAR, DIFFUSE])
def test_presentation_moves_the_opacity_from_one_lung_to_the_other(label):
    images = varied("presentation[0]", [-1, -0.5, 0.0, 0.5, 1], label)
    balance = [stack[:, 16:42, 38:50].mean() - stack[:, 16:42, 14:26].mean() for stack in images]
    assert np.all(np.diff(balance) > 0.5)


@pytest.mark.parametrize("label", [LOBAR, DIFFUSE])
def test_texture_makes_opacities_denser_and_their_borders_sharper(label):
    # Seeds make the same patients of every class: what differs from the normal ones is the opacity.
    textures = [-1.0, 0.0, 1.0]
    pairs = zip(varied("texture[0]", textures, label), varied("texture[0]", textures, NORMAL), strict=True)
    opacities = [(ill - well)[:, 16:42] for ill, well in pairs]
    assert np.all(np.diff([o.mean() for o in opacities]) > 0.5)
    borders = [np.quantile(np.abs(np.diff(o, axis=2)), 0.98) for o in opacities]
    assert np.all(np.diff(borders) > 1)


@pytest.mark.parametrize(("factor", "label"), [(f, c) for f in FACTORS for c in (LOBAR, DIFFUSE)])
def test_the_lead_changes_more_than_most_companions(factor, label):
    j = NAMES.index(f"{factor}[0]")
    effects = []
    for k in range(j, j + 5):
        low, high = varied(NAMES[k], [LOW[k], HIGH[k]], label, n=6, resolution=32)
        effects.append(np.abs(high - low).mean())
    assert sum(companion < effects[0] for companion in effects[1:]) >= 3


def test_the_leads_can_be_told_apart_from_everything_else():
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


@pytest.mark.parametrize("label", [NORMAL, LOBAR, DIFFUSE])
def test_texture_mottles_the_lungs_of_every_class(label):
    lungs = [stack[:, 18:42, 15:26] for stack in varied("texture[0]", [-1.0, 0.0, 1.0], label)]
    rough = [np.abs(np.diff(lung, axis=2)).mean() for lung in lungs]
    assert rough[0] < rough[1] < rough[2]


def test_lungs_are_dark_and_the_mediastinum_is_bright():
    images = render_phantoms(draw_codes(30), np.zeros(30, dtype=int), 64, seed=0).astype(float)
    lungs = images[:, 18:34][:, :, np.r_[16:24, 40:48]].mean()
    assert images[:, 18:34, 30:34].mean() > lungs + 60
    assert images[:, 54:, 24:40].mean() > lungs + 60


@pytest.mark.parametrize("resolution", [16, 32, 64, 100, 256])
def test_every_image_carries_the_mark(resolution):
    images = render_phantoms(draw_codes(4), [0, 1, 2, 0], resolution, seed=0)
    corner = images[:, : resolution // 4 + 4, : resolution // 4 + 4]
    assert np.all((corner == 245).sum(axis=(1, 2)) >= 10)


# Files


def test_saved_phantoms_say_what_they_are_and_the_table_reads_back(tmp_path):
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


def test_an_empty_folder_is_filled_and_a_used_one_is_refused(tmp_path):
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
def test_a_code_outside_its_range_is_named(column, value, message):
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


def test_progress_counts_to_the_end_and_no_phantoms_is_fine():
    seen = []
    render_phantoms(
        draw_codes(40), np.zeros(40, dtype=int), 16, 0, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (40, 40)
    assert seen == sorted(seen)
    assert render_phantoms(np.zeros((0, 20)), np.zeros(0, dtype=int), 16, 0).shape == (0, 16, 16)
