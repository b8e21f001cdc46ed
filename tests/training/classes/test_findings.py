"""Findings that were asked for become factors, grounded in the training images; the run's settings hold all of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semiray.errors import SemirayError, SemirayWarning
from semiray.generation import generate
from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet, Split
from semiray.settings import NONE_ASSUMED, make_settings
from semiray.training import Run, train
from semiray.training.classes.findings import add_findings, assumed_settings, run_findings
from semiray.training.classes.labels import run_labels
from semiray.training.run import run_prior

Blobs = Callable[..., RadiographSet]
NAMES = ("Effusion", "Big heart", "Hernia")


def with_findings(data: RadiographSet) -> RadiographSet:
    """Effusion is known of most images, a big heart goes with it, hernias are rare."""
    draws = np.random.default_rng(0)
    first = draws.integers(0, 2, len(data))
    second = np.where(draws.random(len(data)) < 0.8, first, 1 - first)
    values = np.stack([first, second, np.arange(len(data)) < 3], axis=1).astype(np.float32)
    values[::10, 0] = np.nan
    return replace(data, finding_names=NAMES, findings=values)


def whole(data: RadiographSet) -> Split:
    return Split(np.arange(len(data)), np.zeros(0, np.int64), np.zeros(0, np.int64))


@pytest.fixture
def found(make_blobs: Blobs) -> RadiographSet:
    return with_findings(make_blobs(100))


def test_findings_nobody_asked_for_change_nothing(found: RadiographSet) -> None:
    settings = make_settings({})
    assert add_findings(settings, run_prior(settings), found, np.arange(100), print) is settings


def test_findings_become_factors_and_are_said(found: RadiographSet) -> None:
    said: list[str] = []
    settings = make_settings({"data": {"findings": "all"}, "ground": "lateral"})
    with pytest.warns(SemirayWarning, match=r"left out.*Hernia \(3 have it, 97 lack it\)"):
        whole_settings = add_findings(settings, run_prior(settings), found, np.arange(100), said.append)
    prior = run_prior(whole_settings)
    assert list(prior.slices)[-2:] == ["Effusion", "Big_heart"]
    assert whole_settings.ground == {
        "Effusion": {"finding": "Effusion"},
        "Big_heart": {"finding": "Big heart"},
        "recipe": "lateral",
    }
    assert "known of 90 images" in said[0]
    without = assumed_settings(whole_settings, prior)
    assert run_prior(without) == JointPrior.default()
    assert without.ground == "lateral"


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"data": {"findings": "all"}, "rare_findings": "refuse"}, "Hernia"),
        ({"data": {"findings": "Mass"}}, "no finding 'Mass'; there are: Effusion, Big heart, Hernia"),
    ],
)
def test_findings_that_cannot_be_learned_are_refused(found: RadiographSet, tree: dict[str, Any], said: str) -> None:
    settings = make_settings(tree)
    with pytest.raises(SemirayError, match=said):
        add_findings(settings, run_prior(settings), found, np.arange(100), print)


def test_no_factors_at_all_are_refused(data: RadiographSet) -> None:
    with pytest.raises(SemirayError, match="no findings are trained on"):
        add_findings(make_settings({"prior": NONE_ASSUMED}), None, data, np.arange(len(data)), print)
    with pytest.raises(SemirayError, match="the images have no findings"):
        add_findings(make_settings({"data": {"findings": "all"}}), None, data, np.arange(len(data)), print)


def test_hidden_labels_hide_findings_of_the_same_patients(found: RadiographSet) -> None:
    settings, split = make_settings({"label_fraction": 0.2}), whole(found)
    labels = run_labels(settings, found, split)
    values = run_findings(settings, found, split, labels)
    kept = ~np.isnan(values[:, 1])
    assert (kept == (labels >= 0)).all()
    assert kept.sum() == 20
    assert np.array_equal(values[kept], found.findings[kept], equal_nan=True)


def test_without_classes_as_many_patients_keep_their_findings(make_blobs: Blobs) -> None:
    data = with_findings(make_blobs(100, classes=()))
    settings, split = make_settings({"label_fraction": 0.1}), whole(data)
    kept = ~np.isnan(run_findings(settings, data, split, run_labels(settings, data, split))[:, 1])
    assert kept.sum() == 10
    held_out = Split(np.arange(50), np.zeros(0, np.int64), np.arange(50, 100))
    values = run_findings(settings, data, held_out, run_labels(settings, data, held_out))
    assert np.array_equal(values[50:], data.findings[50:], equal_nan=True)  # test patients keep theirs


@pytest.mark.filterwarnings("ignore::semiray.errors.SemirayWarning")
@pytest.mark.parametrize("classes", [(), ("dark", "bright")])
def test_a_run_of_findings_is_whole_asked_resumed_and_started_from(
    tmp_path: Path, make_blobs: Blobs, tiny: dict[str, Any], classes: tuple[str, ...]
) -> None:
    data = with_findings(make_blobs(100, classes=classes))
    tree = tiny | {"images": 16, "data": {"findings": "all"}}
    run = train(data, tmp_path / "run", make_settings(tree))
    assert run.findings == {"Effusion": "Effusion", "Big_heart": "Big heart"}
    assert 40 < run.grounded["Effusion"] < 70  # training patients only
    assert Run.load(tmp_path / "run").prior == run.prior
    asked = generate(run, 20, where="Effusion == 1 and Big_heart == 0 and duration <= 14")
    assert (asked.codes[:, -2] == 1).all()
    assert (asked.codes[:, -1] == 0).all()
    longer = make_settings({"images": 24, "prior": JointPrior.default().to_dict(), "data": {"findings": "all"}})
    assert train(data, tmp_path / "run", longer, resume=True).prior == run.prior
    with pytest.raises(SemirayError, match="prior="):
        train(
            data,
            tmp_path / "run",
            make_settings({"prior": {"factors": {"x": {"family": "normal", "mean": 0, "standard_deviation": 1}}}}),
            resume=True,
        )
    said: list[str] = []
    more = {"images": 16, "optimisation": {"batch": 8, "bf16": False}}
    again = train(data, tmp_path / "next", start_from=tmp_path / "run", on_start=said.append, **more)
    assert again.prior == JointPrior.default()
    assert "Effusion, Big_heart left out" in said[-1]
    again = train(
        data,
        tmp_path / "third",
        make_settings({"data": {"findings": "all"}}),
        start_from=tmp_path / "run",
        on_start=said.append,
        **more,
    )
    assert again.prior == run.prior
    assert "leads Effusion, Big_heart taken over" in said[-1]


@pytest.mark.filterwarnings("ignore::semiray.errors.SemirayWarning")
def test_findings_may_be_the_only_factors(tmp_path: Path, found: RadiographSet, tiny: dict[str, Any]) -> None:
    asked = make_settings(tiny | {"data": {"findings": "all"}})
    run = train(found, tmp_path / "run", asked, images=16, prior="findings")
    assert list(run.prior.slices) == ["Effusion", "Big_heart"]
    assert run.known(found, run.split(found)).finding_names == NAMES
    assert train(found, tmp_path / "run", asked, images=24, prior="findings", resume=True).prior == run.prior


@pytest.mark.filterwarnings("ignore::semiray.errors.SemirayWarning")
def test_a_rate_of_the_user_s_own_is_no_contradiction(
    tmp_path: Path, found: RadiographSet, tiny: dict[str, Any]
) -> None:
    own = {"factors": {"Effusion": {"family": "bernoulli", "probability": 0.9, "dimensions": 1}}}
    settings = make_settings(tiny | {"images": 16, "prior": own, "data": {"findings": "all"}})
    run = train(found, tmp_path / "run", settings)
    assert list(run.prior.slices) == ["Effusion", "Big_heart"]
    assert run.prior.marginal("Effusion").mean == pytest.approx(0.9)
    assert train(found, tmp_path / "run", settings, images=24, resume=True).prior == run.prior
