import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.evaluation import sides as parts
from semiray.evaluation.evaluate import evaluate, judge
from semiray.evaluation.judgements.benefit import BenefitResult, BenefitSettings
from semiray.evaluation.judgements.energy import EnergyResult
from semiray.evaluation.judgements.fidelity import MEASURES, FeatureSpace
from semiray.evaluation.judgements.privacy import PrivacyResult
from semiray.evaluation.judgements.utility import UtilityResult
from semiray.evaluation.judges.architectures import Architecture
from semiray.evaluation.skipped import Skipped
from semiray.priors import Factor, JointPrior
from semiray.radiographs import split_by_patient
from semiray.report import evaluate as protocol
from semiray.report import report_content
from semiray.report.report import FIGURES
from semiray.report.summary import summarise

FAST = {"seeds": 1, "steps": 4, "batch": 8, "n_synthetic": 24, "probe_steps": 2}
FAST_BENEFIT = BenefitSettings(fractions=(0.5, 1.0), seeds=1, steps=3, batch=8, shares=(), multiples=(2,), resamples=20)


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "COMMITMENT_IMAGES", 128)
    monkeypatch.setattr(protocol, "EFFECT_PATIENTS", 8)
    monkeypatch.setattr(protocol, "PERMUTATIONS", 39)


def test_the_report_has_the_keys_that_were_promised(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, split = run_maker(tmp_path / "RUN", real)
    seen: list[tuple[int, int]] = []
    report = evaluate(run, real, tmp_path / "out", **FAST, benefit=FAST_BENEFIT, progress=lambda *x: seen.append(x))
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert content == json.loads(json.dumps(report_content(report)))
    for side in ("tstr", "trtr"):
        figure = content["utility"][side]["balanced_accuracy"]
        assert figure["low"] <= figure["high"]
        assert figure["mean"] == pytest.approx(np.mean(figure["seeds"]))
        assert content["utility"][side]["n_images"] == len(split.test)
    assert content["utility"]["ratio"] == pytest.approx(
        content["utility"]["tstr"]["balanced_accuracy"]["mean"]
        / content["utility"]["trtr"]["balanced_accuracy"]["mean"]
    )
    assert content["utility"]["trtr"]["n_train"] == len(split.train)
    benefit = content["benefit"]
    assert set(benefit["arms"]) == {"real", "classical", "synthetic", "mixed", "pretrained"}
    assert list(benefit["arms"]["mixed"]) == ["0.5", "1"]
    assert benefit["n_synthetic"] == 2 * len(split.train)  # more were generated than the judge is trained on
    assert benefit["generator_saw_all_patients"] is True
    commitment = content["commitment"]
    for table in (
        commitment["sorter"],
        commitment["effect"],
        *(commitment["probe"][name] for name in ("clean", "noise", "half", "jpeg")),
        content["sorting"]["ks"],
    ):
        assert {name: len(values) for name, values in table.items()} == {
            "survival": 5, "duration": 5, "presentation": 5, "texture": 5,
        }  # fmt: skip
    assert content["sorting"]["n_images"] == len(split.test)
    energy = content["sorting"]["energy"]
    assert energy["ratio"] == pytest.approx(energy["statistic"] / energy["floor"])
    assert energy["n_patients"] == len(np.unique(real.patients[split.test]))
    assert np.shape(content["sorting"]["correlation"]["measured"]) == (20, 20)
    assert "40 held-out patients" in content["fidelity"]["skipped"]
    privacy = content["privacy"]
    assert privacy["copies"]["n_images"] == content["utility"]["tstr"]["n_train"]
    assert privacy["copies_among_held_out"]["n_images"] == len(split.test)
    assert set(privacy["membership"]) == {"black_box", "white_box"}
    assert [pair["groups"] for pair in content["shortcuts"]["pairs"]] == [
        ["dark", "middle"], ["dark", "bright"], ["middle", "bright"],
    ]  # fmt: skip
    assert "tells dark from middle" in content["shortcuts"]["warning"]  # these classes are nothing but their grey
    assert content["phantom"] is False
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "not a medical device" in page
    assert "phantom" not in page
    drawn = {path.stem: path.stat().st_size for path in (tmp_path / "out" / "figures").iterdir()}
    assert set(drawn) == FIGURES
    assert min(drawn.values()) > 1000


def test_labels_are_matched_by_name_not_by_position(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, split = run_maker(tmp_path / "RUN", real)
    turned = replace(real, classes=("bright", "dark", "middle"), labels=np.array([1, 2, 0])[real.labels])
    train, test, obstacle, _ = parts.labelled_parts(run.classes, turned, split)
    assert obstacle == ""
    assert train.classes == test.classes == run.classes
    assert np.array_equal(test.labels, real.labels[split.test])


def test_a_phantom_is_called_one(set_maker: Any, run_maker: Any, tmp_path: Path) -> None:
    data = set_maker(60, classes=("diffuse", "lobar", "normal"))
    assert not parts.is_phantom(data), "the classes' names alone don't make a phantom"
    data = replace(data, keys=tuple(f"ill/phantom_{i:06d}.png" for i in range(len(data))))
    run, _ = run_maker(tmp_path / "RUN", data, data.classes)
    report = evaluate(run, data, None, **FAST)
    assert report.phantom
    assert "phantom images" in report.data


def test_without_labels_utility_is_left_out_with_a_reason(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, _ = run_maker(tmp_path / "RUN", real, ())
    report = evaluate(run, real, None, **FAST)
    assert isinstance(report.utility, Skipped)
    assert report.commitment is not None
    assert "knows no classes" in report_content(report)["utility"]["skipped"]
    labelled, _ = run_maker(tmp_path / "RUN", real)
    bare = replace(real, classes=(), labels=np.full(len(real), -1))
    report = evaluate(labelled, bare, None, **FAST)
    assert isinstance(report.utility, Skipped)
    assert "no labels" in report.utility.reason


def test_another_data_set_is_split_here_and_added_images_are_left_out(
    real: Any, set_maker: Any, run_maker: Any, tmp_path: Path
) -> None:
    run, split = run_maker(tmp_path / "RUN", real)
    other = set_maker(60, seed=4, prefix="other")
    with pytest.raises(SemirayError, match="60 of the 60 images have the file names of the run's own"):
        parts.run_split(run, other)
    other = replace(other, keys=tuple(f"elsewhere/{i}-{Path(key).name}" for i, key in enumerate(other.keys)))
    drawn, own, notes = parts.run_split(run, other)
    assert not own
    assert "another data set" in notes[0]
    assert not set(other.patients[drawn.train]) & set(other.patients[drawn.test])
    both = replace(
        real,
        images=np.concatenate([real.images, other.images]),
        labels=np.concatenate([real.labels, other.labels]),
        patients=np.concatenate([real.patients, np.char.add("q", other.patients)]),
        keys=real.keys + other.keys,
        metadata=real.metadata + other.metadata,
    )
    drawn, own, notes = parts.run_split(run, both)
    assert own
    assert np.array_equal(drawn.test, split.test)
    assert "60 images" in notes[0]
    changed = replace(real, fingerprint="other")
    assert "have changed" in parts.run_split(run, changed)[2][0]


def test_what_does_not_fit_is_an_error_that_says_so(real: Any, set_maker: Any, run_maker: Any, tmp_path: Path) -> None:
    run, _ = run_maker(tmp_path / "RUN", real)
    with pytest.raises(SemirayError, match="resolution=32"):
        evaluate(run, replace(real, images=real.images[:, :16, :16]), None, **FAST)
    with pytest.raises(SemirayError, match="missing"):
        evaluate(run, real.take(range(20)), None, **FAST)
    with pytest.raises(SemirayError, match=r"dark, middle, bright.*a, b, c"):
        evaluate(run, replace(real, classes=("a", "b", "c")), None, **FAST)
    (tmp_path / "RUN" / "split.json").write_text("[]")
    with pytest.raises(SemirayError, match=r"split\.json"):
        evaluate(run, real, None, **FAST)


def test_a_classifier_that_cannot_be_built_is_told_before_anything_is_generated(
    real: Any, run_maker: Any, tmp_path: Path
) -> None:
    run, _ = run_maker(tmp_path / "RUN", real)
    missing = replace(FAST_BENEFIT, architecture=Architecture("cnn", tmp_path / "none.safetensors"))
    for call in (partial(evaluate, run, real), partial(judge, real, real)):
        with pytest.raises(SemirayError, match="can't be read"):
            call(None, benefit=missing, progress=lambda *_: pytest.fail("long work has begun"))


def test_judge_judges_any_folder(set_maker: Any, tmp_path: Path) -> None:
    synthetic, real = set_maker(60, seed=7), set_maker(120)
    report = judge(synthetic, real, tmp_path / "out", seeds=1, steps=40, batch=24, benefit=FAST_BENEFIT)
    assert isinstance(report.utility, UtilityResult)
    assert isinstance(report.benefit, BenefitResult)
    assert list(report.benefit.synthetic_only) == [60]  # fewer than twice the real ones
    assert report.benefit.own is None
    assert report.utility.ratio.mean > 0.8
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert content["commitment"] is None
    assert "--split" in content["privacy"]["skipped"]
    assert any("seen the test patients" in note for note in content["notes"])
    one = replace(real, classes=("dark",), labels=np.zeros(len(real), np.int64))
    with pytest.raises(SemirayError, match="one class"):
        judge(replace(synthetic, classes=("dark",), labels=np.zeros(60, np.int64)), one, None, seeds=1)


def test_with_a_split_judge_tells_of_fidelity_and_privacy(set_maker: Any, tmp_path: Path) -> None:
    synthetic, real = set_maker(180, seed=7, per_patient=1), set_maker(300, per_patient=1)
    split = split_by_patient(real, fractions=(0.5, 0.0, 0.5), seed=0)
    report = judge(synthetic, real, tmp_path / "out", seeds=1, steps=20, batch=24, split=split)
    content = json.loads(json.dumps(report_content(report), allow_nan=False))
    assert set(content["fidelity"]["measures"]) == set(MEASURES)
    assert content["fidelity"]["dimensions"] == 192
    assert set(content["privacy"]["membership"]) == {"black_box"}
    page = (tmp_path / "out" / "report.html").read_text()
    for words in ("Fidelity and coverage", "sliced Wasserstein distance", "synthetic images are copies"):
        assert words in page
    assert any("coverage" in line for line in summarise(content))
    alone = replace(split, train=split.train[:1].repeat(1))
    assert isinstance(protocol._privacy(None, synthetic.images, real, alone, lambda *_: None), Skipped)
    both = replace(split, test=np.concatenate([split.test, split.train[:1]]))
    mixed = protocol._privacy(None, synthetic.images, real, both, lambda *_: None)
    assert isinstance(mixed, Skipped)
    assert "trained on" in mixed.reason


def test_a_space_is_named_in_the_report_and_asked_first(set_maker: Any, tmp_path: Path) -> None:
    synthetic, real = set_maker(180, seed=7, per_patient=1), set_maker(300, per_patient=1)
    split = split_by_patient(real, fractions=(0.5, 0.0, 0.5), seed=0)
    rows = FeatureSpace("rows<i>", lambda images: images.mean(axis=2).astype(np.float32))
    fast: dict[str, Any] = {"seeds": 1, "steps": 5, "batch": 24, "split": split}
    report = judge(synthetic, real, tmp_path / "out", space=rows, **fast)
    content = json.loads(json.dumps(report_content(report), allow_nan=False))
    assert (content["fidelity"]["space"], content["fidelity"]["dimensions"]) == ("rows<i>", 32)
    assert set(content["privacy"]["authenticity"]) == {"pixels", "rows<i>"}
    found = content["privacy"]["authenticity"]["rows<i>"]
    assert found["synthetic"]["n_images"] > found["held_out"]["n_images"] == 150
    page = (tmp_path / "out" / "report.html").read_text()
    assert "rows&lt;i&gt;" in page
    assert "rows<i>" not in page
    assert any(line.strip().startswith("authentic, by pixels") for line in summarise(content))
    told: list[int] = []
    flat = FeatureSpace("flat", lambda images: images[:, 0, 0].astype(np.float32))
    with pytest.raises(SemirayError, match="The space flat"):
        judge(synthetic, real, None, space=flat, progress=lambda done, _: told.append(done), **fast)
    assert not told


def test_a_named_space_needs_no_classifier(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, _split = run_maker(tmp_path / "RUN", real, ())
    rows = FeatureSpace("rows", lambda images: images.mean(axis=2).astype(np.float32))
    report = evaluate(run, real, None, space=rows, **FAST)
    assert isinstance(report.utility, Skipped)
    assert isinstance(report.fidelity, Skipped)  # for another reason: there are few patients
    assert "held-out patients" in report.fidelity.reason
    assert parts.match_labels(("a", "b"), ("b", "c", "a"), np.array([0, 1, -1])).tolist() == [2, 0, -1]  # type: ignore[union-attr]
    assert parts.match_labels((), ("a",), np.array([-1])) is None


def test_unlabelled_images_were_not_trained_on(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, split = run_maker(tmp_path / "RUN", real)
    labels = real.labels.copy()
    labels[split.train[:20]] = -1
    found = protocol._privacy(run, real.images[:30], replace(real, labels=labels), split, lambda *_: None)
    assert isinstance(found, PrivacyResult)
    assert found.n_train == len(split.train) - 20
    assert found.white_box is not None


def test_quick_is_smaller_in_every_way(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, _ = run_maker(tmp_path / "RUN", real)
    report = evaluate(run, real, None, seeds=3, steps=5, batch=8, n_synthetic=30, probe_steps=2, quick=True)
    assert isinstance(report.utility, UtilityResult)
    assert (report.utility.settings.seeds, report.utility.settings.steps) == (1, 5)
    assert report.commitment is not None
    assert report.commitment.n_images == 32
    assert isinstance(report.energy, EnergyResult)
    assert report.energy.permutations == 9
    assert report.effect is not None
    assert report.effect.n_patients == 6


SMALL_PRIORS = {
    "one dimension": [Factor("texture", "uniform", 1, {"low": -1.0, "high": 1.0})],
    "one discrete dimension": [Factor("survival", "bernoulli", 1, {"probability": 0.9})],
    "all discrete": [
        Factor("survival", "bernoulli", 2, {"probability": 0.5}),
        Factor("grade", "categorical", 2, {"probabilities": [0.2, 0.3, 0.5]}),
    ],
    "all continuous": [
        Factor("duration", "exponential", 2, {"mean": 10.0}, unit="days"),
        Factor("dose", "lognormal", 1, {"median": 1.0, "sigma": 1.0}),
    ],
}


@pytest.mark.parametrize("factors", SMALL_PRIORS.values(), ids=SMALL_PRIORS.keys())
def test_every_prior_gets_a_whole_report(factors: list[Factor], real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, _ = run_maker(tmp_path / "RUN", real, (), JointPrior(factors))
    single = run.prior.dimensions == 1
    report = evaluate(run, real, tmp_path / "out" if single else None, **FAST)
    content = report_content(report)
    json.dumps(content, allow_nan=False)
    names = [factor.name for factor in factors]
    assert list(content["commitment"]["probe"]["jpeg"]) == list(content["commitment"]["effect"]) == names
    assert ("skipped" in content["sorting"]["correlation"]) == single
    assert report.assumed.endswith(f"{', '.join(names)}.")
    if single:
        assert report.assumed in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("patients", [1, 2])
def test_few_held_out_images_are_enough_for_a_report(patients: int, real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, split = run_maker(tmp_path / "RUN", real)
    few = np.flatnonzero(np.isin(real.patients, np.unique(real.patients[split.test])[:patients]))
    replace(split, test=few).save(tmp_path / "RUN" / "split.json", real.keys)
    content = report_content(evaluate(run, real, None, **FAST))
    assert ("skipped" in content["sorting"]["energy"]) == (patients == 1)
    assert content["sorting"]["n_images"] == 2 * patients
    json.dumps(content, allow_nan=False)
