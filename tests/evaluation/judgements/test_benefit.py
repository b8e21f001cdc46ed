from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from sklearn.metrics import balanced_accuracy_score

from semiray.errors import SemirayError
from semiray.evaluation.judgements.benefit import BASELINES, PSEUDO, USES, BenefitResult, figures_of, measure_benefit
from semiray.evaluation.judgements.benefit_trainings import Labelled, Laboratory, Training
from semiray.evaluation.judges.architectures import Architecture
from semiray.evaluation.options import BenefitSettings

SMALL = BenefitSettings(seeds=2, steps=60, batch=24, resamples=200)


@pytest.fixture(scope="module")
def parts(set_maker: Any) -> tuple[Any, Any]:
    return set_maker(120), replace_patients(set_maker(90, seed=1), "test-")


def replace_patients(data: Any, prefix: str) -> Any:
    return replace(data, patients=np.char.add(prefix, data.patients))


@pytest.fixture(scope="module")
def result(parts: tuple[Any, Any], set_maker: Any) -> BenefitResult:
    synthetic = set_maker(240, seed=2)
    more = {
        "validation": replace_patients(set_maker(60, seed=3), "validation-"),
        "unlabelled": replace_patients(set_maker(40, seed=4), "unlabelled-"),
    }
    return measure_benefit(synthetic.images, synthetic.labels, *parts, SMALL, own=True, **more)


def content_of(result: BenefitResult) -> Any:
    return TypeAdapter(BenefitResult).dump_python(result, mode="json")


def test_every_arm_learns_and_says_how_long_it_took(result: BenefitResult) -> None:
    assert set(result.arms) == {*BASELINES, PSEUDO, "synthetic", *USES}
    assert all(one.balanced_accuracy.mean > 0.8 for one in result.arms.values())  # brightness is the class
    assert {name: len(steps) for name, steps in result.lasted.items()} == dict.fromkeys(result.arms, 2)
    assert result.lasted["longer"] == (120, 120)
    assert (result.n_real, result.n_patients, result.n_validation, result.held_back) == (120, 60, 60, False)
    assert (result.n_unlabelled, result.n_unlabelled_patients) == (40, 20)
    assert (result.arms["mixed"].n_train, result.arms["synthetic"].n_train) == (120, 240)


def test_a_gain_is_the_paired_difference_from_the_best_baseline(result: BenefitResult) -> None:
    assert list(result.gains) == ["balanced_accuracy", "auroc"]  # classes are equal
    for figure, gains in result.gains.items():
        reached = {arm: figures_of(one, 0)[figure] for arm, one in result.arms.items()}
        for use, gain in gains.items():
            assert reached[gain.baseline].mean == max(reached[arm].mean for arm in BASELINES)
            assert gain.difference.mean == pytest.approx(reached[use].mean - reached[gain.baseline].mean)
            assert gain.difference.low <= gain.difference.mean <= gain.difference.high
            assert gain.over_pseudo is not None
            assert gain.over_pseudo.mean == pytest.approx(reached[use].mean - reached[PSEUDO].mean)


def test_where_classes_are_unequal_the_smallest_is_looked_at(parts: tuple[Any, Any], set_maker: Any) -> None:
    data, synthetic = set_maker(120), set_maker(60, seed=2)
    rare = np.flatnonzero(data.labels == 1)
    train = data.take(np.setdiff1d(np.arange(120), rare[8:]))
    few = replace(SMALL, seeds=1, steps=3)
    found = measure_benefit(synthetic.images, synthetic.labels, train, parts[1], few, thinned={data.classes[1]: 0.2})
    assert list(found.gains) == ["balanced_accuracy", "auroc", "minority_recall", "minority_average_precision"]
    assert found.minority == data.classes[1]
    assert found.held_back  # no validation patients were given
    assert found.n_real + found.n_validation == len(train)
    assert PSEUDO not in found.arms
    assert found.gains["auroc"]["mixed"].over_pseudo is None
    assert content_of(found)["thinned"] == {data.classes[1]: 0.2}


def test_what_is_written_names_files_not_folders_and_holds_every_class(result: BenefitResult) -> None:
    placed = replace(result.settings, architecture=Architecture("cnn", Path("/home/somebody/weights.safetensors")))
    content = content_of(replace(result, settings=placed))
    assert content["settings"]["architecture"]["weights"] == "weights.safetensors"
    cell = content["arms"]["pretrained"]
    assert "draws" not in cell["balanced_accuracy"]
    assert [one["name"] for one in cell["per_class"]] == list(result.classes)


def test_images_of_noise_and_wrong_labels_teach_nothing(parts: tuple[Any, Any], set_maker: Any) -> None:
    # One useless classifier may tell two kinds of three by luck. With its classes renamed in turn it tells the others,
    # so that three of them are at chance on average, whatever the arithmetic.
    rng, good = np.random.default_rng(0), set_maker(240, seed=2)
    noise = rng.integers(0, 256, good.images.shape).astype(np.uint8)
    test = parts[1]
    for images in (noise, good.images):
        reached = []
        shuffled = [rng.permutation(good.labels) for _ in range(4)]
        for seed, turn in product(range(4), range(3)):
            wrong = Labelled(images, (shuffled[seed] + turn) % 3)
            lab = Laboratory(
                wrong, wrong, wrong, images[:0], test.images,
                n_classes=3, settings=BenefitSettings(steps=30, batch=24), store=None,
            )  # fmt: skip
            (found,) = lab.predict([Training(seed, 1.0)]).values()
            reached.append(balanced_accuracy_score(test.labels, found.probabilities.argmax(1)))
        assert np.mean(reached) == pytest.approx(1 / 3, abs=0.12)


def test_a_second_run_takes_what_the_first_kept(
    parts: tuple[Any, Any], set_maker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synthetic = set_maker(240, seed=2)
    few = replace(SMALL, seeds=1, steps=4)
    first = measure_benefit(synthetic.images, synthetic.labels, *parts, few, store=tmp_path)
    trained = "semiray.evaluation.judgements.benefit_trainings.fit_until_best"
    monkeypatch.setattr(trained, lambda *_, **__: pytest.fail("trained again"))
    second = measure_benefit(synthetic.images, synthetic.labels, *parts, few, store=tmp_path)
    assert content_of(first) == content_of(second)


def test_a_classifier_that_cannot_be_built_is_told_at_once(parts: tuple[Any, Any], tmp_path: Path) -> None:
    settings = replace(SMALL, architecture=Architecture("cnn", tmp_path / "none.safetensors"))
    with pytest.raises(SemirayError, match="can't be read"):
        measure_benefit(parts[0].images, parts[0].labels, *parts, settings, progress=lambda *_: pytest.fail("trained"))
