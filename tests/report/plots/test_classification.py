from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba

from semiray.evaluation.judgements.commitment import CommitmentResult, DimensionCommitment
from semiray.evaluation.judgements.probe import ProbeResult
from semiray.evaluation.judgements.sorting import measure_sorting
from semiray.evaluation.judgements.utility import UtilityResult, UtilitySettings
from semiray.evaluation.judges.classifier import Classifier, ClassifierNetwork
from semiray.evaluation.statistics.classification import PatientBootstrap, ratio_interval, score_predictions
from semiray.priors import Factor, JointPrior
from semiray.report.plots import classification as figures
from semiray.report.theme import DARK, LIGHT


@pytest.fixture(scope="module")
def result(real: Any) -> UtilityResult:
    bootstrap = PatientBootstrap(real.patients, real.labels, resamples=20)
    judge = Classifier(ClassifierNetwork(3, 32), 3, 32, 9, 0)
    right = np.eye(3, dtype=np.float32)[real.labels]
    scores = score_predictions([right], real.labels, real.classes, bootstrap, n_train=9, patients=real.patients)
    ratio = ratio_interval(scores, scores)
    return UtilityResult(real.classes, scores, scores, ratio, 1 / 3, UtilitySettings(), 9, judge)


@pytest.fixture(scope="module")
def prior() -> JointPrior:
    return JointPrior(
        [
            Factor("survival", "bernoulli", 2, {"probability": 0.5}),
            Factor("duration", "exponential", 2, {"mean": 10.0}, unit="days"),
            Factor("texture", "uniform", 1, {"low": -1.0, "high": 1.0}),
        ]
    )


def test_every_figure_is_drawn_on_its_page(result: UtilityResult, prior: JointPrior, real: Any) -> None:
    rows = tuple(DimensionCommitment(name, "r2", 0.8, 0.7, 0.9, 0.0) for name in prior.names)
    probe = ProbeResult(dict.fromkeys(figures.CONDITIONS, CommitmentResult(rows, 10)), 20, 30)
    scores = prior.sample_scores(60, torch.Generator().manual_seed(0)).numpy()
    sorting = measure_sorting(scores, prior, np.arange(60).astype(str), resamples=20)
    for theme in (LIGHT, DARK):
        drawn = (
            figures.plot_per_class(result, theme),
            figures.plot_confusion(result.tstr, result.classes, "title", theme),
            figures.plot_commitment(CommitmentResult(rows, 10), theme),
            figures.plot_sorting(sorting, theme),
            figures.plot_probe(probe, CommitmentResult(rows, 10), theme, "a note"),
            figures.plot_images([real.images[:2]], [real.images[:3]], ["dark"], theme),
        )
        for figure in drawn:
            figure.canvas.draw()
            assert figure.get_facecolor() == to_rgba(theme.paper)
            assert figure.axes


def test_the_confusion_matrix_says_per_cent_and_images(result: UtilityResult) -> None:
    figure = figures.plot_confusion(result.tstr, result.classes, "Trained on synthetic images")
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words.count("100%") == 3
    assert words.count("30") == 3
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(result.classes)


def test_the_probe_has_a_panel_a_condition_and_rings_for_the_sorter() -> None:
    rows = tuple(DimensionCommitment(name, "r2", 0.5, 0.4, 0.6, 0.0) for name in ("a[0]", "b[0]"))
    sorter = CommitmentResult(tuple(DimensionCommitment(r.name, "r2", 0.9, 0.9, 0.9, 0.0) for r in rows), 10)
    probe = ProbeResult(dict.fromkeys(figures.CONDITIONS, CommitmentResult(rows, 10)), 20, 30)
    axes = figures.plot_probe(probe, sorter, note="Assumed names: a, b.").axes
    assert [a.get_title(loc="left") for a in axes] == ["Clean", "Noise", "Half size", "JPEG"]
    assert axes[0].lines[-1].get_xdata() == pytest.approx(0.9)
    assert any("Assumed names: a, b." in " ".join(text.get_text().split()) for text in axes[0].figure.texts)
