from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from semiray.evaluation import parts


def test_labels_are_matched_by_name_not_by_position(real: Any, run_maker: Any, tmp_path: Path) -> None:
    run, split = run_maker(tmp_path / "RUN", real)
    turned = replace(real, classes=("bright", "dark", "middle"), labels=np.array([1, 2, 0])[real.labels])
    train, test, obstacle, _ = parts.labelled_parts(run.classes, turned, split)
    assert obstacle == ""
    assert train.classes == test.classes == run.classes
    assert np.array_equal(test.labels, real.labels[split.test])


def test_a_phantom_is_known_by_its_file_names(set_maker: Any) -> None:
    data = set_maker(12, classes=("diffuse", "lobar", "normal"))
    assert not parts.is_phantom(data), "the classes' names alone don't make a phantom"
    data = replace(data, keys=tuple(f"ill/phantom_{i:06d}.png" for i in range(len(data))))
    assert parts.is_phantom(data)
    assert parts.describe(data) == "12 held-out phantom images"


def test_labels_become_positions_among_other_names() -> None:
    matched = parts.match_labels(("a", "b"), ("b", "c", "a"), np.array([0, 1, -1]))
    assert matched is not None
    assert matched.tolist() == [2, 0, -1]
    assert parts.match_labels((), ("a",), np.array([-1])) is None


def test_samples_are_spread_over_the_set_and_may_be_empty(real: Any) -> None:
    found = parts.sample_images((*real.classes, "absent"), real, real.images, real.labels)
    assert [len(images) for images in found.real] == [10, 10, 10, 0]
    assert len(parts.sample_images((), real, real.images, np.full(len(real), -1)).synthetic[0]) == 10
