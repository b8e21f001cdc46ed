"""What the page offers to copy makes the images that it shows, pixel for pixel."""

import shlex
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import semiray
from semiray.explorer.asking import Ask
from semiray.explorer.lines import grid_lines
from semiray.explorer.studio import Studio
from semiray.training import Run

HOLD = {"duration": 14.0, "texture[1]": 0.25}


@pytest.fixture
def loaded(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """The studio, whose run `Run.load` gives in place of the one on the disk."""
    monkeypatch.setattr(semiray.Run, "load", lambda *_: studio.run)
    return studio


def pixels(picture: bytes) -> Any:
    return np.asarray(Image.open(BytesIO(picture)))


def run_python(lines: dict[str, str]) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(lines["python"].replace('semiray.write_images(sample, "images")', ""), scope)
    return scope


def test_python_of_a_grid(loaded: Studio) -> None:
    shown = loaded.grid(Ask(label="dark", where="survival == 1", seed=5, count=3, hold=HOLD))
    made = run_python(shown.head["lines"])["sample"].images
    assert all(np.array_equal(pixels(one), other) for one, other in zip(shown.pictures, made, strict=True))


def test_python_of_a_patient(loaded: Studio) -> None:
    shown = loaded.patient(Ask(seed=5, index=9, factor="duration", hold=HOLD))
    made = run_python(shown.head["lines"])["images"]
    assert len(made) == 8
    assert all(np.array_equal(pixels(one), other) for one, other in zip(shown.pictures[1:], made, strict=True))


@pytest.mark.slow  # a process of its own imports torch
def test_python_of_a_patient_imports_what_it_needs(studio: Studio) -> None:
    python = studio.patient(Ask(index=9, factor="duration")).head["lines"]["python"].splitlines()
    until = next(i for i, line in enumerate(python) if line.startswith("run = "))
    program = "\n".join([*python[:until], "print(Request.__name__)"])
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (said.stdout.strip(), said.stderr) == ("Request", "")


def test_python_of_an_upload(loaded: Studio, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = loaded.take_upload(picture.read_bytes(), picture.name, "dark", lambda _: None).head["upload"]
    shown = loaded.patient(Ask(upload=kept, factor="texture", hold={"duration": 3.0}))
    monkeypatch.chdir(picture.parent)
    made = run_python(shown.head["lines"])["images"]
    assert all(np.array_equal(pixels(one), other) for one, other in zip(shown.pictures[1:9], made, strict=True))
    words = shlex.split(shown.head["lines"]["command"])
    assert words[:2] == ["semiray", "represent"]
    assert words[3:] == ["patient 1.png", "--move", "texture", "--label", "dark"]


def test_the_command_of_a_grid(known: tuple[Run, Any]) -> None:
    ask = Ask(label="dark", where="duration <= 14 and survival == 1", seed=7, count=4, hold=HOLD)
    words = shlex.split(grid_lines(known[0], ask, "cpu")["command"])
    assert words[:2] == ["semiray", "generate"]
    assert words[words.index("--where") + 1] == "duration <= 14 and survival == 1"
    assert [words[i + 1] for i, word in enumerate(words) if word == "--hold"] == ["duration=14.0", "texture[1]=0.25"]
    assert words[-2:] == ["--device", "cpu"]
    assert "device" not in grid_lines(known[0], ask, "auto")["command"]
