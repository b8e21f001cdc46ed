"""What training refuses before it reads a single image, and which settings it arrives at."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from semiray.errors import SemirayError
from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet, ReadingOptions
from semiray.settings import Settings, make_settings
from semiray.training.loop import fit_to_data, plan_training


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """The folder of a run that was begun with seed 4 and `sort` 0.5."""
    settings = make_settings({"seed": 4, "images": 80, "objectives": {"sort": 0.5}, "data": {"label_from": "a|b"}})
    record = {"settings": settings.model_dump(mode="json"), "data": {"fingerprint": "f"}}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "settings.yaml").write_text(yaml.safe_dump(record), encoding="utf-8")
    return tmp_path / "run"


def test_a_new_run_has_the_settings_asked_for(tmp_path: Path) -> None:
    asked = make_settings({"seed": 5})
    assert plan_training(tmp_path / "new", asked) == asked
    assert plan_training(str(tmp_path / "new")) == Settings()
    assert not (tmp_path / "new").exists()


def test_a_folder_in_use_and_rules_that_fit_no_factor_are_refused(begun: Path, tmp_path: Path) -> None:
    with pytest.raises(SemirayError, match="resume=True"):
        plan_training(begun)
    with pytest.raises(SemirayError, match=r"is a file: choose another folder with out="):
        plan_training(begun / "settings.yaml")
    with pytest.raises(SemirayError, match="did you mean 'duration'"):
        plan_training(tmp_path / "new", make_settings({"ground": {"duratoin": {"column": "days"}}}))
    with pytest.raises(SemirayError, match="device 'abacus'"):
        plan_training(tmp_path / "new", device="abacus")


def test_a_resumed_run_keeps_its_settings_but_for_the_budget(begun: Path) -> None:
    own = plan_training(begun, resume=True)
    assert (own.seed, own.images, own.objectives.sort) == (4, 80, 0.5)
    longer = plan_training(begun, make_settings({"minutes": 3, "checkpoint_seconds": 5}), resume=True)
    assert (longer.minutes, longer.images, longer.checkpoint_seconds) == (3, None, 5)
    assert longer.model_copy(update={"minutes": None, "images": 80, "checkpoint_seconds": 60.0}) == own


@pytest.mark.parametrize(
    "tree",
    [
        {"seed": 4, "objectives": {"sort": 0.5}},
        {"prior": JointPrior.default().to_dict()},
        {"data": {"label_from": "c"}},  # whether the images are the run's is seen when they have been read
        {"preset": "default", "resolution": 64},
    ],
)
def test_options_that_agree_may_be_given_again(begun: Path, tree: dict[str, object]) -> None:
    assert plan_training(begun, make_settings(tree), resume=True) == plan_training(begun, resume=True)


@pytest.mark.parametrize(
    ("tree", "named"),
    [
        ({"seed": 5}, r"seed=5 \(in the run: 4\)"),
        ({"objectives": {"commit": 1.0}}, r"objectives\.commit=1\.0 \(in the run: 4\.0\)"),
        ({"data": {"fractions": (0.5, 0.2, 0.3)}}, r"data\.fractions=\(0\.5, 0\.2, 0\.3\)"),
        ({"prior": {"factors": {"ill": {"family": "bernoulli", "probability": 0.1}}}}, r"prior= \(another"),
        ({"preset": "study"}, "preset=study"),
    ],
)
def test_options_that_contradict_the_run_are_named(begun: Path, tree: dict[str, object], named: str) -> None:
    with pytest.raises(SemirayError, match=named):
        plan_training(begun, make_settings(tree), resume=True)


def test_images_say_their_resolution_and_how_they_were_read(data: RadiographSet) -> None:
    read = replace(data, options=ReadingOptions(label_from="a|b", framing="pad"))
    settings = fit_to_data(make_settings({"seed": 3}), read)
    assert (settings.seed, settings.resolution) == (3, 32)
    assert settings.data.reading == read.options.model_dump()  # type: ignore[union-attr]
    assert settings.data.fractions == Settings().data.fractions
    with pytest.raises(SemirayError, match="32 x 32 pixels, but the settings say resolution=64"):
        fit_to_data(make_settings({"resolution": 64}), data)
