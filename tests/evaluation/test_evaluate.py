import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import semiray.evaluation.evaluate as evaluate_module
from semiray.errors import SemirayError
from semiray.evaluation import (
    Architecture,
    BenefitResult,
    BenefitSettings,
    EnergyResult,
    EvaluationOptions,
    FeatureSpace,
    FidelityResult,
    PrivacyResult,
    ShortcutResult,
    Skipped,
    UtilityResult,
    measure_run,
    measure_set,
)
from semiray.evaluation.context import Context
from semiray.evaluation.judgements import privacy
from semiray.evaluation.judgements.benefit import BASELINES, USES
from semiray.evaluation.judgements.fidelity import MEASURES
from semiray.priors import Factor, JointPrior
from semiray.radiographs import split_by_patient
from semiray.radiographs.pixels.traces import Traces
from semiray.settings import override
from semiray.training import RunFiles

FEW = {"commitment_images": 128, "effect_patients": 8, "permutations": 39, "device": "cpu"}
FAST = FEW | {"seeds": 1, "steps": 4, "batch": 8, "n_synthetic": 24, "probe_steps": 2, "benefit": False}
BENEFIT = BenefitSettings(seeds=1, steps=3, batch=8, resamples=20)


def content_of(results: Any) -> dict[str, Any]:
    """What is written of some results, which must be JSON."""
    content: dict[str, Any] = json.loads(json.dumps(results.model_dump(mode="json"), allow_nan=False))
    return content


def test_a_run_gets_every_judgement(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, split = run_maker(tmp_path / "RUN", real)
    seen: list[tuple[int, int]] = []
    stages: list[str] = []
    watched: dict[str, Any] = {"progress": lambda *x: seen.append(x), "on_stage": stages.append}
    results = measure_run(run, real, **FAST | {"benefit": BENEFIT}, **watched)
    assert stages[0] == "utility"
    assert {"benefit", "probe", "real classifiers"} < set(stages)
    content = content_of(results)["judgements"]
    utility = content["utility"]
    for side in ("tstr", "trtr"):
        figure = utility[side]["balanced_accuracy"]
        assert figure["low"] <= figure["high"]
        assert figure["mean"] == pytest.approx(np.mean(figure["seeds"]))
        assert utility[side]["n_images"] == len(split.test)
    means = [utility[side]["balanced_accuracy"]["mean"] for side in ("tstr", "trtr")]
    assert utility["ratio"]["mean"] == pytest.approx(means[0] / means[1])
    assert utility["trtr"]["n_train"] == len(split.train)
    assert set(content["benefit"]["arms"]) == {*BASELINES, "synthetic", *USES}
    assert content["benefit"]["n_synthetic"] == len(split.train)  # more than utility's classifiers are trained on
    assert content["benefit"]["own"] is True
    conditions = content["probe"]["conditions"]
    assert set(conditions) == {"clean", "noise", "half", "jpeg"}
    for table in (content["commitment"], content["effect"], content["sorting"], *conditions.values()):
        assert [row["name"] for row in table["dimensions"]] == list(run.prior.names)
        assert list(table["means"]) == ["survival", "duration", "presentation", "texture"]
    assert content["sorting"]["n_images"] == len(split.test)
    assert content["energy"]["ratio"] == pytest.approx(content["energy"]["statistic"] / content["energy"]["floor"])
    assert content["energy"]["n_patients"] == len(np.unique(real.patients[split.test]))
    assert np.shape(content["correlation"]["measured"]) == (20, 20)
    assert "40 held-out patients" in content["fidelity"]["reason"]
    assert "grounding" not in content
    assert content["privacy"]["copies"]["n_images"] == utility["tstr"]["n_train"]
    assert content["privacy"]["false_alarms"]["n_images"] == len(split.test)
    assert content["privacy"]["white_box"]["n_train"] == len(split.train)
    assert [pair["groups"] for pair in content["shortcuts"]["pairs"]] == [
        ["dark", "middle"], ["dark", "bright"], ["middle", "bright"],
    ]  # fmt: skip
    shortcuts = results.get(ShortcutResult)
    assert shortcuts is not None
    assert all(pair.flagged for pair in shortcuts.pairs)  # these classes are nothing but their grey
    assert results.phantom is False
    assert len(results.traversal.panels) == 4
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_phantom_is_called_one(set_maker: Any, run_maker: Any, tmp_path: Path) -> None:
    data = set_maker(60, classes=("diffuse", "lobar", "normal"))
    data = replace(data, keys=tuple(f"ill/phantom_{i:06d}.png" for i in range(len(data))))
    run, _ = run_maker(tmp_path / "RUN", data, data.classes)
    results = measure_run(run, data, **FAST)
    assert results.phantom
    assert "phantom images" in results.data


def test_without_labels_utility_is_left_out_with_a_reason(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, _ = run_maker(tmp_path / "RUN", real, ())
    results = measure_run(run, real, **FAST)
    assert isinstance(results.utility, Skipped)
    assert results.commitment is not None
    assert "knows no classes" in results.utility.reason
    labelled, _ = run_maker(tmp_path / "RUN", real)
    bare = replace(real, classes=(), labels=np.full(len(real), -1))
    results = measure_run(labelled, bare, **FAST)
    assert isinstance(results.utility, Skipped)
    assert "no labels" in results.utility.reason


def test_what_does_not_fit_is_an_error_that_says_so(real: Any, set_maker: Any, run_maker: Any, tmp_path: Path) -> None:
    run, _ = run_maker(tmp_path / "RUN", real)
    with pytest.raises(SemirayError, match="resolution=32"):
        measure_run(run, replace(real, images=real.images[:, :16, :16]), **FAST)
    with pytest.raises(SemirayError, match="missing"):
        measure_run(run, real.take(range(20)), **FAST)
    with pytest.raises(SemirayError, match=r"dark, middle, bright.*a, b, c"):
        measure_run(run, replace(real, classes=("a", "b", "c")), **FAST)
    (tmp_path / "RUN" / "split.json").write_text("[]")
    with pytest.raises(SemirayError, match=r"split\.json"):
        measure_run(run, real, **FAST)


def test_a_classifier_that_cannot_be_built_is_told_before_anything_is_generated(
    real: Any, run_maker: Any, tmp_path: Path
) -> None:
    run, _ = run_maker(tmp_path / "RUN", real)
    missing = replace(BENEFIT, architecture=Architecture("cnn", tmp_path / "none.safetensors"))
    for call in (partial(measure_run, run, real), partial(measure_set, real, real)):
        with pytest.raises(SemirayError, match="can't be read"):
            call(benefit=missing, device="cpu", progress=lambda *_: pytest.fail("long work has begun"))


def test_any_folder_is_evaluated(set_maker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bool] = []
    monkeypatch.setattr(evaluate_module, "keep_freed_memory", lambda: kept.append(True))
    synthetic, real = set_maker(60, seed=7), set_maker(120)
    results = measure_set(synthetic, real, seeds=1, steps=40, batch=24, benefit=BENEFIT, device="cpu")
    assert isinstance(results.utility, UtilityResult)
    assert isinstance(results.benefit, BenefitResult)
    assert results.benefit.n_synthetic == 60
    assert kept == [True]
    assert results.benefit.held_back
    assert results.benefit.own is None
    assert results.utility.ratio.mean > 0.8
    assert results.commitment is None
    assert "split" in results.privacy.reason
    assert any("seen the test patients" in note for note in results.notes)
    assert results.overlap is None
    assert results.utility.trtr.n_train + results.utility.trtr.n_images == len(real)
    one = replace(real, classes=("dark",), labels=np.zeros(len(real), np.int64))
    with pytest.raises(SemirayError, match="one class"):
        measure_set(replace(synthetic, classes=("dark",), labels=np.zeros(60, np.int64)), one, seeds=1)


def test_with_a_split_fidelity_and_privacy_are_measured(set_maker: Any) -> None:
    synthetic, real = set_maker(180, seed=7, per_patient=1), set_maker(300, per_patient=1)
    split = split_by_patient(real, fractions=(0.5, 0.0, 0.5), seed=0)
    results = measure_set(synthetic, real, seeds=1, steps=20, batch=24, split=split, benefit=False, device="cpu")
    content = content_of(results)["judgements"]
    assert set(content["fidelity"]["measures"]) == set(MEASURES)
    assert content["fidelity"]["dimensions"] == 192
    assert content["privacy"]["white_box"] is None
    alone = replace(split, train=split.train[:1].repeat(1))
    both = replace(split, test=np.concatenate([split.test, split.train[:1]]))
    for other, reason in ((alone, "at least two training patients"), (both, "among those trained on")):
        skipped = privacy.measure(Context(EvaluationOptions(), real, other, folder=synthetic, own=True))
        assert isinstance(skipped, Skipped)
        assert reason in skipped.reason


def test_another_data_set_is_used_whole(real: Any, set_maker: Any, run_maker: Any, tmp_path: Path) -> None:
    run, split = run_maker(tmp_path / "RUN", real)
    Traces.of(real.images, split.train).save(RunFiles(run.path).traces)
    other = set_maker(240, seed=4, per_patient=1, prefix="other")
    rows = FeatureSpace("rows", lambda images: images.mean(axis=2).astype(np.float32))
    results = measure_run(run, other, space=rows, **FAST | {"n_synthetic": 300})
    content = content_of(results)
    assert content["overlap"]["n_compared"] == 240
    assert content["overlap"]["n_left_out"] == 0
    found = content["judgements"]
    assert found["sorting"]["n_images"] == found["correlation"]["n_images"] == 240
    assert found["utility"]["trtr"]["n_train"] + found["utility"]["trtr"]["n_images"] == 240
    assert found["fidelity"]["n_reference"] == 120
    assert "aren't the images that the generator was trained on" in found["privacy"]["reason"]
    assert results.data == "240 held-out real images of 240 patients"


def test_a_space_is_named_in_the_results_and_tried_first(set_maker: Any) -> None:
    synthetic, real = set_maker(180, seed=7, per_patient=1), set_maker(300, per_patient=1)
    split = split_by_patient(real, fractions=(0.5, 0.0, 0.5), seed=0)
    rows = FeatureSpace("rows<i>", lambda images: images.mean(axis=2).astype(np.float32))
    fast: dict[str, Any] = {"seeds": 1, "steps": 5, "batch": 24, "split": split, "benefit": False, "device": "cpu"}
    results = measure_set(synthetic, real, space=rows, **fast)
    fidelity, found = results.get(FidelityResult), results.get(PrivacyResult)
    assert isinstance(fidelity, FidelityResult)
    assert isinstance(found, PrivacyResult)
    assert (fidelity.space, fidelity.dimensions) == ("rows<i>", 32)
    pixels, named = found.authenticity
    assert (pixels.space, named.space) == ("pixels", "rows<i>")
    assert named.synthetic.n_images > named.held_out.n_images == 150
    told: list[int] = []
    flat = FeatureSpace("flat", lambda images: images[:, 0, 0].astype(np.float32))
    with pytest.raises(SemirayError, match="The space flat"):
        measure_set(synthetic, real, space=flat, progress=lambda done, _: told.append(done), **fast)
    assert not told


def test_a_named_space_needs_no_classifier(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, _split = run_maker(tmp_path / "RUN", real, ())
    rows = FeatureSpace("rows", lambda images: images.mean(axis=2).astype(np.float32))
    results = measure_run(run, real, space=rows, **FAST)
    assert isinstance(results.utility, Skipped)
    assert isinstance(results.fidelity, Skipped)  # for another reason: there are few patients
    assert "held-out patients" in results.fidelity.reason


@pytest.mark.parametrize("unlabelled", ["use", "omit"])
def test_unlabelled_images_count_where_they_were_trained_on(
    real: Any, run_maker: Any, tmp_path: Path, unlabelled: str
) -> None:
    run, split = run_maker(tmp_path / "RUN", real)
    run = replace(run, settings=override(run.settings, unlabelled=unlabelled))
    labels = real.labels.copy()
    labels[split.train[:20]] = -1
    options = EvaluationOptions(**FAST)  # type: ignore[arg-type]
    found = privacy.measure(Context(options, replace(real, labels=labels), split, run=run, own=True))
    assert isinstance(found, PrivacyResult)
    assert found.n_train == len(split.train) - (0 if unlabelled == "use" else 20)
    assert found.white_box is not None


def test_classifiers_learn_from_the_labels_that_the_run_had(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, split = run_maker(tmp_path / "RUN", real)
    run = replace(run, settings=override(run.settings, label_fraction=0.4))
    results = measure_run(run, real, **FAST)
    known = run.known(real, split).labels
    assert results.utility.trtr.n_train == (known[split.train] >= 0).sum() < len(split.train)
    assert results.utility.trtr.n_images == len(split.test)
    assert results.privacy.n_train == len(split.train)


def test_quick_is_smaller_in_every_way(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, _ = run_maker(tmp_path / "RUN", real)
    results = measure_run(run, real, quick=True, **FAST | {"seeds": 3, "steps": 5, "n_synthetic": 30})
    assert isinstance(results.utility, UtilityResult)
    assert (results.utility.settings.seeds, results.utility.settings.steps) == (1, 5)
    assert results.commitment is not None
    assert results.commitment.n_images == 32
    assert isinstance(results.energy, EnergyResult)
    assert results.energy.permutations == 9
    assert results.effect is not None
    assert results.effect.n_patients == 6


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
def test_every_prior_gets_whole_results(factors: list[Factor], real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, _ = run_maker(tmp_path / "RUN", real, (), JointPrior(factors))
    single = run.prior.dimensions == 1
    results = measure_run(run, real, **FAST)
    content = content_of(results)["judgements"]
    names = [factor.name for factor in factors]
    assert list(content["probe"]["conditions"]["jpeg"]["means"]) == list(content["effect"]["means"]) == names
    assert ("reason" in content["correlation"]) == single
    assert results.assumed == tuple(names)


@pytest.mark.parametrize("patients", [1, 2])
def test_few_held_out_images_are_enough(patients: int, real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, split = run_maker(tmp_path / "RUN", real)
    few = np.flatnonzero(np.isin(real.patients, np.unique(real.patients[split.test])[:patients]))
    replace(split, test=few).save(tmp_path / "RUN" / "split.json", real.keys)
    content = content_of(measure_run(run, real, **FAST))["judgements"]
    assert ("reason" in content["energy"]) == (patients == 1)
    assert content["sorting"]["n_images"] == 2 * patients
