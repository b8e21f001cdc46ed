from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from semiray.evaluation.judgements.privacy import measure_privacy
from semiray.evaluation.judges.feature_spaces import FeatureSpace
from semiray.priors import JointPrior
from semiray.radiographs import RadiographSet
from semiray.radiographs.phantom import phantom_labels, render_phantoms

PRIOR = JointPrior.default()
COUNT = 400


def phantoms(count: int, seed: int) -> NDArray[np.uint8]:
    codes = PRIOR.sample(count, torch.Generator().manual_seed(seed)).numpy()
    return render_phantoms(codes, phantom_labels(count, seed=seed), resolution=32, seed=seed)


def as_set(images: NDArray[np.uint8], name: str) -> RadiographSet:
    keys = tuple(f"{name}{i}" for i in range(len(images)))
    labels = np.zeros(len(images), np.int64)
    return RadiographSet(images, labels, ("phantom",), np.array(keys), keys, ({},) * len(keys), name)


TRAIN, HELD_OUT = as_set(phantoms(COUNT, 0), "t"), as_set(phantoms(COUNT, 1), "h")


def memorised(share: float) -> NDArray[np.uint8]:
    """What a generator would give that returns its training images, half of them slightly altered, and others."""
    rng = np.random.default_rng(2)
    images = phantoms(COUNT, 3)
    copies = round(share * COUNT)
    images[:copies] = TRAIN.images[:copies]
    altered = images[: copies // 2].astype(np.float64) + rng.normal(0, 6, (copies // 2, 32, 32))
    images[: copies // 2] = altered.round().clip(0, 255).astype(np.uint8)
    return images


def test_a_generator_that_memorises_is_caught() -> None:
    found = measure_privacy(memorised(1.0), TRAIN, HELD_OUT, critic=lambda side: side.images[:, 0, 0] * np.float32(0))
    assert found.copies.copied == found.copies.n_images == COUNT
    assert found.false_alarms.copied == 0
    assert found.black_box.auroc.mean >= 0.95
    assert found.black_box.true_positives.mean >= 0.95
    assert found.white_box is not None
    assert found.white_box.auroc.mean == 0.5
    assert found.closest.shape == (8, 2, 32, 32)
    assert found.closest_ratios[0] == 0


def test_a_generator_that_does_not_is_cleared() -> None:
    found = measure_privacy(memorised(0.0), TRAIN, HELD_OUT)
    assert found.copies.copied == 0
    assert found.copies.least_ratio == found.closest_ratios[0] >= found.copies.ratio
    assert found.black_box.auroc.mean == pytest.approx(0.5, abs=0.05)
    assert found.black_box.auroc.low < 0.5 < found.black_box.auroc.high
    assert found.white_box is None


def test_two_copies_of_a_hundred_are_found() -> None:
    found = measure_privacy(memorised(0.02), TRAIN, HELD_OUT)
    assert found.copies.copied == 8
    assert (found.closest[:, 1] == TRAIN.images[np.argsort(found.closest_ratios, kind="stable")]).any()


def test_a_critic_that_knows_is_an_attacker() -> None:
    known = replace(TRAIN, labels=np.ones(COUNT, np.int64))
    found = measure_privacy(memorised(0.0), known, HELD_OUT, critic=lambda side: side.labels.astype(np.float32))
    assert found.white_box is not None
    assert found.white_box.auroc.mean == 1


def test_a_sorter_that_knows_labels_by_heart_is_an_attacker() -> None:
    trained = replace(TRAIN, labels=np.where(np.arange(COUNT) < COUNT // 2, 0, -1))  # half of them have no label
    found = measure_privacy(
        memorised(0.0),
        trained,
        HELD_OUT,
        critic=lambda side: np.zeros(len(side), np.float32),
        likelihoods=lambda side: np.full(len(side), -0.1 if side.keys[0].startswith("t") else -0.7, np.float32),
    )
    assert found.white_box_classes is not None
    assert found.white_box_classes.auroc.mean == 1
    assert found.white_box_classes.n_train == COUNT // 2
    assert found.white_box is not None
    assert found.white_box.auroc.mean == 0.5


def test_progress_ends_at_its_total_and_never_falls() -> None:
    told: list[tuple[int, int]] = []
    few, others = TRAIN.take(range(5)), HELD_OUT.take(range(5))
    measure_privacy(memorised(0.0)[:4], few, others, progress=lambda *x: told.append(x))
    assert told[-1][0] == told[-1][1]
    shares = [done / total for done, total in told]
    assert shares == sorted(shares)


def test_authenticity_tells_a_memory_from_innocence_in_pixels_and_features() -> None:
    space = FeatureSpace("quarters", lambda images: images[:, ::4, ::4].reshape(len(images), -1).astype(np.float32))
    told: list[tuple[int, int]] = []
    found = measure_privacy(memorised(1.0), TRAIN, HELD_OUT, space=space, progress=lambda *x: told.append(x))
    assert told[-1][0] == told[-1][1]
    assert [one.space for one in found.authenticity] == ["pixels", "quarters"]
    for one in found.authenticity:
        assert one.synthetic.authenticity.mean < 0.01 < one.held_out.authenticity.low
        assert one.synthetic.median.high < one.held_out.closest.low
        assert one.synthetic.n_images == one.held_out.n_images == COUNT
    innocent = measure_privacy(memorised(0.0), TRAIN, HELD_OUT, space=space)
    for one in innocent.authenticity:
        for figure in ("median", "closest", "authenticity"):
            a, b = getattr(one.synthetic, figure), getattr(one.held_out, figure)
            assert a.low < b.high, (one.space, figure)
            assert b.low < a.high, (one.space, figure)


def test_authenticity_takes_one_image_a_patient_and_like_classes() -> None:
    twice = replace(HELD_OUT, patients=np.repeat(HELD_OUT.patients[::2], 2), labels=np.arange(COUNT) % 4 // 3)
    found = measure_privacy(memorised(0.0), TRAIN, twice, labels=np.arange(COUNT) % 2).authenticity[0]
    assert found.held_out.n_images == COUNT // 2
    assert found.synthetic.n_images < COUNT
    assert not measure_privacy(memorised(0.0), TRAIN, twice, labels=np.full(COUNT, 7)).authenticity
    assert not measure_privacy(memorised(0.0)[:9], TRAIN, HELD_OUT).authenticity
