from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from sklearn.metrics import balanced_accuracy_score

from semiray.errors import SemirayError
from semiray.evaluation.judgements.benefit import ARMS, USES, BenefitResult, measure_benefit, n_steps
from semiray.evaluation.judgements.benefit_trainings import Labelled, Laboratory, Training
from semiray.evaluation.judges.architectures import Architecture
from semiray.evaluation.options import BenefitSettings

SMALL = BenefitSettings(
    fractions=(0.2, 1.0), seeds=2, steps=40, batch=24, shares=(0.25,), multiples=(1, 2), resamples=200
)


@pytest.fixture(scope="module")
def parts(set_maker: Any) -> tuple[Any, Any]:
    return set_maker(120), replace_patients(set_maker(90, seed=1))


def replace_patients(data: Any) -> Any:
    return replace(data, patients=np.char.add("test-", data.patients))


@pytest.fixture(scope="module")
def result(parts: tuple[Any, Any], set_maker: Any) -> BenefitResult:
    synthetic = set_maker(240, seed=2)
    return measure_benefit(synthetic.images, synthetic.labels, *parts, SMALL, own=True)


def content_of(result: BenefitResult) -> Any:
    return TypeAdapter(BenefitResult).dump_python(result, mode="json")


def test_every_arm_is_scored_at_every_fraction(result: BenefitResult) -> None:
    assert set(result.arms) == set(ARMS)
    for found in result.arms.values():
        assert list(found) == [0.2, 1.0]
        assert all(one.balanced_accuracy.mean > 0.8 for one in found.values())  # brightness is the class
    assert list(result.synthetic_only) == [120, 240]
    assert list(result.mixing) == [0.25, 0.5]
    assert result.n_real == {0.2: 24.0, 1.0: 120.0}
    assert result.n_patients == {0.2: 12.0, 1.0: 60.0}
    assert result.arms["real"][0.2].n_train == 24
    assert (result.mixing[0.25].n_train, result.synthetic_only[240].n_train) == (120, 240)


def test_a_gain_is_the_paired_difference(result: BenefitResult) -> None:
    for use in USES:
        gain, arm, classical = result.gains[use][1.0], result.arms[use][1.0], result.arms["classical"][1.0]
        assert gain.mean == pytest.approx(arm.balanced_accuracy.mean - classical.balanced_accuracy.mean)
        assert gain.low <= gain.mean <= gain.high
        wide = result.decisive[use]
        assert wide.low <= gain.low
        assert gain.high <= wide.high


def test_what_is_written_names_files_not_folders_and_holds_every_class(result: BenefitResult) -> None:
    placed = replace(result.settings, architecture=Architecture("cnn", Path("/home/somebody/weights.safetensors")))
    content = content_of(replace(result, settings=placed))
    assert content["settings"]["architecture"]["weights"] == "weights.safetensors"
    cell = content["arms"]["pretrained"]["0.2"]
    assert cell["balanced_accuracy"]["mean"] > 0.8
    assert [one["name"] for one in cell["per_class"]] == list(result.classes)
    assert content["minority"] in result.classes
    assert n_steps(SMALL) == 2 * (5 * (18 + 40) + 3 * 40)


def test_images_of_noise_and_wrong_labels_teach_nothing(parts: tuple[Any, Any], set_maker: Any) -> None:
    # One useless classifier may tell two kinds of three by luck: many of them are at chance on average.
    rng, good = np.random.default_rng(0), set_maker(240, seed=2)
    noise = rng.integers(0, 256, good.images.shape).astype(np.uint8)
    test = parts[1]
    for images in (noise, good.images):
        reached = []
        for seed in range(12):
            wrong = Labelled(images, rng.permutation(good.labels))
            lab = Laboratory(
                wrong, good.patients, wrong, test.images,
                n_classes=3, settings=BenefitSettings(steps=30, batch=24), store=None,
            )  # fmt: skip
            (predicted,) = lab.predict([Training(seed, 30, 0.0, 1.0, 240, augmented=True)]).values()
            reached.append(balanced_accuracy_score(test.labels, predicted.argmax(1)))
        assert np.mean(reached) == pytest.approx(1 / 3, abs=0.12)


def test_a_second_run_takes_what_the_first_kept(
    parts: tuple[Any, Any], set_maker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synthetic = set_maker(240, seed=2)
    few = replace(SMALL, seeds=1, steps=4)
    first = measure_benefit(synthetic.images, synthetic.labels, *parts, few, store=tmp_path)
    monkeypatch.setattr(
        "semiray.evaluation.judgements.benefit_trainings.fit", lambda *_, **__: pytest.fail("trained again")
    )
    second = measure_benefit(synthetic.images, synthetic.labels, *parts, few, store=tmp_path)
    assert content_of(first) == content_of(second)


def test_a_classifier_that_cannot_be_built_is_told_at_once(parts: tuple[Any, Any], tmp_path: Path) -> None:
    settings = replace(SMALL, architecture=Architecture("cnn", tmp_path / "none.safetensors"))
    with pytest.raises(SemirayError, match="can't be read"):
        measure_benefit(parts[0].images, parts[0].labels, *parts, settings, progress=lambda *_: pytest.fail("trained"))
