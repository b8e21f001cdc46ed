"""Networks as ONNX files: they give what PyTorch gives, for batches of any size, and say what a program must know."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semiray.errors import SemirayError
from semiray.generation import export, generate
from semiray.generation.encoding import discriminate, encode_scores
from semiray.generation.export import TOLERANCE, export_onnx
from semiray.generation.sampling import draw_block
from semiray.networks.intensities import to_input
from semiray.pretrained import shipped_runs
from semiray.priors import Factor, JointPrior
from semiray.training import Run

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "generate_onnx.py"


def opened(path: Path) -> tuple[Any, dict[str, Any]]:
    """The session of a file, and what its metadata say; a test that needs it is skipped without the extra."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session, json.loads(session.get_modelmeta().custom_metadata_map["semiray"])


@pytest.fixture
def onnx() -> None:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install 'semiray[onnx]'")


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "architecture"), [(("a", "b"), "residual"), ((), "residual"), ((), "dcgan")])
def test_images_and_estimates_are_those_of_pytorch(
    onnx: None, make_run: Callable[..., Run], tmp_path: Path, classes: tuple[str, ...], architecture: str
) -> None:
    run = make_run(classes, architecture=architecture)
    assert export_onnx(run, tmp_path / "generator.onnx") <= TOLERANCE
    assert export_onnx(run, tmp_path / "sorter.onnx", "sorter") <= TOLERANCE
    session, _ = opened(tmp_path / "generator.onnx")
    expected = generate(run, 9, seed=3)
    z, codes = (part[:9].numpy() for part in draw_block(run, run.prior, 3, 0))
    labels = {"labels": expected.labels} if classes else {}
    images = session.run(None, {"z": z, "codes": codes, **labels})[0]
    assert np.abs(images - to_input(expected.images).numpy()).max() <= TOLERANCE + 0.5 / 127.5

    session, about = opened(tmp_path / "sorter.onnx")
    found = session.run(None, {"images": to_input(expected.images).numpy()})
    assert np.abs(found[0] - encode_scores(run, expected.images)).max() <= TOLERANCE
    assert (about["network"], about["classes"], len(found)) == ("sorter", list(classes), 1 + bool(classes))
    if classes:
        _, output = next(discriminate(run, expected.images, expected.labels))
        assert np.abs(found[1] - output.classes.softmax(1).numpy()).max() <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_runs())
def test_runs_that_come_with_semiray_are_those_of_pytorch(onnx: None, tmp_path: Path, name: str) -> None:
    run = Run.load(name, "cpu")
    assert export_onnx(run, tmp_path / "generator.onnx") <= TOLERANCE
    assert export_onnx(run, tmp_path / "sorter.onnx", "sorter") <= TOLERANCE


@pytest.mark.slow
def test_the_example_generates_under_an_event_without_pytorch(
    onnx: None, make_run: Callable[..., Run], tmp_path: Path
) -> None:
    export_onnx(make_run(), tmp_path / "generator.onnx")
    words = ["-X", "importtime", str(EXAMPLE), str(tmp_path / "generator.onnx"), str(tmp_path / "images.npy")]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not {"torch", "semiray"} & {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "P(event) = 0.3" in done.stdout
    assert "Assumed, grounded on no image: survival" in done.stdout
    images = np.load(tmp_path / "images.npy", allow_pickle=False)
    assert (images.shape, images.dtype) == ((64, 32, 32), np.uint8)


@pytest.mark.parametrize("architecture", ["residual", "dcgan"])
def test_the_sorters_module_sees_images_as_the_discriminator_does(
    make_run: Callable[..., Run], architecture: str
) -> None:
    """Needs no ONNX: a wrong module would be exported faithfully."""
    run = make_run(("a", "b"), architecture=architecture)
    images = generate(run, 5, seed=3).images
    scores, _ = export._Sorter(run)(to_input(images))
    assert np.abs(scores.detach().numpy() - encode_scores(run, images)).max() <= TOLERANCE


def test_its_metadata_draw_from_the_prior(make_run: Callable[..., Run]) -> None:
    prior = JointPrior(
        [
            Factor("stage", "categorical", 2, {"probabilities": [0.5, 0.3, 0.2]}),
            Factor("stay", "lognormal", 2, {"median": 8.0, "sigma": 0.8}, unit="days"),
            Factor("effusion", "bernoulli", 1, {"probability": 0.03}),
        ]
    )
    about = json.loads(json.dumps(export._describe(make_run(("a",), prior=prior), "generator")))
    assert about["names"] == list(prior.names)
    assert about["factors"][1] == {
        "name": "stay", "family": "lognormal", "unit": "days", "dimensions": 2, "grounded_on": 0
    }  # fmt: skip
    assert np.allclose(about["correlation"], prior.correlation)
    scores = prior.sample_scores(50_000, torch.Generator().manual_seed(0))
    drawn = np.stack([np.interp(s, *line) for s, line in zip(scores.T.numpy(), about["quantiles"], strict=True)], 1)
    codes = prior.codes(scores).numpy()
    assert (drawn[:, prior.discrete] == codes[:, prior.discrete]).mean() > 0.9999
    assert np.abs(drawn[:, 2:4] / codes[:, 2:4] - 1).max() < 1e-3


def test_what_is_missing_is_named(
    make_run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SemirayError, match=r"pip install 'semiray\[onnx\]'"):
        export_onnx(make_run(), tmp_path / "generator.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_network_that_differs_is_not_written(
    onnx: None, make_run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "TOLERANCE", 0.0)
    with pytest.raises(SemirayError, match=r"differs from PyTorch's by \d.*nothing was written"):
        export_onnx(make_run(()), tmp_path / "sorter.onnx", "sorter")
    assert list(tmp_path.iterdir()) == []
