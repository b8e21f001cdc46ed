import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semiray.errors import SemirayError
from semiray.evaluation import EvaluationOptions, train_classifier
from semiray.evaluation.context import Context
from semiray.evaluation.statistics.classification import score_predictions
from semiray.evaluation.statistics.intervals import PatientBootstrap
from semiray.radiographs import RadiographSet, Split
from semiray.report import theme

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from gap import draw, measure_gap, score, take_anew, to_text

SIDE = 32
KINDS = ("rows", "columns", "noise", "flat")  # the first two are usual, the last two rare; of classes 0, 1, 0, 1


def make(counts: tuple[int, int, int, int], seed: int, *, blur: bool = False) -> RadiographSet:
    """Images of the four kinds, each its own patient."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(4), counts)
    waves = 50 * np.sin(np.arange(SIDE) * np.pi / 4 + rng.uniform(0, 6, (len(kind), 1)))
    by_kind = [waves[:, :, None], waves[:, None, :], rng.normal(0, 50, (len(kind), SIDE, SIDE)), np.zeros((1, 1, 1))]
    images = 128 + np.select([kind[:, None, None] == k for k in range(4)], by_kind)
    images = images + rng.normal(0, 1 if blur else 12, images.shape)
    names = [f"{KINDS[k]}/{seed}-{i}.png" for i, k in enumerate(kind)]
    return RadiographSet(
        images.round().clip(0, 255).astype(np.uint8),
        kind % 2,
        ("a", "b"),
        np.array(names),
        tuple(names),
        ({},) * len(names),
        str(seed),
    )


def join(*parts: RadiographSet) -> tuple[RadiographSet, list[np.ndarray]]:
    ends = np.cumsum([len(part) for part in parts])
    whole = RadiographSet(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        ("a", "b"),
        np.concatenate([part.patients for part in parts]),
        tuple(key for part in parts for key in part.keys),
        ({},) * int(ends[-1]),
        "all",
    )
    return whole, [np.arange(end - len(part), end) for part, end in zip(parts, ends, strict=True)]


@pytest.fixture(scope="module")
def gap(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Synthetic images that are smooth, and know the usual kinds only."""
    real, (train, test) = join(make((80, 80, 40, 40), 1), make((40, 40, 15, 15), 2))
    options = EvaluationOptions(seeds=1, steps=60, batch=32, resamples=100, device="cpu").resolved()
    synthetic = make((100, 100, 0, 0), 3, blur=True)
    store = tmp_path_factory.mktemp("store")
    context = Context(options, real, Split(train, test[:0], test), folder=synthetic, store=store)
    found = measure_gap(context)
    assert len(list(store.iterdir())) == 5  # on synthetic, on real twice, on both at half size
    return found


def test_images_that_synthetic_ones_lack_are_missed(gap: dict[str, Any]) -> None:
    missed = gap["missed"]
    assert missed["synthetic"]["n_missed"] >= 8
    assert {row["file"].split("/")[0] for row in missed["which"]} <= {"noise", "flat"}
    assert missed["another real"]["n_missed"] < missed["synthetic"]["n_missed"] / 2
    for name in ("to_synthetic", "relative"):
        found = missed["synthetic"]["by"][name]
        assert found["auroc"]["value"] > 0.9
        assert found["auroc"]["low"] <= found["auroc"]["value"] <= found["auroc"]["high"]
        assert found["median"]["missed"] > found["median"]["right"]


def test_utility_purity_and_variety_stand_beside_real_images(gap: dict[str, Any]) -> None:
    for conditions in gap["utility"].values():
        assert list(conditions) == ["as it is", "anew", "half"]
        for found in conditions.values():
            assert found["trtr"]["value"] > 0.9
            assert found["ratio"]["value"] == pytest.approx(found["tstr"]["value"] / found["trtr"]["value"])
            assert found["ratio"]["low"] <= found["ratio"]["value"] <= found["ratio"]["high"]
    assert gap["utility"]["balanced accuracy"]["as it is"]["ratio"]["high"] < 1
    assert gap["purity"]["synthetic"]["value"] >= gap["purity"]["held-out real"]["value"] > 0.9
    assert gap["variety"]["coverage"]["value"] < gap["variety"]["coverage"]["real"]


def test_smooth_images_have_less_power_in_the_upper_bands(gap: dict[str, Any]) -> None:
    bands = gap["texture"]["bands"]
    assert [band["to_cycles_per_pixel"] for band in bands] == [(b + 1) / 16 for b in range(8)]
    for band in bands[6:]:  # of a window of 10 pixels, the stripes' frequency reaches up to there
        assert band["ratio"]["low"] <= band["ratio"]["value"] <= band["ratio"]["high"] < 0.2
        assert 10 * np.log10(band["ratio"]["value"]) == pytest.approx(band["synthetic_db"] - band["real_db"])


def test_it_is_shown_as_text_and_as_a_figure(gap: dict[str, Any]) -> None:
    text = to_text(gap)
    for words in ("half size", "held-out real images", "coverage", "real training neighbour 5", "cycles a pixel"):
        assert words in text
    assert len(draw(gap).axes) == 4
    assert theme.png(draw(gap)).startswith(b"\x89PNG")
    gap = gap | {"variety": {"skipped": "too few patients"}}
    assert "not measured: too few patients" in to_text(gap)
    assert theme.png(draw(gap)).startswith(b"\x89PNG")


def test_scores_are_those_of_the_evaluation() -> None:
    train, test = make((30, 30, 10, 10), 4), make((20, 20, 20, 20), 5)
    judges = [
        train_classifier(train.images, train.labels, n_classes=2, seed=s, steps=6, batch=16, device="cpu")
        for s in (0, 1)
    ]
    draws = PatientBootstrap(test.patients, test.labels, n_seeds=2, resamples=50)
    found = score(judges, test.images, test.labels, draws)
    expected = score_predictions(
        [judge.predict_probabilities(test.images) for judge in judges],
        test.labels,
        test.classes,
        draws,
        n_train=len(train),
        patients=test.patients,
    )
    for name, one in (("balanced accuracy", expected.balanced_accuracy), ("AUROC", expected.auroc)):
        shown = found[name].to_dict()
        assert (shown["value"], shown["low"], shown["high"]) == pytest.approx((one.mean, one.low, one.high))
        assert found[name].values.tolist() == pytest.approx(one.seeds)


def test_batch_statistics_anew_undo_another_exposure() -> None:
    """A classifier trained on faint, dark images needs the statistics of the usual ones to read them."""
    usual = make((40, 40, 0, 0), 6)
    dark = (usual.images * 0.25).astype(np.uint8)
    judge = train_classifier(dark, usual.labels, n_classes=2, seed=0, steps=40, batch=32, device="cpu")
    before = judge.predict_probabilities(usual.images)
    (anew,) = take_anew([judge], usual.images, usual.labels, 32)
    assert ((anew.predict_probabilities(usual.images).argmax(axis=1) == usual.labels).mean()) > 0.95
    assert np.array_equal(judge.predict_probabilities(usual.images), before)  # the original is left as it was
    statistics = [name for name in judge.network.state_dict() if "running" in name]
    for name, tensor in judge.network.state_dict().items():
        same = bool((anew.network.state_dict()[name] == tensor).all())
        assert same != (name in statistics) or "num_batches" in name


def test_without_classes_it_says_why() -> None:
    real, (train, test) = join(make((8, 8, 0, 0), 1), make((8, 8, 0, 0), 2))
    unlabelled = replace(real, labels=np.full(len(real), -1), classes=())
    context = Context(EvaluationOptions(), unlabelled, Split(train, test[:0], test), folder=make((4, 4, 0, 0), 3))
    with pytest.raises(SemirayError, match="no labels"):
        measure_gap(context)
