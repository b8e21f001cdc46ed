"""What metadata say of training images: read once, shown beside every batch, and remembered by the run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import kstest, spearmanr

from semiray import priors
from semiray.errors import SemirayError
from semiray.priors import JointPrior, read_grounds
from semiray.radiographs import RadiographSet
from semiray.radiographs.phantom import render_phantoms
from semiray.settings import make_settings
from semiray.training import Run, train
from semiray.training.game import Game
from semiray.training.grounding import MEASURES, Grounding, observe_images, read_grounding

Blobs = Callable[..., RadiographSet]
PRIOR = JointPrior.default()
RULES = {"survival": {"column": "alive"}, "duration": {"time": "days", "event": "ended"}}


def with_table(data: RadiographSet, every: int = 3) -> RadiographSet:
    """One image in `every` has metadata: the bright died, the dark live; durations grow with the number."""
    rows = [
        {"alive": "n" if i % 2 else "y", "days": str(1 + i), "ended": "no" if i % 4 else "yes"}
        if i % every == 0
        else {"alive": "", "days": "", "ended": ""}
        for i in range(len(data))
    ]
    return replace(data, metadata=tuple(rows))


def ground(data: RadiographSet, tiny: dict[str, Any], **rules: Any) -> Grounding:
    settings = make_settings(tiny | {"ground": rules or RULES})
    found = read_grounding(settings, PRIOR, data, np.arange(len(data)))
    assert found is not None
    return found


def test_without_rules_nothing_is_grounded(data: RadiographSet, tiny: dict[str, Any]) -> None:
    assert read_grounding(make_settings(tiny), PRIOR, with_table(data), np.arange(len(data))) is None


def test_observed_images_come_with_their_intervals(make_blobs: Blobs, tiny: dict[str, Any]) -> None:
    data = with_table(make_blobs())
    found = ground(data, tiny)
    assert found.counts == {"survival": 20, "duration": 20}
    assert found.columns == (0, 5)
    known = found.batch(0, 20)
    places = [int(np.flatnonzero((data.images == image.numpy()).all(axis=(1, 2)))[0]) for image in known.images]
    assert sorted(places) == list(range(0, 60, 3))
    alive = torch.tensor([i % 2 == 0 for i in places])
    assert torch.equal(known.low[:, 0] == 0, alive)  # above the threshold of a fair coin
    assert torch.equal(known.high[:, 0] == 0, ~alive)
    ended = torch.tensor([i % 4 == 0 for i in places])
    assert torch.equal(known.low[:, 1] == known.high[:, 1], ended)
    assert bool((known.high[~ended, 1] == float("inf")).all())
    torch.testing.assert_close(known.weight, torch.ones(20, 2))


def test_every_step_shows_as_many_and_all_in_turn(make_blobs: Blobs, tiny: dict[str, Any]) -> None:
    found = ground(with_table(make_blobs()), tiny)
    shown = torch.cat([found.batch(step, 4).images for step in range(5)])
    assert len({image.numpy().tobytes() for image in shown}) == 20
    assert len(found.batch(7, 1000).images) == 20
    assert torch.equal(found.batch(3, 4).images, found.batch(3, 4).images)


def test_a_patient_counts_once(make_blobs: Blobs, tiny: dict[str, Any]) -> None:
    data = with_table(make_blobs(), every=1)
    data = replace(data, patients=np.array(["often"] * 50 + [f"p{i}" for i in range(10)]))
    weight = ground(data, tiny, survival=RULES["survival"]).batch(0, 60).weight
    assert float(weight.mean()) == pytest.approx(1.0)
    light, heavy = sorted({round(value, 6) for value in weight.flatten().tolist()})
    assert heavy == pytest.approx(50 * light, rel=1e-4)


def test_a_column_that_says_nothing_is_refused(data: RadiographSet, tiny: dict[str, Any]) -> None:
    silent = replace(data, metadata=tuple({"alive": ""} for _ in data.keys))
    with pytest.raises(SemirayError, match=r"survival: column 'alive' says nothing about any of the 60 training"):
        ground(silent, tiny, survival=RULES["survival"])


@pytest.mark.parametrize("preset", ["default", "study"])
def test_the_sorter_learns_what_metadata_say(make_blobs: Blobs, tiny: dict[str, Any], preset: str) -> None:
    data = with_table(make_blobs(), every=1)
    found = ground(data, tiny, survival=RULES["survival"])
    torch.manual_seed(0)
    settings = make_settings(
        tiny | {"preset": preset, "optimisation": {"batch": 8, "bf16": False, "learning_rate": 2e-3}}
    )
    game = Game(settings, PRIOR, 2, torch.device("cpu"), found.columns)
    images, labels = torch.from_numpy(np.array(data.images)), torch.from_numpy(data.labels)
    losses = []
    for step in range(60):
        index = torch.arange(8) + 8 * (step % 7)
        losses.append(float(game.step(images[index], labels[index], 1.0, found.batch(step, 16))["ground"]))
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:5])


def test_a_run_knows_what_grounds_it(tmp_path: Path, make_blobs: Blobs, tiny: dict[str, Any]) -> None:
    data = with_table(make_blobs())
    settings = make_settings(tiny | {"images": 64, "ground": RULES})
    run = train(data, tmp_path / "run", settings)
    assert set(run.grounded) == {"survival", "duration"}
    assert 0 < run.grounded["survival"] < 20  # training patients only
    assert Run.load(tmp_path / "run").grounded == run.grounded


def test_resuming_needs_the_same_metadata(tmp_path: Path, make_blobs: Blobs, tiny: dict[str, Any]) -> None:
    data, out = with_table(make_blobs()), tmp_path / "run"
    train(data, out, make_settings(tiny | {"images": 64, "ground": RULES}))
    longer = make_settings(tiny | {"images": 96})
    rows = tuple(row | {"alive": {"y": "n", "n": "y", "": ""}[row["alive"]]} for row in data.metadata)
    with pytest.raises(SemirayError, match="metadata that ground factors"):
        train(replace(data, metadata=rows), out, longer, resume=True)
    run = train(data, out, longer, resume=True)
    assert set(run.grounded) == {"survival", "duration"}


def test_a_resumed_grounded_run_ends_with_the_weights_of_an_unbroken_one(
    tmp_path: Path, make_blobs: Blobs, tiny: dict[str, Any]
) -> None:
    data = with_table(make_blobs())
    flat = {"optimisation": {"batch": 8, "bf16": False, "cool_from": 1.0}, "ground": RULES}
    whole = train(data, tmp_path / "whole", make_settings(tiny | flat | {"images": 160}))
    train(data, tmp_path / "parts", make_settings(tiny | flat | {"images": 80}))
    parts = train(data, tmp_path / "parts", make_settings({"images": 160}), resume=True)
    for name, tensor in whole.discriminator.state_dict().items():
        assert torch.equal(tensor, parts.discriminator.state_dict()[name]), name


def phantoms(make_blobs: Blobs, count: int = 60) -> tuple[RadiographSet, np.ndarray]:
    """Phantoms of 32 pixels without a table, and the true codes."""
    codes = PRIOR.sample(count, generator=torch.Generator().manual_seed(0)).numpy()
    data = make_blobs(count)
    return replace(data, images=render_phantoms(codes, data.labels, resolution=32, seed=0)), codes


def test_every_measure_can_be_taken() -> None:
    assert set(MEASURES) == set(priors.MEASURES)


def test_a_measure_of_the_pixels_grounds_without_a_table(make_blobs: Blobs, tiny: dict[str, Any]) -> None:
    data, codes = phantoms(make_blobs, 300)
    lead = PRIOR.slices["presentation"].start
    rules, chosen = read_grounds("lateral", PRIOR), np.arange(280)  # more than are measured together
    value = observe_images(data, chosen, rules, PRIOR)["presentation"].value.numpy()
    assert spearmanr(codes[:280, lead], value).statistic > 0.8
    assert kstest(value, "uniform", (-1, 2)).statistic < 0.01
    found = ground(data, tiny, presentation={"measure": "asymmetry"})
    assert (found.counts, found.columns) == ({"presentation": 300}, (lead,))
    shown = found.batch(0, 16)
    assert torch.equal(shown.low, shown.high)
    place = [int(np.flatnonzero((data.images == image.numpy()).all(axis=(1, 2)))[0]) for image in shown.images]
    assert spearmanr(codes[place, lead], shown.low[:, 0]).statistic > 0.6


def test_images_too_small_to_be_measured_are_refused(data: RadiographSet, tiny: dict[str, Any]) -> None:
    with pytest.raises(SemirayError, match="at least 16 pixels"):
        ground(replace(data, images=data.images[:, :8, :8]), tiny, presentation={"measure": "asymmetry"})


def test_a_run_says_that_it_is_grounded_in_pixels(tmp_path: Path, make_blobs: Blobs, tiny: dict[str, Any]) -> None:
    data, _ = phantoms(make_blobs)
    settings = make_settings(tiny | {"images": 64})
    run = train(data, tmp_path / "run", settings, ground="lateral")
    assert run.measured == {"presentation": "asymmetry"}
    count = run.grounded["presentation"]
    assert 0 < count < 60  # training patients only
    said = f"presentation is grounded on {count} images by asymmetry, a measure of their pixels. No metadata say what"
    assert run.meaning.startswith(said)
    assert "Assumed, grounded on no image: survival, duration, texture." in run.meaning
    again = train(data, tmp_path / "run", make_settings(tiny | {"images": 96}), resume=True)
    assert again.measured == run.measured
