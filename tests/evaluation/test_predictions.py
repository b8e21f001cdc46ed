from pathlib import Path
from typing import Any

import numpy as np

from semiray.evaluation.predictions import PredictionStore


def test_it_gives_back_what_was_kept_and_nothing_else(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path / "cache")
    kept = np.random.default_rng(0).random((5, 3), dtype=np.float32)
    assert store.read("a", (5, 3)) is None
    store.write("a", kept)
    found = store.read("a", (5, 3))
    assert found is not None
    assert np.array_equal(found, kept)
    assert store.read("a", (6, 3)) is None
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a.npy"]
    (tmp_path / "cache" / "a.npy").write_bytes(b"torn")
    assert store.read("a", (5, 3)) is None


def test_the_key_changes_with_everything_that_predictions_depend_on(real: Any) -> None:
    changed = real.images.copy()
    changed[3, 4, 5] ^= 1
    keys = {
        PredictionStore.key(images, labels, test, settings)
        for images, labels, test, settings in (
            (real.images, real.labels, real.images, [0, 1]),
            (changed, real.labels, real.images, [0, 1]),
            (real.images, real.labels[::-1], real.images, [0, 1]),
            (real.images, real.labels, changed, [0, 1]),
            (real.images, real.labels, real.images, [0, 2]),
        )
    }
    assert len(keys) == 5
    again = PredictionStore.key(real.images, real.labels, real.images, [0, 1])
    assert again in keys
