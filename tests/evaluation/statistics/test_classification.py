import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support

from semiray.errors import SemirayError
from semiray.evaluation.statistics.classification import (
    _per_class,
    _weighted_confusion,
    calibration_error,
    difference_interval,
    ratio_interval,
    score_predictions,
)
from semiray.evaluation.statistics.intervals import Interval, PatientBootstrap

CLASSES = ("a", "b", "c")


def draw(n: int = 120, skill: float = 2.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    logits = rng.normal(size=(n, 3)) + skill * np.eye(3)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return probabilities.astype(np.float32), labels, np.array([f"p{i}" for i in range(n)])


def test_resampled_figures_are_sklearns_for_repeated_images() -> None:
    probabilities, labels, _ = draw()
    predictions = probabilities.argmax(1)
    times = np.random.default_rng(2).integers(0, 4, len(labels))
    matrix = _weighted_confusion(labels, predictions, 3, times[None].astype(float))
    precision, recall, f1 = _per_class(matrix)
    y, p = np.repeat(labels, times), np.repeat(predictions, times)
    expected = precision_recall_fscore_support(y, p, labels=range(3), zero_division=0)
    assert precision[0] == pytest.approx(expected[0])
    assert recall[0] == pytest.approx(expected[1])
    assert f1[0] == pytest.approx(expected[2])
    assert recall[0].mean() == pytest.approx(balanced_accuracy_score(y, p))


def test_perfect_and_constant_predictions_have_known_figures() -> None:
    _, labels, patients = draw(90)
    bootstrap = PatientBootstrap(patients, labels, n_seeds=1, resamples=100)
    perfect = score_predictions(
        [np.eye(3, dtype=np.float32)[labels]], labels, CLASSES, bootstrap, n_train=7, patients=patients
    )
    assert perfect.balanced_accuracy.mean == perfect.balanced_accuracy.low == perfect.balanced_accuracy.high == 1
    assert perfect.auroc.mean == 1
    assert perfect.n_train == 7
    constant = score_predictions(
        [np.tile(np.array([1, 0, 0], np.float32), (90, 1))], labels, CLASSES, bootstrap, n_train=7, patients=patients
    )
    assert constant.balanced_accuracy.mean == pytest.approx(1 / 3)
    assert constant.per_class[0].recall.mean == 1
    assert constant.per_class[1].precision.mean == 0
    assert constant.per_class[2].auroc.mean == 0.5
    assert constant.confusion[0][:, 0].tolist() == np.bincount(labels).tolist()
    assert ratio_interval(constant.balanced_accuracy, perfect.balanced_accuracy).mean == pytest.approx(1 / 3)
    assert sum(one.n_images for one in perfect.per_class) == 90
    assert "precision" in perfect.reports[0]


def test_chance_is_what_guessing_reaches() -> None:
    _, labels, patients = draw(6000)
    guesses = np.random.default_rng(3).random((6000, 3)).astype(np.float32)
    bootstrap = PatientBootstrap(patients, labels, n_seeds=1, resamples=2)
    for one in score_predictions([guesses], labels, CLASSES, bootstrap, n_train=1, patients=patients).per_class:
        for name in ("precision", "recall", "f1", "auroc"):
            assert getattr(one, name).mean == pytest.approx(getattr(one.chance, name), abs=0.035)


def test_the_interval_covers_the_truth_and_narrows_with_patients() -> None:
    truth = np.mean([draw(20000, seed=9)[0].argmax(1) == draw(20000, seed=9)[1]])
    covered, widths = 0, []
    for seed in range(40):
        probabilities, labels, patients = draw(150, seed=seed)
        bootstrap = PatientBootstrap(patients, labels, resamples=200, seed=seed)
        interval = score_predictions([probabilities], labels, CLASSES, bootstrap, n_train=1, patients=patients).accuracy
        covered += interval.low <= truth <= interval.high
        widths.append(interval.high - interval.low)
    assert covered >= 34
    probabilities, labels, patients = draw(1500)
    narrow = score_predictions(
        [probabilities],
        labels,
        CLASSES,
        PatientBootstrap(patients, labels, resamples=200),
        n_train=1,
        patients=patients,
    ).accuracy
    assert narrow.high - narrow.low < 0.5 * np.mean(widths)


def test_clustered_images_widen_the_interval() -> None:
    probabilities, labels, patients = draw(60)
    repeated = [np.repeat(x, 10, axis=0) for x in (probabilities, labels, patients)]
    alone = np.array([f"i{i}" for i in range(600)])
    width = {}
    for name, ids in (("patients", repeated[2]), ("images", alone)):
        bootstrap = PatientBootstrap(ids, repeated[1], resamples=300)
        interval = score_predictions(
            [repeated[0]], repeated[1], CLASSES, bootstrap, n_train=1, patients=ids
        ).balanced_accuracy
        width[name] = interval.high - interval.low
    assert width["patients"] > 2 * width["images"]


def test_disagreeing_seeds_widen_the_interval() -> None:
    good, labels, patients = draw(300, skill=6.0)
    poor = draw(300, skill=0.0)[0]
    bootstrap = PatientBootstrap(patients, labels, n_seeds=2, resamples=300)
    same = score_predictions([good, good], labels, CLASSES, bootstrap, n_train=1, patients=patients)
    mixed = score_predictions([good, poor], labels, CLASSES, bootstrap, n_train=1, patients=patients)
    assert mixed.accuracy.mean == pytest.approx(np.mean(mixed.accuracy.seeds))
    assert mixed.accuracy.high - mixed.accuracy.low > 3 * (same.accuracy.high - same.accuracy.low)


def test_a_class_without_test_images_is_an_error() -> None:
    probabilities, labels, patients = draw(30)
    labels = np.minimum(labels, 1)
    with pytest.raises(SemirayError, match="'c' has no image"):
        score_predictions(
            [probabilities], labels, CLASSES, PatientBootstrap(patients, labels), n_train=1, patients=patients
        )


def test_honest_probabilities_have_no_error_and_boasts_have_the_boast() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1.0, 40_000).astype(np.float32)
    table = np.stack([p, 1 - p], axis=1)
    labels = (rng.random(len(p)) > p).astype(np.int64)
    everyone = np.ones((1, len(p)))
    assert calibration_error(table, labels, everyone)[0] < 0.01
    boast = np.tile(np.float32([0.99, 0.01]), (len(p), 1))
    assert calibration_error(boast, labels, everyone)[0] == pytest.approx(0.99 - (labels == 0).mean(), abs=1e-3)


def test_weights_count_as_repeats() -> None:
    rng = np.random.default_rng(1)
    table = rng.dirichlet(np.ones(3), 60).astype(np.float32)
    labels, times = rng.integers(0, 3, 60), rng.integers(0, 4, 60)
    repeated = calibration_error(np.repeat(table, times, 0), np.repeat(labels, times), np.ones((1, times.sum())))
    assert calibration_error(table, labels, times[None].astype(float)) == pytest.approx(repeated)


@pytest.mark.parametrize("seeds", [2, 5])
def test_a_difference_of_few_trainings_claims_no_more_than_it_knows(seeds: int) -> None:
    # True difference 0; patients add a tenth of what a training does. A bootstrap's quantiles would hold 0 in 50 % (two
    # seeds) and 84 % (five) of such intervals.
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        of_seed, patients = rng.normal(size=seeds), 0.1 * rng.normal()
        drawn = of_seed[rng.integers(0, seeds, (300, seeds))].mean(axis=1) + patients + 0.1 * rng.normal(size=300)
        figure = Interval(of_seed.mean() + patients, np.nan, np.nan, tuple(of_seed + patients), drawn)
        found = difference_interval(figure, Interval(0.0, 0.0, 0.0, (0.0,) * seeds, np.zeros(300)))
        held += found.low <= 0 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_one_training_leaves_the_chance_of_patients() -> None:
    draws = np.random.default_rng(0).normal(0.1, 0.02, 5000)
    one, none = Interval(0.1, 0.0, 0.0, (0.1,), draws), Interval(0.0, 0.0, 0.0, (0.0,), np.zeros(5000))
    found = difference_interval(one, none)
    assert (found.low, found.high) == pytest.approx((0.1 - 1.96 * 0.02, 0.1 + 1.96 * 0.02), abs=0.002)
