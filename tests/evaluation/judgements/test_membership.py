import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from semiray.errors import SemirayError
from semiray.evaluation.judgements.membership import measure_membership

N, M = 600, 400
PATIENTS = np.array([f"t{i // 2}" for i in range(N)]), np.array([f"h{i // 2}" for i in range(M)])


def test_an_attacker_who_guesses_is_at_the_floor() -> None:
    rng = np.random.default_rng(0)
    found = measure_membership(rng.normal(size=N), rng.normal(size=M), PATIENTS)
    assert found.auroc.mean == pytest.approx(0.5, abs=0.05)
    assert found.auroc.low < 0.5 < found.auroc.high
    assert found.true_positives.mean < 0.05
    assert (found.n_train, found.n_held_out) == (N, M)


@pytest.mark.parametrize("held_out", [20, 100, 400])
def test_the_floor_is_what_guessing_reaches(held_out: int) -> None:
    rng = np.random.default_rng(1)
    patients = PATIENTS[0], PATIENTS[1][:held_out]
    reached = [
        measure_membership(rng.normal(size=N), rng.normal(size=held_out), patients, resamples=1) for _ in range(300)
    ]
    mean = np.mean([found.true_positives.mean for found in reached])
    assert mean == pytest.approx(reached[0].floor, rel=0.2)


def test_an_attacker_who_knows() -> None:
    rng = np.random.default_rng(0)
    found = measure_membership(rng.normal(9, 1, N), rng.normal(0, 1, M), PATIENTS)
    assert found.auroc.mean == 1
    assert found.true_positives.mean == 1


def test_a_few_exposed_patients_show_in_the_true_positives_alone() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=N)
    scores[:60] = 10
    found = measure_membership(scores, rng.normal(size=M), PATIENTS)
    assert found.auroc.mean < 0.6
    assert found.true_positives.mean == pytest.approx(0.1, abs=0.02)
    assert 0.05 < found.true_positives.low < found.true_positives.high < 0.16


def test_figures_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    train, held_out = rng.normal(0.5, 1, N).round(1), rng.normal(0, 1, M).round(1)  # with ties
    found = measure_membership(train, held_out, PATIENTS)
    truth, scores = np.repeat([1, 0], [N, M]), np.concatenate([train, held_out])
    assert found.auroc.mean == pytest.approx(roc_auc_score(truth, scores))
    false, true, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert found.true_positives.mean == pytest.approx(true[false <= 0.01].max())


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(SemirayError, match="empty"):
        measure_membership(np.zeros(0), np.zeros(M), (PATIENTS[0][:0], PATIENTS[1]))
    with pytest.raises(SemirayError, match="'t0'"):
        measure_membership(np.zeros(N), np.zeros(N), (PATIENTS[0], PATIENTS[0]))
