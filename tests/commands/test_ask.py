"""`semiray generate`, `traverse`, `samples`, `networks` on a tiny run."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Semiray = Callable[..., tuple[int, str, str]]
Refuses = Callable[..., str]


def test_copies_are_counted_and_dropped(work: Path, tmp_path: Path, semiray_says: Semiray) -> None:
    words = ("generate", work / "run", "-n", "20", "--out", tmp_path / "out", "--reject-copies", work / "data")
    code, said, _ = semiray_says(*words)
    assert code == 0
    assert "0 of 20 images are copies of training images and were dropped" in said
    assert len(list((tmp_path / "out").rglob("*.png"))) == 20
    code, _, error = semiray_says(*words[:-1], tmp_path / "nowhere", "--out", tmp_path / "other")
    assert code == 2
    assert "nowhere" in error
    assert not (tmp_path / "other").exists()


def test_a_run_that_gives_its_training_images_again(
    work: Path, tmp_path: Path, semiray_says: Semiray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of twenty images three are training images: they go, and the others keep their places in the sample."""
    from semiray.generation import sampling

    key = json.loads((work / "run" / "split.json").read_text())["train"][0]
    known = np.asarray(Image.open(work / "data" / key))
    render = sampling.render

    batches: list[Any] = []

    def remembering(*words: Any, **options: Any) -> Any:
        images = render(*words, **options)
        if not batches:
            images[:3] = known
        batches.append(images)
        return images

    monkeypatch.setattr(sampling, "render", remembering)
    code, said, _ = semiray_says(
        "generate", work / "run", "-n", "20", "--out", tmp_path / "out", "--reject-copies", work / "data"
    )
    assert code == 0
    assert "3 of 20 images" in said
    assert {int(path.stem) for path in (tmp_path / "out").rglob("*.png")} == set(range(3, 20))


def test_factors_are_held(work: Path, tmp_path: Path, semiray_says: Semiray) -> None:
    words = ("generate", work / "run", "-n", "3", "--hold", "duration=14", "--hold", "texture[2]=0.5")
    assert semiray_says(*words, "--out", tmp_path / "out")[0] == 0
    with (tmp_path / "out" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["duration[0]"], row["duration[4]"], row["texture[2]"]) for row in rows} == {("14", "14", "0.5")}


def test_what_cannot_be_held_is_said(refuses: Refuses) -> None:
    assert "days" in refuses("generate", "RUN", "--out", "NEW", "--hold", "duration=-1")
    assert "FACTOR=VALUE" in refuses("generate", "RUN", "--out", "NEW", "--hold", "duration")


def test_the_same_question_gets_the_same_bytes(work: Path, tmp_path: Path, semiray_says: Semiray) -> None:
    words = ("generate", work / "run", "-n", "10", "--label", "ill", "--where", "survival == 1 and duration <= 14")
    for name in "ab":
        code, said, _ = semiray_says(*words, "--seed", "7", "--out", tmp_path / name)
        assert code == 0
        assert "P(survival == 1 and duration <= 14) = 0." in said
    written = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(written) == 12  # ten images, manifest.csv, request.json
    assert all((tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes() for path in written)
    with (tmp_path / "a" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(float(row["survival[0]"]) == 1 and float(row["duration[0]"]) <= 14 for row in rows)
    assert {row["label"] for row in rows} == {"ill"}


def test_codes_of_a_set_become_a_table(work: Path, tmp_path: Path, semiray_says: Semiray, refuses: Refuses) -> None:
    code, said, _ = semiray_says(
        "encode", work / "run", work / "data", "--out", tmp_path / "codes.csv", "--cache", work / "cache"
    )
    assert code == 0
    assert "60 images" in said
    assert "Assumed, grounded on no image: survival" in said
    with (tmp_path / "codes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    assert {row["estimated_label"] for row in rows} <= {"normal", "ill"}
    assert {row["part"] for row in rows} == {"train", "validation", "test"}
    (tmp_path / "codes.csv").unlink()
    assert "--out codes.txt: name a table that ends in .csv" in refuses("encode", "RUN", "DATA", "--out", "codes.txt")


@pytest.mark.parametrize(
    "words",
    [("traverse", "RUN", "--patients", "1", "--steps", "3"), ("samples", "RUN"), ("networks", "RUN")],
    ids=lambda words: words[0],
)
def test_a_run_is_drawn(work: Path, tmp_path: Path, words: tuple[str, ...], semiray_says: Semiray) -> None:
    code, said, _ = semiray_says(
        *(work / "run" if word == "RUN" else word for word in words), "--out", tmp_path / "f.png"
    )
    assert code == 0
    assert f"Wrote {tmp_path / 'f.png'}" in said
    assert Image.open(tmp_path / "f.png").width > 200
    assert [path.name for path in tmp_path.iterdir()] == ["f.png"]


def test_a_preset_is_drawn_without_a_run(tmp_path: Path, semiray_says: Semiray) -> None:
    for preset in ("default", "study"):
        out = tmp_path / f"{preset}.svg"
        assert semiray_says("networks", "--preset", preset, "--resolution", "32", "--out", out)[0] == 0
        assert "<svg" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("generate", "RUN", "--out", "NEW", "--label", "COVID"), "COVID"),
        (("generate", "RUN", "--out", "NEW", "--where", "duration <"), "duration <"),
        (("generate", "RUN", "--out", "NEW", "--where", "__import__('os')"), "__import__"),
        (("generate", "DATA", "--out", "NEW"), "isn't a run"),
        (("traverse", "RUN", "--out", "figure.txt"), ".png"),
        (("networks", "--preset", "nonsense"), "preset"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(refuses: Refuses, words: tuple[str, ...], told: str) -> None:
    assert told in refuses(*words)
