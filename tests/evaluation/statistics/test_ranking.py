import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from semiray.evaluation.statistics.ranking import Ranking


def test_figures_are_sklearns_with_ties_and_weights() -> None:
    rng = np.random.default_rng(1)
    for trial in range(20):
        positive = rng.random(40) < 0.4
        positive[:2] = True, False
        scores = rng.integers(0, 6 + trial, 40).astype(np.float32)
        weights = rng.integers(1, 4, (3, 40)).astype(float)
        ranking = Ranking(positive, scores, weights)
        assert ranking.auroc() == pytest.approx([roc_auc_score(positive, scores, sample_weight=w) for w in weights])
        expected = [average_precision_score(positive, scores, sample_weight=w) for w in weights]
        assert ranking.average_precision() == pytest.approx(expected)


def test_images_left_out_of_a_draw_change_nothing() -> None:
    rng = np.random.default_rng(2)
    positive, scores = rng.random(50) < 0.5, rng.random(50)
    weights = rng.integers(0, 3, (1, 50)).astype(float)
    times = weights[0].astype(int)
    ranking = Ranking(positive, scores, weights)
    y, s = np.repeat(positive, times), np.repeat(scores, times)
    assert ranking.auroc()[0] == pytest.approx(roc_auc_score(y, s))
    assert ranking.average_precision()[0] == pytest.approx(average_precision_score(y, s))


def test_recall_at_a_share_of_false_positives_counts_ties_on_both_sides() -> None:
    positive = np.array([True, True, False, True] + [False] * 9)
    scores = np.array([0.9, 0.8, 0.8, 0.7] + [0.1] * 9)
    ranking = Ranking(positive, scores, np.ones((1, 13)))
    assert ranking.recall_at(0.05)[0] == pytest.approx(1 / 3)  # 0.8 is reached by a negative, too
    assert ranking.recall_at(0.10)[0] == pytest.approx(1.0)
    assert ranking.recall_at(0.0)[0] == pytest.approx(1 / 3)


def test_a_draw_without_one_side_has_no_figure() -> None:
    ranking = Ranking(np.array([True, False]), np.array([1.0, 0.0]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert np.isnan(ranking.auroc()).all()
    assert np.isnan(ranking.recall_at(0.1)).all()
    assert ranking.average_precision()[0] == 1.0
