"""Runs that start from another: what they follow, what they say, that they go on without it, and that nothing leaks."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from semiray.errors import SemirayError, SemirayWarning
from semiray.evaluation.held_out import sides_of_run
from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet, ReadingOptions, Split
from semiray.settings import Settings, make_settings, override
from semiray.training import Run, plan_training, train
from semiray.training.checkpoints import load_tensors
from semiray.training.warm_start import follow

Blobs = Callable[..., RadiographSet]


@pytest.fixture
def first(tmp_path: Path, data: RadiographSet, settings: Settings) -> Run:
    """A run on 60 images of two classes."""
    return train(data, tmp_path / "first", override(settings, images=16))


def weights(run: Run) -> dict[str, torch.Tensor]:
    return load_tensors(run.path / "model.safetensors")[0]


def test_a_run_starts_with_the_weights_of_another_and_says_so(tmp_path: Path, first: Run, make_blobs: Blobs) -> None:
    said: list[str] = []
    data = make_blobs(40, ("bright", "other"), seed=9)
    still = {"batch": 8, "bf16": False, "learning_rate": 1e-9}
    out = tmp_path / "second"
    run = train(data, out, start_from=first.path, on_start=said.append, images=8, optimisation=still)
    start = run.data["start"]
    assert said == [start["taken_over"]]
    assert said[0].startswith("From first (16 images): ")
    assert "classes bright taken over, other new, dark left out; codes survival, duration," in said[0]
    assert (start["run"], start["steps"], start["fingerprint"]) == ("first", 2, first.data["fingerprint"])
    assert str(tmp_path) not in (run.path / "settings.yaml").read_text(encoding="utf-8")
    assert run.settings.networks == first.settings.networks
    for name, tensor in weights(run).items():
        if "stages" in name and "norms" not in name:
            torch.testing.assert_close(tensor, weights(first)[name], atol=1e-6, rtol=0)


def test_what_is_not_set_follows_the_run(first: Run, tmp_path: Path) -> None:
    prior = JointPrior.from_dict({"factors": {"age": {"family": "normal", "mean": 60, "standard_deviation": 9}}})
    path = tmp_path / "run"
    path.mkdir()
    own = make_settings(
        {"resolution": 64, "networks": {"width": 16, "noise": 9}, "prior": prior.to_dict(), "data": {"framing": "pad"}}
    )
    (path / "settings.yaml").write_text(yaml.safe_dump({"settings": own.model_dump(mode="json"), "data": {}}), "utf-8")
    same = follow(Settings(), path)
    assert (same.resolution, same.networks, same.prior, same.data.framing) == (64, own.networks, own.prior, "pad")
    assert same.objectives == Settings().objectives
    larger = follow(make_settings({"resolution": 128, "networks": {"noise": 3}, "data": {"framing": "crop"}}), path)
    assert (larger.networks.width, larger.networks.noise, larger.data.framing) == (8, 3, "crop")
    assert follow(make_settings({"resolution": 32}), path).networks.width == 32
    assert follow(make_settings({"resolution": 512}), path).networks.width == 4
    assert follow(make_settings({"resolution": 128, "networks": {"width": 16}}), path).networks.width == 16
    for tree in ({"networks": {"architecture": "dcgan"}}, {"preset": "study"}):
        with pytest.raises(SemirayError, match=r"networks\.architecture=dcgan, but .* has the architecture residual"):
            plan_training(tmp_path / "new", make_settings(tree), start_from=path)
    with pytest.raises(SemirayError, match="nowhere isn't a run"):
        plan_training(tmp_path / "new", start_from=tmp_path / "nowhere")


def test_it_goes_on_without_the_other_run_bit_for_bit(
    tmp_path: Path, first: Run, data: RadiographSet, settings: Settings
) -> None:
    asked = override(settings, images=32, seed=4)
    whole = weights(train(data, tmp_path / "whole", asked, start_from=first.path))
    run = train(data, tmp_path / "run", asked, start_from=first.path, images=16)
    start = run.data["start"]
    shutil.rmtree(run.path / "state")  # as if killed before the first checkpoint
    (run.path / "model.safetensors").unlink()
    first.path.rename(tmp_path / "gone")
    again = train(data, run.path, resume=True, images=32)
    assert again.data["start"] == start
    for name, tensor in weights(again).items():
        assert torch.equal(tensor, whole[name]), name


def test_resuming_with_another_start_is_refused(
    tmp_path: Path, first: Run, data: RadiographSet, settings: Settings
) -> None:
    run = train(data, tmp_path / "run", override(settings, images=8), start_from=first.path)
    moved = first.path.rename(tmp_path / "moved")
    train(data, run.path, resume=True, images=16, start_from=moved)
    for folder, start, words in (
        (run.path, run.path, "was started from other weights"),
        (moved, run.path, "was started from no run"),
        (run.path, tmp_path / "first", "is missing"),
    ):
        with pytest.raises(SemirayError, match=words):
            train(data, folder, resume=True, images=16, start_from=start)


def seen_patients(run: Run, data: RadiographSet) -> set[str]:
    return set(data.patients[run.split(data).train].tolist())


def test_the_same_images_keep_their_split(tmp_path: Path, first: Run, data: RadiographSet, settings: Settings) -> None:
    run = train(data, tmp_path / "run", override(settings, images=8, seed=5), start_from=first.path)
    assert run.split(data).test.tolist() == first.split(data).test.tolist()
    traces = run.traces()
    assert traces is not None
    assert len(traces) == len(first.split(data).train)
    other = override(settings, images=8, seed=5, data={"fractions": (0.8, 0.0, 0.2)})
    run = train(data, tmp_path / "other", other, start_from=first.path)
    assert seen_patients(first, data) <= seen_patients(run, data)
    assert len(run.split(data).test) == 12


def test_patients_that_the_first_run_has_seen_do_not_test_under_other_names(
    tmp_path: Path, first: Run, data: RadiographSet, make_blobs: Blobs, settings: Settings
) -> None:
    others = make_blobs(60, seed=7)
    mixed = replace(
        others,
        images=np.concatenate([data.images[::2], others.images[::2]]),
        labels=np.concatenate([data.labels[::2], others.labels[::2]]),
        keys=tuple(f"new/{i}.png" for i in range(60)),
        patients=np.array([f"q{i}" for i in range(60)]),
        fingerprint="mixed",
    )
    seen = np.isin(np.arange(60), np.flatnonzero(np.isin(np.arange(0, 60, 2), first.split(data).train)))
    run = train(mixed, tmp_path / "run", override(settings, images=8), start_from=first.path)
    split = run.split(mixed)
    assert 15 < seen.sum() < 30
    assert set(np.flatnonzero(seen)) <= set(split.train.tolist())
    assert len(split.test) >= 9
    traces = run.traces()
    assert traces is not None
    assert traces.find(data.images, first.split(data).train).identical.all()
    sides = sides_of_run(run, mixed)
    assert sides.own
    assert sides.held_out.tolist() == split.test.tolist()
    with pytest.warns(SemirayWarning, match="By content, 47 of these 60 images are among"):
        of_first = sides_of_run(run, data)  # the first run's images, of which this run's split knows nothing
    assert not set(of_first.held_out.tolist()) & set(first.split(data).train.tolist())


def test_a_split_that_was_given_is_kept_and_leaks_are_said_and_left_out(
    tmp_path: Path, first: Run, data: RadiographSet, settings: Settings
) -> None:
    own = first.split(data)
    split = Split(np.sort(np.concatenate([own.train[6:], own.validation])), own.train[:0], own.test)
    split = replace(split, test=np.sort(np.concatenate([own.test, own.train[:6]])))
    with pytest.warns(SemirayWarning, match=r"6 of 18 test images are of patients that .*first was trained on"):
        run = train(data, tmp_path / "run", override(settings, images=8), split=split, start_from=first.path)
    assert run.split(data).test.tolist() == split.test.tolist()
    with pytest.warns(SemirayWarning, match="6 test images of 6 patients were left out"):
        sides = sides_of_run(run, data)
    assert sides.held_out.tolist() == own.test.tolist()
    seen = data.take(own.train)
    with pytest.warns(SemirayWarning, match="no image is left to test on"):
        train(seen, tmp_path / "all", override(settings, images=8), start_from=first.path)


def test_a_start_whose_images_could_not_be_recognised_is_refused(
    tmp_path: Path, first: Run, data: RadiographSet, settings: Settings
) -> None:
    asked = override(settings, images=8)
    padded = replace(data, options=ReadingOptions(framing="pad"))
    with pytest.raises(SemirayError, match=r"were read with framing=crop, these with framing=pad"):
        train(padded, tmp_path / "run", asked, start_from=first.path)
    kept = (first.path / "traces.npy").read_bytes()
    (first.path / "traces.npy").unlink()
    with pytest.raises(SemirayError, match="keeps no traces of the images"):
        train(data, tmp_path / "run", asked, start_from=first.path)
    assert not (tmp_path / "run").exists()
    (first.path / "traces.npy").write_bytes(kept)
    run = train(data, tmp_path / "run", asked, start_from=first.path)
    (run.path / "traces.npy").unlink()  # which this run couldn't write again
    with pytest.raises(SemirayError, match=r"traces\.npy is missing"):
        train(data, run.path, resume=True, images=16)


def test_a_run_starts_from_one_that_comes_with_semiray(tmp_path: Path, shipped: Run, real: RadiographSet) -> None:
    run = train(real, tmp_path / "second", start_from="tiny-32", images=8, optimisation={"batch": 8, "bf16": False})
    assert run.data["start"]["run"] == "tiny-32"
    assert "classes dark, middle, bright taken over" in run.data["start"]["taken_over"]
    split = run.split(real)
    assert len(split.validation)
    assert not set(split.test) & set(shipped.split(real).train)
