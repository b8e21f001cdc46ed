"""`semiray evaluate` and `judge` on a tiny run."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import semiray
import semiray.report
from semiray.evaluation import BenefitSettings

Semiray = Callable[..., tuple[int, str, str]]
Refuses = Callable[..., str]
FEW: dict[str, Any] = {
    "steps": 2,
    "n_synthetic": 24,
    "probe_steps": 2,
    "commitment_images": 64,
    "effect_patients": 4,
    "permutations": 19,
}


@pytest.mark.slow
def test_evaluate_reads_data_as_training_did(
    work: Path, tmp_path: Path, semiray_says: Semiray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = semiray.report.evaluate

    def small(*given: Any, benefit: BenefitSettings, **options: Any) -> Any:
        few = replace(benefit, seeds=1, steps=2, batch=8, resamples=20)
        return whole(*given, **options, benefit=few, **FEW)

    monkeypatch.setattr(semiray.report, "evaluate", small)
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


@pytest.mark.slow
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
        (("evaluate", "RUN", "nowhere", "--out", "NEW"), "nowhere"),
        (("judge", "nowhere", "DATA", "--out", "NEW", "--device", "abacus"), "device 'abacus'"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(refuses: Refuses, words: tuple[str, ...], told: str) -> None:
    assert told in refuses(*words)
