from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semiray.evaluation.judgements import benefit_trainings
from semiray.evaluation.judgements.benefit_trainings import (
    Labelled,
    Laboratory,
    Training,
    first_of_each_class,
    nested_patients,
)
from semiray.evaluation.judges.architectures import Architecture
from semiray.evaluation.options import BenefitSettings


def laboratory(real: Any, store: Path | None = None, **changes: Any) -> Laboratory:
    settings = BenefitSettings(**{"steps": 6, "batch": 12} | changes)
    both = Labelled(np.asarray(real.images), real.labels)
    return Laboratory(
        both, real.patients, both, np.asarray(real.images[:20]), n_classes=3, settings=settings, store=store
    )


PLAN = [
    Training(0, 6, 0.0, 1.0, 90, augmented=True),
    Training(0, 6, 0.5, 0.5, 90),
    Training(0, 6, 1.0, 0.0, 90, augmented=True, pretrained=True),
    Training(1, 6, 0.5, 0.0),
]


def test_a_smaller_share_of_the_patients_lies_within_a_larger_with_all_their_images() -> None:
    patients = np.array([f"p{i // 3}" for i in range(120)])
    labels = np.array([0] * 90 + [1] * 30)
    small, large = (nested_patients(patients, labels, f, seed=3) for f in (0.1, 0.5))
    assert set(small) < set(large)
    assert len(large) == 60
    assert (labels[large] == 1).sum() == 15
    assert not set(patients[large]) & set(np.delete(patients, large))
    assert len(nested_patients(patients, labels, 1.0, seed=3)) == 120
    assert not len(nested_patients(patients, labels, 0.0, seed=3))
    assert set(labels[nested_patients(patients, labels, 0.001, seed=0)]) == {0, 1}
    assert set(nested_patients(patients, labels, 0.1, seed=4)) != set(small)


def test_a_class_that_is_no_patients_commonest_is_there() -> None:
    patients, labels = np.repeat(["a", "b", "c"], 3), np.array([0, 0, 1, 0, 0, 0, 0, 0, 0])
    for seed in range(5):
        assert set(labels[nested_patients(patients, labels, 0.3, seed)]) == {0, 1}
    mixed = np.repeat([f"p{i}" for i in range(60)], 3), np.tile([0, 0, 0], 60)
    mixed[1][2::30] = 1  # one image of a second class, of every tenth patient
    for seed in range(50):
        assert set(nested_patients(*mixed, 0.05, seed)) <= set(nested_patients(*mixed, 0.3, seed))


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
            assert np.array_equal(alone, together[training])
    finally:
        torch.set_num_threads(threads)
    assert torch.get_num_threads() == threads


def test_a_killed_judgement_goes_on(real: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = laboratory(real, tmp_path).predict(PLAN[:2])
    trained: list[int] = []
    fit = benefit_trainings.fit
    monkeypatch.setattr(benefit_trainings, "fit", lambda *a, **k: (trained.append(1), fit(*a, **k)))
    (tmp_path / "0.safetensors").write_bytes(b"no tensors")  # somebody else's file
    second = laboratory(real, tmp_path).predict([*PLAN[:2], PLAN[3]])
    assert len(trained) == 1
    assert all(np.array_equal(first[training], second[training]) for training in first)
    for file in tmp_path.glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:-8])  # cut off
    third = laboratory(real, tmp_path).predict(PLAN[:1])
    assert np.array_equal(third[PLAN[0]], first[PLAN[0]])
    assert len(trained) == 2


def test_other_images_or_settings_are_other_predictions(real: Any, set_maker: Any, tmp_path: Path) -> None:
    made = {laboratory(one, tmp_path, **how).identity for one, how in (
        (real, {}), (set_maker(seed=5), {}), (real, {"steps": 7}), (real, {"mirror": True}),
        (real, {"architecture": Architecture("cnn")}),
    )}  # fmt: skip
    assert len(made) == 5


def test_pretraining_is_what_is_started_from(real: Any) -> None:
    lab = laboratory(real)
    lab.predict(PLAN[2:3])
    assert list(lab.starts) == [0]
    started = lab.predict([PLAN[0]])[PLAN[0]]
    assert np.array_equal(started, laboratory(real).predict([PLAN[0]])[PLAN[0]])
    fresh = replace(PLAN[2], pretrained=False)
    assert not np.allclose(lab.predict([PLAN[2]])[PLAN[2]], lab.predict([fresh])[fresh], atol=0.01)


def test_a_training_that_fails_ends_the_others_and_leaves_the_threads_as_they_were(
    real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, threads = laboratory(real), torch.get_num_threads()
    rows, steps = lab.rows, iter(range(10**9))

    def fails(fraction: float, seed: int) -> Any:
        if seed == 1:
            raise ValueError("no such patient")
        return rows(fraction, seed)

    def counted(*arguments: Any, **how: Any) -> Any:
        next(steps)
        return classical(*arguments, **how)

    classical = benefit_trainings.classical_augmentation
    monkeypatch.setattr(lab, "rows", fails)
    monkeypatch.setattr(benefit_trainings, "classical_augmentation", counted)
    with pytest.raises(ValueError, match="no such patient"):
        lab.predict([Training(1, 6, 0.5, 0.0), Training(0, 100_000, 1.0, 0.0, augmented=True)])
    assert next(steps) < 50_000
    assert torch.get_num_threads() == threads


def test_progress_counts_trainings(real: Any) -> None:
    seen: list[tuple[int, int]] = []
    laboratory(real).predict(PLAN, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 4) for i in range(1, 5)]
