from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.evaluation.judgements.utility import measure_utility
from semiray.evaluation.judges import store
from semiray.evaluation.options import UtilitySettings
from semiray.radiographs import RadiographSet, split_by_patient

SETTINGS = UtilitySettings(seeds=2, steps=40, batch=24, resamples=100)


def parts(data: RadiographSet) -> tuple[RadiographSet, RadiographSet]:
    split = split_by_patient(data)
    return data.take(split.train), data.take(split.test)


def test_good_synthetic_images_reach_the_ceiling_and_useless_ones_the_floor(set_maker: Any) -> None:
    train, test = parts(set_maker(120))
    other = set_maker(120, seed=5)
    good = measure_utility(other.images, other.labels, train, test, SETTINGS)
    assert good.trtr.balanced_accuracy.mean > 0.9
    assert good.ratio.mean > 0.9
    assert good.chance == pytest.approx(1 / 3)
    assert (good.tstr.n_train, good.trtr.n_train, good.tstr.n_images) == (120, len(train), len(test))
    grey = np.random.default_rng(0).integers(0, 256, other.images.shape, dtype=np.uint8)
    useless = measure_utility(grey, other.labels, train, test, SETTINGS)
    assert useless.tstr.balanced_accuracy.mean < 0.6
    assert useless.ratio.mean == pytest.approx(
        useless.tstr.balanced_accuracy.mean / useless.trtr.balanced_accuracy.mean
    )
    assert useless.ratio.low <= useless.ratio.mean <= useless.ratio.high


def test_the_real_images_themselves_reach_exactly_their_ceiling(set_maker: Any) -> None:
    train, test = parts(set_maker(120))
    found = measure_utility(train.images, train.labels, train, test, UtilitySettings(seeds=2, steps=10, batch=12))
    assert (found.ratio.low, found.ratio.mean, found.ratio.high) == (1.0, 1.0, 1.0)


@pytest.mark.slow
def test_shuffled_labels_and_noise_teach_nothing(set_maker: Any) -> None:
    # One useless classifier may tell two kinds of three by luck. With its classes renamed in turn it tells the others,
    # so that three of them are at chance on average, whatever the arithmetic.
    train, test = parts(set_maker(120))
    other, rng = set_maker(120, seed=5), np.random.default_rng(0)
    noise = rng.integers(0, 256, other.images.shape, dtype=np.uint8)
    few = UtilitySettings(seeds=1, steps=25, batch=24, resamples=20)
    for images in (other.images, noise):
        shuffled = [rng.permutation(other.labels) for _ in range(3)]
        turned = [(labels + turn) % 3 for labels in shuffled for turn in range(3)]
        reached = [measure_utility(images, labels, train, test, few).tstr for labels in turned]
        assert np.mean([one.balanced_accuracy.mean for one in reached]) == pytest.approx(1 / 3, abs=0.12)
        assert np.mean([one.auroc.mean for one in reached]) == pytest.approx(0.5, abs=0.15)


def test_nothing_is_trained_twice_and_other_images_are_trained_anew(
    real: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = parts(real)
    settings = UtilitySettings(seeds=2, steps=3, batch=8, resamples=20)
    progress: list[tuple[int, int]] = []
    first = measure_utility(real.images, real.labels, train, test, settings, store=tmp_path)
    trained: list[int] = []
    train_classifier = store.train_classifier

    def counted(*arguments: Any, **options: Any) -> Any:
        trained.append(len(arguments[0]))
        return train_classifier(*arguments, **options)

    monkeypatch.setattr(store, "train_classifier", counted)
    again = measure_utility(
        real.images, real.labels, train, test, settings, store=tmp_path, progress=lambda *x: progress.append(x)
    )
    assert trained == []
    measure_utility(real.images[:60], real.labels[:60], train, test, settings, store=tmp_path)
    assert trained == [60] * 2
    assert again.trtr.balanced_accuracy == first.trtr.balanced_accuracy
    assert again.ratio == first.ratio
    assert progress[-1] == (6, 6)  # those on real images are counted elsewhere
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)


def test_errors(real: Any) -> None:
    train, test = parts(real)
    with pytest.raises(SemirayError, match="split by patient"):
        measure_utility(real.images, real.labels, train, train, SETTINGS)
    with pytest.raises(SemirayError, match="no synthetic image of class 'bright'"):
        measure_utility(real.images, np.minimum(real.labels, 1), train, test, SETTINGS)
    unlabelled = replace(test, labels=np.full(len(test), -1))
    with pytest.raises(SemirayError, match="real test images have no label"):
        measure_utility(real.images, real.labels, train, unlabelled, SETTINGS)
