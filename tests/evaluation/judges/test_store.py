from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semiray.evaluation.judges import store
from semiray.evaluation.judges.store import digest, keep, train_classifiers
from semiray.evaluation.options import UtilitySettings


def test_what_was_kept_is_not_made_again_unless_it_is_damaged(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> dict[str, torch.Tensor]:
        made.append(1)
        return {"a": torch.arange(3.0)}

    for _ in range(2):
        assert torch.equal(keep(tmp_path / "cache", "key", make)["a"], torch.arange(3.0))
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["key.safetensors"]
    assert len(made) == 1
    (tmp_path / "cache" / "key.safetensors").write_bytes(b"torn")
    keep(tmp_path / "cache", "key", make)
    assert len(made) == 2


def test_the_key_changes_with_everything_that_it_is_made_of(real: Any, tmp_path: Path) -> None:
    changed = real.images.copy()
    changed[3, 4, 5] ^= 1
    (tmp_path / "code.py").write_text("a")
    code = tmp_path / "code.py"
    parts = [(real.images, "0 1", code), (changed, "0 1", code), (real.images[::-1], "0 1", code)]
    parts += [(real.images, "0 2", code), (real.images, "0", "1", code), (real.images.view(np.int8), "0 1", code)]
    keys = {digest(*some) for some in parts}
    assert len(keys) == len(parts)
    assert digest(*parts[0]) in keys
    code.write_text("b")
    assert digest(*parts[0]) not in keys


def test_a_kept_classifier_predicts_what_it_did(real: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, cpu = UtilitySettings(seeds=2, steps=3, batch=8), torch.device("cpu")
    alone = train_classifiers(real.images, real.labels, 3, settings, device=cpu)
    first = train_classifiers(real.images, real.labels, 3, settings, store=tmp_path, device=cpu)
    monkeypatch.setattr(store, "train_classifier", lambda *_, **__: pytest.fail("trained again"))
    seen: list[tuple[int, int]] = []
    again = train_classifiers(
        real.images, real.labels, 3, settings, store=tmp_path, device=cpu, progress=lambda *x: seen.append(x)
    )
    assert seen == [(3, 6), (6, 6)]
    for others in (first, again):
        for one, other in zip(alone, others, strict=True):
            assert np.array_equal(one.predict_probabilities(real.images), other.predict_probabilities(real.images))
            assert (one.n_train, one.seed, one.resolution) == (other.n_train, other.seed, other.resolution)


def test_a_classifier_of_the_other_arithmetic_is_another(
    real: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, cpu = UtilitySettings(seeds=1, steps=2, batch=8), torch.device("cpu")
    for bf16 in (True, False, True):
        monkeypatch.setattr(store, "bf16_is_fast", lambda _, bf16=bf16: bf16)
        train_classifiers(real.images, real.labels, 3, settings, store=tmp_path, device=cpu)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2
