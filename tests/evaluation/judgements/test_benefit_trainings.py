from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semiray.evaluation.judgements import benefit_trainings
from semiray.evaluation.judgements.benefit_trainings import Labelled, Laboratory, Training, first_of_each_class
from semiray.evaluation.judges.architectures import Architecture
from semiray.evaluation.options import BenefitSettings


def laboratory(real: Any, store: Path | None = None, **changes: Any) -> Laboratory:
    settings = BenefitSettings(**{"steps": 6, "batch": 12} | changes)
    both = Labelled(np.asarray(real.images), real.labels)
    test = np.asarray(real.images[:20])
    return Laboratory(both, both, both, both.images[:30], test, n_classes=3, settings=settings, store=store)


PLAN = [
    Training(0, 1.0),
    Training(0, 0.5, augmented=False),
    Training(0, start=Training(0, 1.0)),
    Training(1),
    Training(1, 0.5, teacher=Training(1)),
]


def test_the_first_of_each_class_in_equal_numbers() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2])
    assert labels[first_of_each_class(labels, 6)].tolist() == [0, 0, 1, 1, 2, 2]
    assert first_of_each_class(labels, 20).tolist() == list(range(9))


def test_what_a_training_gives_depends_on_neither_threads_nor_company(real: Any) -> None:
    together = laboratory(real).predict(PLAN)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for training in PLAN:
            alone = laboratory(real).predict([training])[training]
            assert np.array_equal(alone.probabilities, together[training].probabilities)
    finally:
        torch.set_num_threads(threads)
    assert torch.get_num_threads() == threads


def test_a_killed_judgement_goes_on(real: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = laboratory(real, tmp_path).predict(PLAN[:2])
    trained: list[int] = []
    fit = benefit_trainings.fit_until_best
    monkeypatch.setattr(benefit_trainings, "fit_until_best", lambda *a, **k: (trained.append(1), fit(*a, **k))[1])
    (tmp_path / "0.safetensors").write_bytes(b"no tensors")  # somebody else's file
    second = laboratory(real, tmp_path).predict([*PLAN[:2], PLAN[3]])
    assert len(trained) == 1
    assert all(np.array_equal(first[one].probabilities, second[one].probabilities) for one in first)
    assert all(first[one].stopped == second[one].stopped for one in first)
    for file in tmp_path.glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:-8])  # cut off
    third = laboratory(real, tmp_path).predict(PLAN[:1])
    assert np.array_equal(third[PLAN[0]].probabilities, first[PLAN[0]].probabilities)
    assert len(trained) == 2


def test_other_images_or_settings_are_other_predictions(real: Any, set_maker: Any, tmp_path: Path) -> None:
    made = {laboratory(one, tmp_path, **how).identity for one, how in (
        (real, {}), (set_maker(seed=5), {}), (real, {"steps": 7}), (real, {"mirror": True}), (real, {"patience": 9}),
        (real, {"architecture": Architecture("cnn")}),
    )}  # fmt: skip
    assert len(made) == 6


def test_what_others_build_on_is_trained_once(real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[Training] = []
    fit = Laboratory._fit
    monkeypatch.setattr(Laboratory, "_fit", lambda lab, one: (trained.append(one), fit(lab, one))[1])
    found = laboratory(real).predict(PLAN)
    assert sorted(map(repr, trained)) == sorted(map(repr, PLAN))
    fresh = laboratory(real).predict([replace(PLAN[2], start=None)])[replace(PLAN[2], start=None)]
    assert not np.allclose(found[PLAN[2]].probabilities, fresh.probabilities, atol=0.01)


def test_pseudo_labels_are_what_the_teacher_predicts(real: Any) -> None:
    lab = laboratory(real, steps=60)
    lab.predict(PLAN[3:])
    found = lab._pseudo_labelled(Training(1))
    assert np.array_equal(found.images, real.images[:30])
    assert (found.labels == real.labels[:30]).mean() > 0.8  # brightness is the class


def test_one_goes_on_to_twice_the_ceiling(real: Any) -> None:
    plan = [Training(0), Training(0, doubled=True)]
    found = laboratory(real, patience=1).predict(plan)
    assert [found[one].stopped.steps for one in plan] == [6, 12]


def test_a_training_that_fails_ends_the_others_and_leaves_the_threads_as_they_were(
    real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, threads, steps = laboratory(real, steps=100_000, patience=100_000), torch.get_num_threads(), iter(range(10**9))

    def counted(*arguments: Any, **how: Any) -> Any:
        next(steps)
        return classical(*arguments, **how)

    def fails(seed: int) -> Any:
        if seed == 1:
            raise ValueError("no such network")
        return network(seed)

    classical, network = benefit_trainings.classical_augmentation, lab._network
    monkeypatch.setattr(lab, "_network", fails)
    monkeypatch.setattr(benefit_trainings, "classical_augmentation", counted)
    with pytest.raises(ValueError, match="no such network"):
        lab.predict([Training(1), Training(0)])
    assert next(steps) < 50_000
    assert torch.get_num_threads() == threads


def test_progress_counts_trainings(real: Any) -> None:
    seen: list[tuple[int, int]] = []
    laboratory(real).predict(PLAN, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 5) for i in range(1, 6)]


def test_predictions_of_the_other_arithmetic_are_others(
    real: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = set()
    for bf16 in (True, False, True):
        monkeypatch.setattr(benefit_trainings, "bf16_is_fast", lambda _, bf16=bf16: bf16)
        found.add(laboratory(real, store=tmp_path).identity)
    assert len(found) == 2
