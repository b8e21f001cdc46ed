"""`semiray train` and `demo`: what they write, say and refuse."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import semiray
import semiray.report

Semiray = Callable[..., tuple[int, str, str]]
Refuses = Callable[..., str]


def test_training_leaves_a_run_that_knows_its_options(work: Path) -> None:
    run = semiray.Run.load(work / "run")
    assert run.classes == ("normal", "ill")
    assert run.resolution == 32
    assert run.settings.data.classes == {"normal": "normal", "lobar": "ill", "diffuse": "ill"}
    assert run.settings.networks.width == 8


def test_training_reports_as_it_goes(work: Path, tmp_path: Path, semiray_says: Semiray, tiny: list[str]) -> None:
    out = tmp_path / "run"
    words = ("train", work / "data", "--out", out, "--cache", work / "cache", *tiny)
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


def test_a_prior_file_is_trained_with(work: Path, tmp_path: Path, semiray_says: Semiray, tiny: list[str]) -> None:
    prior = tmp_path / "prior.yaml"
    prior.write_text("factors:\n  age: {family: normal, mean: 60, standard_deviation: 9, dimensions: 2}\n", "utf-8")
    words = ("train", work / "data", "--out", tmp_path / "run", "--cache", work / "cache", "--images", "8", *tiny)
    code, _, error = semiray_says(*words, "--prior", prior)
    assert code == 0, error
    assert semiray.Run.load(tmp_path / "run").prior.names == ("age[0]", "age[1]")


def test_a_table_grounds_what_it_tells(work: Path, tmp_path: Path, semiray_says: Semiray, tiny: list[str]) -> None:
    rules = tmp_path / "ground.yaml"
    rules.write_text("ground: {duration: {column: 'duration[0]'}}\n", "utf-8")
    words = ("train", work / "data", "--out", tmp_path / "run", "--cache", work / "cache", "--images", "8", *tiny)
    code, said, error = semiray_says(*words, "--ground", rules)
    assert code == 0, error
    count = semiray.Run.load(tmp_path / "run").grounded["duration"]
    assert f"duration is grounded on {count} images. Assumed, grounded on no image: survival, presentation" in said


def test_a_run_starts_from_another(work: Path, tmp_path: Path, semiray_says: Semiray, tiny: list[str]) -> None:
    words = ("train", work / "data", "--out", tmp_path / "run", "--cache", work / "cache", "--images", "8")
    grown = ("--classes", "normal, lobar", "--resolution", "64", "--set", "optimisation.batch=8")
    code, said, error = semiray_says(*words, "--from", work / "run", *grown)
    assert code == 0, error
    assert "From run (40 images): " in said
    assert "classes normal taken over, lobar new, ill left out; codes survival, duration, presentation," in said
    assert "32 to 64 px: stages of equal maps taken over" in said
    run = semiray.Run.load(tmp_path / "run")
    assert (run.resolution, run.settings.networks.width, run.settings.networks.noise) == (64, 4, 8)
    code, _, error = semiray_says(*words[:-2], "--images", "16", "--resume", "--from", tmp_path / "run")
    assert code == 2
    assert "was started from other weights" in error
    assert "leave --from out" in error


def test_official_parts_are_kept(work: Path, tmp_path: Path, semiray_says: Semiray, tiny: list[str]) -> None:
    for i, file in enumerate(sorted((work / "data").rglob("*.png"))):
        place = tmp_path / "data" / ("test" if i % 3 == 0 else "train") / file.parent.name
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    words = ("train", tmp_path / "data", "--out", tmp_path / "run", "--cache", tmp_path / "cache", *tiny)
    code, _, error = semiray_says(*words, "--images", "8", "--official-split")
    assert code == 0, error
    assert "no official validation part" in error
    run = semiray.Run.load(tmp_path / "run")
    split = json.loads((tmp_path / "run" / "split.json").read_text(encoding="utf-8"))
    assert len(split["test"]) == 20
    assert all("test/" in key for key in split["test"])
    assert not any("test/" in key for key in split["train"])
    assert run.settings.data.official_split


def test_a_class_is_cut_down_to_few_training_patients(
    work: Path, tmp_path: Path, semiray_says: Semiray, tiny: list[str]
) -> None:
    words = ("train", work / "data", "--cache", work / "cache", "--images", "8", *tiny)
    for name, thin in (("whole", ()), ("thinned", ("--thin", "lobar=0.25"))):
        code, _, error = semiray_says(*words, "--out", tmp_path / name, *thin)
        assert code == 0, error
    whole, thinned = (json.loads((tmp_path / name / "split.json").read_text()) for name in ("whole", "thinned"))
    assert set(thinned["train"]) < set(whole["train"])
    assert (thinned["validation"], thinned["test"]) == (whole["validation"], whole["test"])
    run = semiray.Run.load(tmp_path / "thinned")
    assert run.settings.data.thin == {"lobar": 0.25}
    assert sum(run.data["left_out"].values()) == len(whole["train"]) - len(thinned["train"])


def test_a_device_is_checked_before_images_are_read(refuses: Refuses) -> None:
    assert "device 'abacus'" in refuses("train", "nowhere", "--out", "NEW", "--device", "abacus")


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
        (("train", "DATA", "--out", "NEW", "--official-split"), "--official-split: no image is in an official part"),
        (("train", "DATA", "--out", "NEW", "--thin", "lobar"), "--thin lobar: expected CLASS=SHARE"),
        (("train", "DATA", "--out", "NEW", "--thin", "lobr=0.1"), "no training image has the class 'lobr'"),
        (("train", "DATA", "--out", "NEW", "--resume"), "isn't a run"),
        (("train", "DATA", "--out", "NEW", "--from", "nowhere"), "nowhere isn't a run"),
        (("train", "DATA", "--out", "NEW", "--from", "RUN", "--preset", "study"), "has the architecture residual"),
        (("train", "DATA", "--out", "NEW", "--from", "RUN", "--framing", "pad"), "Read these with --framing crop"),
        (("train", "DATA", "--out", "NEW", "--label-from", "("), "--label-from"),
        (("train", "DATA", "--out", "NEW", "--classes", "A,,B"), "--classes 'A,,B'"),
        (("demo", "--out", "DATA"), "not empty: choose another folder with --out"),
        (("demo", "--out", "NEW", "--minutes", "-1"), "--minutes"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(refuses: Refuses, words: tuple[str, ...], told: str) -> None:
    assert told in refuses(*words)


def test_findings_are_trained_on_and_asked_for(tmp_path: Path, semiray_says: Semiray, tiny: list[str]) -> None:
    data, out = tmp_path / "data", tmp_path / "run"
    made = semiray_says("data", "phantom", data, "--findings", "-n", "80", "--resolution", "32", "--blanks", "0.1")
    assert made[0] == 0
    words = ("train", data, "--findings", "effusion, haze, lobar opacity", "--out", out, "--cache", tmp_path / "cache")
    code, said, _ = semiray_says(*words, "--images", "16", *tiny)
    assert code == 0
    assert "3 findings become factors" in said
    assert "lobar_opacity ('lobar opacity'): rate" in said
    asked = ("generate", out, "-n", "8", "--where", "lobar_opacity == 1 and effusion == 0 and duration <= 14")
    assert semiray_says(*asked, "--out", tmp_path / "asked")[0] == 0
    assert "effusion[0],haze[0],lobar_opacity[0]" in (tmp_path / "asked" / "manifest.csv").read_text(encoding="utf-8")
    assert semiray_says(*words, "--resume", "--images", "24")[0] == 0
