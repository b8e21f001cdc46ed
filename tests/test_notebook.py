"""What a notebook does, from images to a report, on phantoms in seconds."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import semiray
from semiray.radiographs import RadiographSet
from semiray.settings import Settings

TINY = {
    "networks": {"width": 4, "widest": 8, "noise": 8, "embedding": 4},
    "optimisation": {"batch": 8, "average": 2},
}
CLASSES = {"normal": "healthy", "lobar": "ill"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with DATA: 200 phantoms, and an own prior."""
    folder = tmp_path_factory.mktemp("notebook")
    semiray.make_phantoms(folder / "DATA", 200, resolution=32, seed=1)
    tree = semiray.JointPrior.default().to_dict()
    (folder / "prior.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    return folder


def load(folder: Path) -> RadiographSet:
    return semiray.load_radiographs(folder / "DATA", resolution=32, classes=CLASSES, cache=folder / "cache")


@pytest.fixture(scope="module")
def run(folder: Path) -> semiray.Run:
    prior = semiray.JointPrior.default()
    return semiray.train(load(folder), str(folder / "RUN"), prior=prior, images=200, seed=2, device="cpu", **TINY)


def test_options_are_laid_over_the_settings(run: semiray.Run) -> None:
    assert (run.settings.images, run.settings.seed, run.settings.resolution) == (200, 2, 32)
    assert run.settings.networks.width == 4
    assert run.settings.objectives == Settings().objectives
    assert run.prior == semiray.JointPrior.default()
    assert run.classes == ("healthy", "ill")


def test_a_run_reads_its_data_as_for_training(run: semiray.Run, folder: Path) -> None:
    data = run.load_data(str(folder / "DATA"), cache=folder / "cache")
    assert data.fingerprint == load(folder).fingerprint
    split = run.split(data)
    parts = np.concatenate([split.train, split.validation, split.test])
    assert sorted(parts) == list(range(len(data)))
    assert split.seed == 2
    with pytest.raises(semiray.SemirayError, match="missing"):
        run.split(data.take(split.test))


def test_a_prepared_set_says_how_it_was_read(run: semiray.Run, folder: Path) -> None:
    options = {"resolution": 32, "framing": "pad", "classes": CLASSES}
    prepared = semiray.prepare_radiographs(folder / "DATA", folder / "PREPARED", **options)
    again = semiray.train(prepared, folder / "padded", images=8, **TINY)
    assert again.settings.data.framing == "pad"
    assert again.settings.data.classes == CLASSES
    assert again.load_data(folder / "PREPARED").fingerprint == prepared.fingerprint
    assert again.load_data(folder / "DATA", cache=folder / "cache").keys == tuple(prepared.keys)


def test_an_event_is_asked_of_the_prior_and_of_the_images(run: semiray.Run) -> None:
    given = run.prior.given("survival == 1")
    assert given.probability == pytest.approx(0.5)
    sample = semiray.generate(run, 10, where="survival == 1", seed=3)
    assert sample.images.shape == (10, 32, 32)
    assert (sample.codes[:, 0] == 1).all()


@pytest.mark.slow
def test_it_is_measured(run: semiray.Run, folder: Path) -> None:
    data = run.load_data(folder / "DATA", cache=folder / "cache")
    few = {"seeds": 1, "steps": 2, "batch": 8, "n_synthetic": 24, "probe_steps": 2, "benefit": False}
    few |= {"commitment_images": 64, "effect_patients": 4, "permutations": 19}
    results = semiray.evaluate(run, data, folder / "PROOF", **few)
    content = json.loads((folder / "PROOF" / "report.json").read_text(encoding="utf-8"))
    assert results.subject == content["subject"] == "RUN"
    assert (folder / "PROOF" / "report.html").exists()


def test_resuming_names_what_contradicts_the_run(run: semiray.Run, folder: Path) -> None:
    data = load(folder)
    with pytest.raises(semiray.SemirayError, match=r"seed=5 \(in the run: 2\)"):
        semiray.train(data, run.path, resume=True, images=240, seed=5)
    with pytest.raises(semiray.SemirayError, match=r"objectives\.sort=0\.5 \(in the run: 1\.0\)"):
        semiray.train(data, run.path, resume=True, images=240, objectives={"sort": 0.5})
    longer = semiray.train(data, run.path, resume=True, prior=folder / "prior.yaml", images=240, **TINY)
    assert longer.settings.images == 240
    steps = [json.loads(line)["images"] for line in (run.path / "log.jsonl").read_text("utf-8").splitlines()]
    assert steps[-1] == 240


def test_a_run_shows_itself(run: semiray.Run) -> None:
    assert repr(run) == f"Run('{run.path}': healthy, ill; survival, duration, presentation, texture; 32 px)"
    page = run._repr_html_()
    for words in ("healthy, ill", "32 x 32 pixels", "survival ~ bernoulli (assumed)", "134 images;"):
        assert words in page, words
    image = re.search(r"data:image/png;base64,([^']+)", page)
    assert image is not None
    with Image.open(io.BytesIO(base64.b64decode(image.group(1)))) as sheet:
        assert sheet.size == (8 * 32, 2 * 32)


def test_the_home_folder_may_be_written_as_a_tilde(
    run: semiray.Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert semiray.Run.load("~/RUN").classes == run.classes
    assert len(run.load_data("~/DATA", cache="~/cache")) == len(load(folder))


def test_the_resolution_is_that_of_the_images_unless_set(folder: Path) -> None:
    with pytest.raises(semiray.SemirayError, match=r"32 x 32 pixels, but the settings say resolution=64"):
        semiray.train(load(folder), folder / "other", resolution=64, images=8)
    assert not (folder / "other").exists()


def test_a_misspelt_option_is_named(folder: Path) -> None:
    with pytest.raises(semiray.SemirayError, match="did you mean minutes"):
        semiray.train(load(folder), folder / "other", minuts=3)
