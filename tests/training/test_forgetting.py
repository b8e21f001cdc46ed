"""After training: what the discriminator forgets, what it keeps, and that an interruption changes nothing."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from semiray.networks.presets import ARCHITECTURES, build_networks
from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet
from semiray.settings import Settings, make_settings
from semiray.training import (
    Game,
    Run,
    TrainingInterruptedError,
    TrainingReport,
    forgetting,
    network_shape,
    train,
    trainer,
)
from semiray.training.checkpoints import load_tensors
from semiray.training.forgetting import LEAST, MOST, forget, steps_to_forget

IMAGES = 24


def small(tree: dict[str, Any]) -> Settings:
    still = dict.fromkeys(("shift", "zoom", "brightness", "contrast", "blur", "noise"), 0.0)
    networks = {"width": 8, "widest": 64, "noise": 8, "embedding": 4}
    return make_settings(tree | {"augmentation": still, "networks": networks})


def learn_by_heart(settings: Settings, prior: JointPrior) -> tuple[Game, Tensor, Tensor]:
    """A game that knows its images, noise each, and their classes, which are drawn by lot."""
    torch.manual_seed(0)
    images = torch.randint(0, 256, (IMAGES, 32, 32), dtype=torch.uint8)
    labels = torch.randperm(IMAGES) % 2
    game = Game(settings, prior, 2, torch.device("cpu"))
    for _ in range(300):
        chosen = torch.randint(IMAGES, (8,))
        game.step(images[chosen], labels[chosen])
    return game, images, labels


def right(discriminator: torch.nn.Module, images: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        classes = discriminator(images[:, None] / 127.5 - 1, labels).classes
    return float((classes.argmax(1) == labels).float().mean())


def model_of(game: Game) -> dict[str, Tensor]:
    tensors = {f"generator.{name}": value.clone() for name, value in game.average.state_dict().items()}
    return tensors | {f"discriminator.{name}": value.clone() for name, value in game.discriminator.state_dict().items()}


def test_what_is_known_by_heart_is_forgotten_and_the_generator_stays(tiny: dict[str, Any]) -> None:
    settings, prior = small(tiny), JointPrior.default()
    game, images, labels = learn_by_heart(settings, prior)
    assert right(game.discriminator, images, labels) > 0.9
    model, draws = model_of(game), np.random.default_rng(0)

    def once() -> dict[str, Tensor]:
        shown = ((images[rows], labels[rows]) for rows in draws.integers(0, IMAGES, (100, 8)))
        found = forget(model, settings, prior, 2, (), shown, 100, torch.device("cpu"))
        assert found is not None
        return found

    after = once()
    assert after.keys() == model.keys()
    for name, tensor in model.items():
        assert torch.equal(after[name], tensor) == name.startswith("generator."), name
    game.discriminator.load_state_dict(
        {name.removeprefix("discriminator."): value for name, value in after.items() if name.startswith("discrim")}
    )
    assert right(game.discriminator, images, labels) < 0.75
    draws = np.random.default_rng(0)
    assert all(torch.equal(tensor, after[name]) for name, tensor in once().items())


def test_the_sorter_learns_from_generated_images_alone_grounded_leads_as_well(tiny: dict[str, Any]) -> None:
    learnt = []
    for seed in (1, 2):  # of other real images
        torch.manual_seed(0)
        game = Game(small(tiny), JointPrior.default(), 2, torch.device("cpu"), grounded=(5,))
        game.objectives = game.objectives.model_copy(update={"sort": 0.0, "penalty": 0.0})
        weights = game.discriminator.heads.sorter[2].weight
        before = weights.detach().clone()
        draws = torch.Generator().manual_seed(seed)
        images = torch.randint(0, 256, (8, 32, 32), dtype=torch.uint8, generator=draws)
        game.relearn(images, torch.arange(8) % 2)
        learnt.append(weights.detach() - before)
    torch.testing.assert_close(*learnt)
    assert learnt[0][5].abs().max() > 0  # a grounded lead
    assert learnt[0][20:].abs().max() > 0  # classes


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_begins_anew_is_there(architecture: str, tiny: dict[str, Any]) -> None:
    settings = make_settings(tiny | {"networks": tiny["networks"] | {"architecture": architecture}})
    _, discriminator = build_networks(architecture, network_shape(settings, JointPrior.default(), 2))
    assert set(discriminator.last) <= {name for name, _ in discriminator.named_children()}


def test_short_runs_are_left_alone_and_long_ones_have_an_end() -> None:
    settings = Settings()
    share = settings.optimisation.forget
    assert steps_to_forget(settings, int(LEAST / share) - 10) == 0
    assert LEAST <= steps_to_forget(settings, int(LEAST / share) + 10) < MOST
    assert steps_to_forget(settings, 10**6) == MOST
    assert steps_to_forget(make_settings({"preset": "study", "optimisation": {"forget": 0.5}}), 10**6) == 0
    assert make_settings({"preset": "study"}).optimisation.forget == 0


@pytest.fixture
def forgetful(tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(forgetting, "LEAST", 2)
    optimisation = tiny["optimisation"] | {"forget": 0.5}
    return make_settings(tiny | {"images": 96, "optimisation": optimisation})  # 12 steps, then 6


def test_a_run_ends_by_forgetting_once(
    tmp_path: Path, data: RadiographSet, forgetful: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[TrainingReport] = []
    train(data, tmp_path / "run", forgetful, on_report=reports.append)
    model = tmp_path / "run" / "model.safetensors"
    tensors, said = load_tensors(model)
    assert said["forgotten"] == "6"
    assert said["steps"] == "12"
    assert "For 6 steps the discriminator goes on alone" in "".join(report.note for report in reports)
    assert reports[-1].seconds_left == 0
    assert "generator" not in reports[-1].losses
    plain = forgetful.model_copy(
        update={"optimisation": forgetful.optimisation.model_copy(update={"forget": 0.0})}, deep=True
    )
    train(data, tmp_path / "plain", plain)
    theirs = load_tensors(tmp_path / "plain" / "model.safetensors")[0]
    del theirs["discriminator.heads.critic.bias"]  # nothing moves it
    for name, tensor in theirs.items():
        assert torch.equal(tensor, tensors[name]) == name.startswith("generator."), name
    assert (Run.load(tmp_path / "run").forgotten, Run.load(tmp_path / "plain").forgotten) == (True, False)
    written = model.read_bytes()
    monkeypatch.delattr(trainer, "forget")  # it isn't called again
    train(data, tmp_path / "run", resume=True)
    assert model.read_bytes() == written


def test_an_interruption_while_it_forgets_loses_nothing(
    tmp_path: Path, data: RadiographSet, forgetful: Settings
) -> None:
    train(data, tmp_path / "whole", forgetful)

    def stop(report: TrainingReport) -> None:
        if "goes on alone" in report.note:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(TrainingInterruptedError, match="hasn't forgotten the training patients yet"):
        train(data, tmp_path / "run", forgetful, on_report=stop)
    model = tmp_path / "run" / "model.safetensors"
    assert "forgotten" not in load_tensors(model)[1]
    train(data, tmp_path / "run", resume=True)
    assert model.read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()


def test_more_training_continues_what_had_not_forgotten(
    tmp_path: Path, data: RadiographSet, forgetful: Settings
) -> None:
    whole = forgetful.model_copy(update={"images": 128})
    train(data, tmp_path / "whole", whole.model_copy(update={"optimisation": steady(whole)}))
    part = forgetful.model_copy(update={"optimisation": steady(forgetful)})
    train(data, tmp_path / "run", part)
    train(data, tmp_path / "run", resume=True, images=128)
    ours, theirs = (load_tensors(tmp_path / name / "model.safetensors") for name in ("run", "whole"))
    assert ours[1] == theirs[1]
    assert all(torch.equal(tensor, theirs[0][name]) for name, tensor in ours[0].items())


def steady(settings: Settings) -> Any:
    """Optimisation whose learning rate doesn't depend on how far the end is."""
    return settings.optimisation.model_copy(update={"cool_from": 1.0})
