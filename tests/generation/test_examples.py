import os
import subprocess
import sys
from pathlib import Path

import pytest

from semiray.training import Run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def play(script: str, *arguments: object, cache: Path) -> str:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "SEMIRAY_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cache, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_fits_on_a_screen(script: Path) -> None:
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.slow
def test_notebook_in_a_screen(run: Run, data_folder: Path, tmp_path: Path) -> None:
    said = play("notebook_in_a_screen.py", run.path, data_folder, tmp_path / "out", cache=tmp_path)
    assert "64 x bacteria" in said
    assert "labels [" in said
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert {"samples.png", "traversal.png", "synthetic/manifest.csv", "synthetic/bacteria/000063.png"} <= written


@pytest.mark.slow
def test_own_prior(data_folder: Path, tmp_path: Path) -> None:
    said = play("own_prior.py", data_folder, tmp_path / "out", 64, cache=tmp_path)
    assert "trained on 108 images of bacteria, normal, virus" in said
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert {"prior.png", "traversal.png", "synthetic/manifest.csv", "run/model.safetensors"} <= written


@pytest.mark.slow
@pytest.mark.parametrize("library", ["monai", "torchvision"])
def test_train_a_classifier(library: str, run: Run, data_folder: Path, tmp_path: Path) -> None:
    try:
        __import__(library)
    except Exception as error:  # torchvision of another build than torch raises all kinds of exceptions
        pytest.skip(f"{library} is not installed, or not of torch's build ({error}): pip install 'semiray[loops]'")
    said = play(f"train_{library}.py", run.path, data_folder, 6, cache=tmp_path)
    counts, accuracy = said.strip().splitlines()[-2:]
    assert "real and " in counts
    assert float(accuracy) > 0.5  # of three classes, which differ in their gradient
