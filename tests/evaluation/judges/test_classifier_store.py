from pathlib import Path
from typing import Any

import numpy as np

from semiray.evaluation.judges.classifier import train_classifier
from semiray.evaluation.judges.classifier_store import ClassifierStore


def test_it_gives_back_what_was_kept_and_nothing_else(real: Any, tmp_path: Path) -> None:
    store = ClassifierStore(tmp_path / "cache")
    trained = train_classifier(real.images, real.labels, n_classes=3, seed=0, steps=3, batch=8)
    assert store.read("a", 3, 32, 90, 0) is None
    store.write("a", trained)
    found = store.read("a", 3, 32, 90, 0)
    assert found is not None
    assert np.array_equal(found.predict_probabilities(real.images), trained.predict_probabilities(real.images))
    assert store.read("a", 4, 32, 90, 0) is None
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a.safetensors"]
    (tmp_path / "cache" / "a.safetensors").write_bytes(b"torn")
    assert store.read("a", 3, 32, 90, 0) is None


def test_the_key_changes_with_everything_that_a_classifier_depends_on(real: Any) -> None:
    changed = real.images.copy()
    changed[3, 4, 5] ^= 1
    keys = {
        ClassifierStore.key(images, labels, settings)
        for images, labels, settings in (
            (real.images, real.labels, [0, 1]),
            (changed, real.labels, [0, 1]),
            (real.images, real.labels[::-1], [0, 1]),
            (real.images, real.labels, [0, 2]),
        )
    }
    assert len(keys) == 4
    assert ClassifierStore.key(real.images, real.labels, [0, 1]) in keys
