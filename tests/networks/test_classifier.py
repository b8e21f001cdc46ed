from typing import Any

import numpy as np
import pytest
import torch

from semiray.errors import SemirayError
from semiray.networks import classifier
from semiray.networks.classifier import ClassifierNetwork, network_outputs, train_classifier


def test_it_learns_what_can_be_seen(set_maker: Any) -> None:
    train, test = set_maker(90), set_maker(60, seed=1)
    judge = train_classifier(train.images, train.labels, n_classes=3, seed=0, steps=40, batch=24)
    assert (judge.predict_probabilities(test.images).argmax(1) == test.labels).mean() > 0.9


def test_it_learns_a_rare_class_as_well(set_maker: Any) -> None:
    train, test = set_maker(90), set_maker(60, seed=1)
    kept = np.concatenate([np.flatnonzero(train.labels != 1), np.flatnonzero(train.labels == 1)[:2]])
    judge = train_classifier(train.images[kept], train.labels[kept], n_classes=3, seed=0, steps=40, batch=24)
    assert (judge.predict_probabilities(test.images).argmax(1) == test.labels).mean() > 0.9


def test_the_same_seed_gives_the_same_classifier_and_leaves_global_randomness_alone(real: Any) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    a, b, c = (
        train_classifier(real.images, real.labels, n_classes=3, seed=seed, steps=4, batch=8).predict_probabilities(
            real.images
        )
        for seed in (1, 1, 2)
    )
    assert torch.rand(1) == expected
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_predictions_are_probabilities_and_do_not_depend_on_the_batch(real: Any) -> None:
    judge = train_classifier(real.images, real.labels, n_classes=3, seed=0, steps=5, batch=16)
    whole = judge.predict_probabilities(real.images)
    assert whole.shape == (90, 3)
    assert whole.dtype == np.float32
    assert np.allclose(whole.sum(1), 1, atol=1e-5)
    outputs = [network_outputs(judge.network, real.images, batch=batch) for batch in (7, 90)]
    assert torch.allclose(*outputs, atol=1e-5)
    assert judge.predict_probabilities(real.images[:0]).shape == (0, 3)


@pytest.mark.parametrize("resolution", [16, 33, 64, 128])
def test_every_resolution_has_its_network_of_about_the_same_size(resolution: int) -> None:
    network = ClassifierNetwork(4, resolution).eval()
    assert network(torch.zeros(2, 1, resolution, resolution)).shape == (2, 4)
    assert 0.25e6 < sum(p.numel() for p in network.parameters()) < 0.4e6


def test_augmentation_shifts_without_mirroring_and_stays_in_range() -> None:
    ramp = torch.linspace(-1, 1, 32).expand(64, 1, 32, 32).contiguous()
    out = classifier.vary(ramp, torch.Generator().manual_seed(0))
    assert out.shape == ramp.shape
    assert out.min() >= -1
    assert out.max() <= 1
    assert (out[..., 31] > out[..., 0]).all()
    assert len({round(float(x), 4) for x in out[:, 0, 16, 16]}) > 50


def test_the_step_size_rises_and_falls_to_nothing_for_any_number_of_steps() -> None:
    values = [classifier._one_cycle((step + 0.5) / 1000) for step in range(1000)]
    assert np.argmax(values) == pytest.approx(1000 * classifier.WARM_UP, abs=1)
    assert max(values) == pytest.approx(1, abs=1e-3)
    assert max(values[0], values[-1]) < 1e-4
    assert all(0 < classifier._one_cycle((step + 0.5) / steps) <= 1 for steps in range(1, 12) for step in range(steps))


def test_progress_counts_every_step(real: Any) -> None:
    seen: list[tuple[int, int]] = []
    train_classifier(
        real.images, real.labels, n_classes=3, seed=0, steps=3, batch=8, progress=lambda *x: seen.append(x)
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_errors_say_what_is_wrong(real: Any) -> None:
    images, labels = real.images, real.labels
    for arguments, n_classes, message in (
        ((images, labels), 4, "Class 3 has no image"),
        ((images, labels), 1, "at least two"),
        ((images, labels[:5]), 3, "one label per image"),
        ((images, labels - 1), 3, "0..2"),
        ((images.astype(np.float32), labels), 3, "uint8"),
        ((images[:, :20], labels), 3, "square"),
    ):
        with pytest.raises(SemirayError, match=message):
            train_classifier(*arguments, n_classes=n_classes, seed=0, steps=1)
    judge = train_classifier(images, labels, n_classes=3, seed=0, steps=1, batch=4)
    with pytest.raises(SemirayError, match="32 px"):
        judge.predict_probabilities(np.zeros((1, 16, 16), np.uint8))
