"""The classifier of findings learns what is known, ignores what isn't, and is kept on disk."""

from pathlib import Path

import numpy as np
import pytest
import torch

from semiray.errors import SemirayError
from semiray.evaluation.judges import finding_classifiers
from semiray.evaluation.judges.finding_classifiers import train_finding_classifiers
from semiray.evaluation.options import UtilitySettings

CPU = torch.device("cpu")
SETTINGS = UtilitySettings(seeds=2, steps=60, batch=24)


def halves(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images whose upper half is bright where they have the first finding, the lower half for the second."""
    draws = np.random.default_rng(0)
    findings = draws.integers(0, 2, (count, 2)).astype(np.float32)
    images = draws.integers(0, 60, (count, 16, 16)) + np.repeat(120 * findings, 8, axis=1)[:, :, None]
    return images.astype(np.uint8), findings


def test_what_is_known_is_learned() -> None:
    images, findings = halves(160)
    told = findings.copy()
    told[:40, 0], told[40:80, 1], told[80:90] = np.nan, np.nan, np.nan
    (first, second) = train_finding_classifiers(images, told, SETTINGS, device=CPU)
    assert (np.round(first(images)) == findings).mean() > 0.95
    assert not np.array_equal(first(images), second(images))


def test_none_is_trained_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, findings = halves(40)
    few, calls = UtilitySettings(seeds=1, steps=2, batch=8), list[tuple[int, int]]()
    found = train_finding_classifiers(images, findings, few, store=tmp_path, device=CPU)[0](images)
    monkeypatch.setattr(finding_classifiers, "_train", lambda *_: pytest.fail("trained again"))
    again = train_finding_classifiers(
        images, findings, few, store=tmp_path, device=CPU, progress=lambda *done: calls.append(done)
    )
    assert np.array_equal(again[0](images), found)
    assert calls == [(2, 2)]
    with pytest.raises(pytest.fail.Exception):
        train_finding_classifiers(images, 1 - findings, few, store=tmp_path, device=CPU)


def test_what_cannot_be_learned_is_refused() -> None:
    images, findings = halves(40)
    with pytest.raises(SemirayError, match="one row per image"):
        train_finding_classifiers(images, findings[:30], SETTINGS, device=CPU)
    findings[:, 1] = np.nan
    with pytest.raises(SemirayError, match="never present"):
        train_finding_classifiers(images, findings, SETTINGS, device=CPU)
