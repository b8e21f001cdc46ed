"""`semiray represent` on a tiny run: what it writes, what it says, and how it answers bad input."""

from pathlib import Path

import pytest
from PIL import Image

from semiray.cli import main


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data`, 30 phantoms of 32 px, and `run`, trained on them for one step."""
    work = tmp_path_factory.mktemp("work")
    assert main(["data", "phantom", str(work / "data"), "-n", "30", "--resolution", "32", "--seed", "3"]) == 0
    small = [word for key in ("width=8", "widest=16", "noise=8") for word in ("--set", f"networks.{key}")]
    words = ["train", str(work / "data"), "--out", str(work / "run"), "--cache", str(work / "cache"), "--images", "8"]
    assert main([*words, "--resolution", "32", "--set", "optimisation.batch=8", *small]) == 0
    return work


@pytest.fixture
def image(work: Path) -> str:
    return str(sorted((work / "data" / "lobar").iterdir())[0])


@pytest.mark.slow
def test_a_figure_is_drawn_and_the_error_told(
    work: Path, image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["represent", str(work / "run"), image, "--move", "presentation", "--steps", "3", "--label", "lobar"]
    for name in ("a.png", "b.png"):
        assert main([*words, "--out", str(tmp_path / name)]) == 0
    said = capsys.readouterr().out
    for word in ("Class: lobar, given", "SSIM", "grey levels of 255", "Wrote"):
        assert word in said, word
    with Image.open(tmp_path / "a.png") as figure:
        assert figure.info["Synthetic"] == "true"
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert main([*words[:-2], "--out", str(tmp_path / "c.png")]) == 0
    assert "estimated by the sorter" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"image": "nowhere.png"}, "there is no such file"),
        ({"image": "."}, "is a folder"),
        ({"image": "settings"}, "not an image"),
        ({"run": "."}, "isn't a run"),
        ({"--move": "textur"}, "did you mean 'texture'"),
        ({"--steps": "1"}, "steps"),
        ({"--label": "lobr"}, "Did you mean 'lobar'"),
        ({"--out": "figure.txt"}, ".png"),
        ({"image": "settings", "--out": "settings"}, "would be lost"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_bad_input_is_answered_in_a_sentence(
    work: Path,
    image: str,
    tmp_path: Path,
    changes: dict[str, str],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = {"run": str(work / "run"), "image": image, "--move": "texture", "--out": "new/f.png"} | changes
    asked = {name: str(work / "run" / "settings.yaml") if it == "settings" else it for name, it in asked.items()}
    words = [asked.pop("run"), asked.pop("image")]
    assert main(["represent", *words, *(word for pair in asked.items() for word in pair)]) == 2
    error = capsys.readouterr().err
    assert told in " ".join(error.split())
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []
