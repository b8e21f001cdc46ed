"""Every command on a tiny data set: what it writes, what it says, and how it answers bad input."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import semiray.evaluation
import semiray.report
from semiray.cli import main
from semiray.evaluation import QUICK_BENEFIT

TINY = [
    *("--resolution", "32", "--set", "optimisation.batch=8", "--set", "optimisation.average=2"),
    *("--set", "networks.width=8", "--set", "networks.widest=16", "--set", "networks.noise=8"),
]
Semiray = Callable[..., tuple[int, str, str]]


@pytest.fixture
def semiray_says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Semiray:
    """Run one command; its exit code, and what it printed to standard output and to standard error."""
    from rich.console import Console

    def run(*words: str | Path) -> tuple[int, str, str]:
        for module in ("console", "live"):
            monkeypatch.setattr(f"semiray.commands.{module}.console", Console(highlight=False, width=200))
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data`, 60 phantoms of 32 px, and `run`, trained on them for five steps by the command itself."""
    work = tmp_path_factory.mktemp("work")
    assert main(["data", "phantom", str(work / "data"), "-n", "60", "--resolution", "32", "--seed", "3"]) == 0
    words = ["train", str(work / "data"), "--out", str(work / "run"), "--cache", str(work / "cache"), "--images", "40"]
    assert main([*words, "--classes", "normal, lobar=ill, diffuse=ill", *TINY]) == 0
    return work


def test_inspect_counts_and_draws(work: Path, tmp_path: Path, semiray_says: Semiray) -> None:
    code, said, _ = semiray_says(
        "data", "inspect", work / "data", "--out", tmp_path / "s.png", "--cache", tmp_path / "c"
    )
    assert code == 0
    assert "60 images" in said
    for name in ("normal", "lobar", "diffuse"):
        assert name in said
    assert Image.open(tmp_path / "s.png").width > 100


def test_inspect_tells_classes_and_sources_by_what_is_no_disease(
    work: Path, tmp_path: Path, semiray_says: Semiray
) -> None:
    words = ("data", "inspect", work / "data", "--out", tmp_path / "s.png", "--cache", tmp_path / "c")
    code, said, _ = semiray_says(*words)
    assert code == 0
    assert "shortcuts between classes" in said
    assert "diffuse / lobar" in said
    code, _, error = semiray_says(*words, "--source-column", "hospital")
    assert code == 2
    assert "'hospital'" in error


def test_a_prepared_set_stands_in_for_the_data(work: Path, tmp_path: Path, semiray_says: Semiray) -> None:
    words = ("--resolution", "32", "--classes", "normal, lobar=ill, diffuse=ill")
    code, said, _ = semiray_says("data", "prepare", work / "data", "--out", tmp_path / "prepared", *words)
    assert code == 0
    assert "60 images of 60 patients" in said
    out = ("--out", tmp_path / "out", "--reject-copies", tmp_path / "prepared")
    assert semiray_says("generate", work / "run", "-n", "10", *out)[0] == 0
    code, said, _ = semiray_says("data", "inspect", tmp_path / "prepared", "--out", tmp_path / "s.png")
    assert code == 0
    assert "a prepared set" in said
    code, _, error = semiray_says("train", tmp_path / "prepared", "--out", tmp_path / "new", "--images", "8")
    assert code == 2
    assert "give --resolution 32" in error


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

    def remembering(*words: Any, **options: Any) -> Any:
        images = render(*words, **options)
        images[:3] = known
        return images

    monkeypatch.setattr(sampling, "render", remembering)
    monkeypatch.setattr(sampling, "_BATCH", 64)
    code, said, _ = semiray_says(
        "generate", work / "run", "-n", "20", "--out", tmp_path / "out", "--reject-copies", work / "data"
    )
    assert code == 0
    assert "3 of 20 images" in said
    assert {int(path.stem) for path in (tmp_path / "out").rglob("*.png")} == set(range(3, 20))


def test_a_prior_is_printed_as_it_can_be_read_and_drawn(tmp_path: Path, semiray_says: Semiray) -> None:
    code, said, _ = semiray_says("prior", "show", "--out", tmp_path / "a.png", "--marginals")
    assert code == 0
    (tmp_path / "prior.yaml").write_text(said[: said.index("Wrote ")], encoding="utf-8")
    code, again, _ = semiray_says("prior", "show", tmp_path / "prior.yaml", "--out", tmp_path / "b.png", "--marginals")
    assert code == 0
    assert again.replace("b.png", "a.png") == said
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_training_leaves_a_run_that_knows_its_options(work: Path) -> None:
    import semiray

    run = semiray.Run.load(work / "run")
    assert run.classes == ("normal", "ill")
    assert run.resolution == 32
    assert run.settings.data.classes == {"normal": "normal", "lobar": "ill", "diffuse": "ill"}
    assert run.settings.networks.width == 8


def test_training_reports_as_it_goes(work: Path, tmp_path: Path, semiray_says: Semiray) -> None:
    out = tmp_path / "run"
    words = ("train", work / "data", "--out", out, "--cache", work / "cache", *TINY)
    code, said, _ = semiray_says(*words, "--images", "16", "--preset", "study", "--seed", "5")
    assert code == 0
    for word in ("60 images of 60 patients", "normal 20", "losses", "commitment R²", "survival", f"Wrote {out}"):
        assert word in said, word
    code, _, error = semiray_says(*words, "--images", "24")
    assert code == 2
    assert "--resume" in error
    code, said, _ = semiray_says("train", work / "data", "--out", out, "--images", "24", "--resume")
    assert code == 0
    steps = [json.loads(line)["images"] for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert steps == [16, 24]


def test_a_prior_file_is_trained_with(work: Path, tmp_path: Path, semiray_says: Semiray) -> None:
    import semiray

    prior = tmp_path / "prior.yaml"
    prior.write_text("factors:\n  age: {family: normal, mean: 60, standard_deviation: 9, dimensions: 2}\n", "utf-8")
    words = ("train", work / "data", "--out", tmp_path / "run", "--cache", work / "cache", "--images", "8", *TINY)
    code, _, error = semiray_says(*words, "--prior", prior)
    assert code == 0, error
    assert semiray.Run.load(tmp_path / "run").prior.names == ("age[0]", "age[1]")


def test_a_table_grounds_what_it_tells(work: Path, tmp_path: Path, semiray_says: Semiray) -> None:
    import semiray

    rules = tmp_path / "ground.yaml"
    rules.write_text("ground: {duration: {column: 'duration[0]'}}\n", "utf-8")
    words = ("train", work / "data", "--out", tmp_path / "run", "--cache", work / "cache", "--images", "8", *TINY)
    code, said, error = semiray_says(*words, "--ground", rules)
    assert code == 0, error
    count = semiray.Run.load(tmp_path / "run").grounded["duration"]
    assert f"duration is grounded on {count} images. Assumed, grounded on no image: survival, presentation" in said


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


def test_evaluate_reads_data_as_training_did(
    work: Path, tmp_path: Path, semiray_says: Semiray, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = partial(semiray.report.evaluate, steps=2, n_synthetic=24)
    monkeypatch.setattr(semiray.report, "evaluate", small)
    monkeypatch.setattr(
        semiray.evaluation,
        "QUICK_BENEFIT",
        replace(QUICK_BENEFIT, seeds=1, steps=2, batch=8, multiples=(1,), resamples=20),
    )
    words = ("evaluate", work / "run", work / "data", "--out", tmp_path / "proof", "--cache", work / "cache")
    code, said, error = semiray_says(*words, "--seeds", "1", "--quick", "--classifier", "cnn", "--no-real-images")
    assert code == 0, error
    for word in (
        "60 images",
        "ill 40",
        "ceiling",
        "synthetic / real",
        "classical augmentation",
        "Commitment",
        "Sorting",
        "report.html",
    ):
        assert word in said, word
    content = json.loads((tmp_path / "proof" / "report.json").read_text(encoding="utf-8"))
    found = content["judgements"]
    assert found["utility"]["classes"] == ["normal", "ill"]
    assert found["benefit"]["settings"]["architecture"]["name"] == "cnn"
    assert "duration" in found["commitment"]["means"]
    assert str(work / "run" / "README.md") in said
    assert "Real images were left out" in (tmp_path / "proof" / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "proof" / "figures" / "images.png").exists()
    assert not (tmp_path / "proof" / "figures" / "closest.png").exists()


def test_judge_takes_any_folder_of_images_a_class(
    work: Path, tmp_path: Path, semiray_says: Semiray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semiray.report, "judge", partial(semiray.report.judge, steps=2))
    assert semiray_says("generate", work / "run", "-n", "20", "--out", tmp_path / "made")[0] == 0
    words = ("judge", tmp_path / "made", work / "data", "--classes", "normal, lobar=ill, diffuse=ill")
    code, said, error = semiray_says(
        *words, "--out", tmp_path / "proof", "--resolution", "32", "--seeds", "1", "--cache", tmp_path / "cache",
        "--no-benefit", "--no-real-images",
    )  # fmt: skip
    assert "Real images were left out" in (tmp_path / "proof" / "report.html").read_text(encoding="utf-8")
    assert code == 0, error
    assert "synthetic / real" in said
    assert "Commitment" not in said
    assert "classical" not in said
    content = json.loads((tmp_path / "proof" / "report.json").read_text(encoding="utf-8"))
    assert content["judgements"]["utility"]["ratio"]["mean"] >= 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("train", "DATA", "--out", "NEW", "--resolution", "48"), "resolution"),
        (("train", "DATA", "--out", "NEW", "--set", "objectives.srot=1"), "objectives.sort"),
        (("train", "DATA", "--out", "NEW", "--settings", "nowhere.yaml"), "nowhere.yaml"),
        (("train", "DATA", "--out", "NEW", "--ground", "nowhere.yaml"), "neither a file nor a recipe"),
        (("train", "DATA", "--out", "NEW", "--ground", "hannover"), "needs the columns admission_offset"),
        (("train", "DATA", "--out", "NEW", "--set", "ground={duratoin: {column: days}}"), "did you mean 'duration'"),
        (("train", "nowhere", "--out", "NEW"), "nowhere"),
        (("train", "DATA", "--out", "NEW", "--resume"), "isn't a run"),
        (("train", "DATA", "--out", "NEW", "--label-from", "("), "label_from"),
        (("train", "DATA", "--out", "NEW", "--classes", "A,,B"), "--classes"),
        (("generate", "RUN", "--out", "NEW", "--label", "COVID"), "COVID"),
        (("generate", "RUN", "--out", "NEW", "--where", "duration <"), "duration <"),
        (("generate", "RUN", "--out", "NEW", "--where", "__import__('os')"), "__import__"),
        (("generate", "DATA", "--out", "NEW"), "isn't a run"),
        (("traverse", "RUN", "--out", "figure.txt"), ".png"),
        (("networks", "--preset", "nonsense"), "preset"),
        (("evaluate", "RUN", "nowhere", "--out", "NEW"), "nowhere"),
        (("demo", "--out", "DATA"), "in use"),
        (("demo", "--out", "NEW", "--minutes", "-1"), "--minutes"),
    ],
    ids=lambda value: " ".join(value[:1] + value[-1:]) if isinstance(value, tuple) else None,
)
def test_bad_input_is_answered_in_a_sentence(
    work: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    told: str,
    semiray_says: Semiray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEMIRAY_CACHE", str(work / "cache"))
    places = {"DATA": work / "data", "RUN": work / "run", "NEW": tmp_path / "new"}
    code, _, error = semiray_says(*(places.get(word, word) for word in words))
    assert code == 2
    assert told in error
    assert "Traceback" not in error
    assert not (tmp_path / "new").exists()
    assert list(tmp_path.iterdir()) == []
