import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from semiray.errors import SemirayError
from semiray.evaluation.membership import measure_membership, true_positive_rate

RNG = np.random.default_rng(0)
N, M = 600, 400
PATIENTS = np.array([f"t{i // 2}" for i in range(N)]), np.array([f"h{i // 2}" for i in range(M)])


def test_an_attacker_who_guesses_is_at_the_floor() -> None:
    found = measure_membership(RNG.normal(size=N), RNG.normal(size=M), PATIENTS)
    assert found.auroc.mean == pytest.approx(0.5, abs=0.05)
    assert found.auroc.low < 0.5 < found.auroc.high
    assert found.true_positives.mean < 0.05
    assert (found.n_train, found.n_held_out) == (N, M)


def test_an_attacker_who_knows() -> None:
    found = measure_membership(RNG.normal(9, 1, N), RNG.normal(0, 1, M), PATIENTS)
    assert found.auroc.mean == 1
    assert found.true_positives.mean == 1


def test_a_few_exposed_patients_show_in_the_true_positives_alone() -> None:
    scores = RNG.normal(size=N)
    scores[:60] = 10
    found = measure_membership(scores, RNG.normal(size=M), PATIENTS)
    assert found.auroc.mean < 0.6
    assert found.true_positives.mean == pytest.approx(0.1, abs=0.02)
    assert 0.05 < found.true_positives.low < found.true_positives.high < 0.16


def test_figures_are_scikit_learns() -> None:
    train, held_out = RNG.normal(0.5, 1, N).round(1), RNG.normal(0, 1, M).round(1)  # with ties
    found = measure_membership(train, held_out, PATIENTS)
    truth, scores = np.repeat([1, 0], [N, M]), np.concatenate([train, held_out])
    assert found.auroc.mean == pytest.approx(roc_auc_score(truth, scores))
    false, true, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert found.true_positives.mean == pytest.approx(true[false <= 0.01].max())


def test_weights_count_images_that_often() -> None:
    scores, positive = np.array([5.0, 4.0, 3.0, 2.0]), np.array([True, False, True, False])
    weights = np.array([[1.0, 1, 1, 1], [3, 0, 1, 2], [1, 0, 1, 0]])
    found = true_positive_rate(positive, scores, weights)
    assert found[:2].tolist() == [0.5, 1.0]
    assert np.isnan(found[2])


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(SemirayError, match="empty"):
        measure_membership(np.zeros(0), np.zeros(M), (PATIENTS[0][:0], PATIENTS[1]))
    with pytest.raises(SemirayError, match="'t0'"):
        measure_membership(np.zeros(N), np.zeros(N), (PATIENTS[0], PATIENTS[0]))
