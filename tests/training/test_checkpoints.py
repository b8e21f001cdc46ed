"""Checkpoints: whole or absent, the newest that can be read, damage in words."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semiray.errors import SemirayError, SemirayWarning
from semiray.training.checkpoints import (
    Progress,
    latest_checkpoint,
    load_tensors,
    misfit,
    read_checkpoint,
    save_tensors,
    write_checkpoint,
)
from semiray.training.validation import Measurement


def test_round_trip_with_progress_and_random_state(tmp_path: Path) -> None:
    torch.manual_seed(5)
    known = Progress(7, 448, 1.5, (Measurement(224, 0.7, 5.0, 1.0), Measurement(448, 1.4, 4.0, 1.0, 0.6, 0.7)))
    write_checkpoint(tmp_path, {"a": torch.arange(3.0)}, known)
    expected = torch.rand(4)
    found = read_checkpoint(tmp_path)
    assert found is not None
    tensors, progress = found
    assert progress == known
    assert Progress.from_dict({"steps": 1, "images": 2, "seconds": 3.0}).possible  # as written by older versions
    assert not Progress(7, 448, 1.5, (Measurement(1, 1.0, float("nan"), 1.0),)).possible
    assert torch.equal(tensors["a"], torch.arange(3.0))
    assert torch.equal(torch.rand(4), expected)


def test_two_are_kept_and_a_damaged_one_is_passed_over(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        write_checkpoint(tmp_path, {"a": torch.tensor([float(step)])}, Progress(step, step, 0.0))
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["step-000000002.safetensors", "step-000000003.safetensors"]
    assert latest_checkpoint(tmp_path) == files[-1]
    assert latest_checkpoint(tmp_path / "nowhere") is None
    assert read_checkpoint(tmp_path / "nowhere") is None


def flip(raw: bytes) -> bytes:
    """One bit of the tensors changed, which only a checksum finds."""
    return raw[:-2] + bytes([raw[-2] ^ 4]) + raw[-1:]


@pytest.mark.parametrize("damage", [flip, lambda raw: raw[:40], lambda _: b""], ids=["flipped", "cut", "empty"])
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    for step in (1, 2):
        write_checkpoint(tmp_path, {"a": torch.tensor([float(step)])}, Progress(step, step, 0.0))
    first, second = sorted(tmp_path.iterdir())
    second.write_bytes(damage(second.read_bytes()))
    with pytest.warns(SemirayWarning, match=r"step-000000002.* damaged.*skipped"):
        found = read_checkpoint(tmp_path)
    assert found is not None
    assert found[1].steps == 1
    first.write_bytes(damage(first.read_bytes()))
    with pytest.warns(SemirayWarning), pytest.raises(SemirayError, match=r"no checkpoint in .*can be read"):
        read_checkpoint(tmp_path)


def test_a_checkpoint_of_an_older_version_has_no_checksum(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "old.safetensors", {"steps": "1"})
    assert torch.equal(load_tensors(tmp_path / "old.safetensors")[0]["a"], torch.ones(2))


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    save_tensors(path, {"a": torch.ones(2)}, {})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        save_tensors(path, {"a": torch.zeros(2)}, {})
    assert caught.value.filename == str(path)
    assert torch.equal(load_tensors(path)[0]["a"], torch.ones(2))
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_content_is_the_same_bytes(tmp_path: Path) -> None:
    said = {name: name.upper() for name in "abcdef"}
    for name in ("1", "2"):
        save_tensors(tmp_path / name, {"a": torch.ones(2), "b": torch.zeros(1)}, said)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert load_tensors(tmp_path / "1")[1] == said


def test_damage_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(SemirayError, match="missing"):
        load_tensors(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").write_bytes(b"not a model")
    with pytest.raises(SemirayError, match="damaged"):
        load_tensors(tmp_path / "model.safetensors")
    for said in ("[", "3"):
        save_file({"a": torch.ones(2)}, tmp_path / "model.safetensors", {"semiray": said})
        with pytest.raises(SemirayError, match="damaged"):
            load_tensors(tmp_path / "model.safetensors")


def test_what_says_something_else_than_text_of_itself_is_damaged(tmp_path: Path) -> None:
    for said in ('{"a": 1}', "[" * 100_000, '{"crc32": []}'):
        save_file({"a": torch.ones(2)}, tmp_path / "model.safetensors", {"semiray": said})
        with pytest.raises(SemirayError, match="damaged"):
            load_tensors(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    "progress",
    [
        '{"steps": -1}',
        '{"steps": 1.5}',
        '{"steps": true}',
        '{"seconds": NaN}',
        '{"seconds": "long"}',
        '{"images": 99999999999999999999999}',
        '{"days": 1}',
        "[]",
        "[" * 10_000,
    ],
)
def test_impossible_progress_is_skipped(tmp_path: Path, progress: str) -> None:
    random = {"random.cpu": torch.get_rng_state()}
    save_tensors(tmp_path / "step-000000009.safetensors", random, {"progress": progress})
    with pytest.warns(SemirayWarning, match="skipped"), pytest.raises(SemirayError, match="can be read"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("state", [torch.zeros(3), torch.zeros(3, dtype=torch.uint8), torch.zeros(5056)])
def test_an_impossible_random_state_is_skipped(tmp_path: Path, state: torch.Tensor) -> None:
    save_tensors(tmp_path / "step-000000009.safetensors", {"random.cpu": state}, {"progress": "{}"})
    with pytest.warns(SemirayWarning, match="skipped"), pytest.raises(SemirayError, match="can be read"):
        read_checkpoint(tmp_path)


def test_what_does_not_fit_is_said() -> None:
    mine = {"a": torch.zeros(2), "b": torch.zeros(2, dtype=torch.int64)}
    assert misfit(mine, mine) == ""
    assert misfit({"a": mine["a"]}, mine) == "b is missing"
    assert misfit(mine | {"c": mine["a"]}, mine) == "c is unknown"
    assert "expected (2,)" in misfit(mine | {"a": torch.zeros(3)}, mine)
    assert "expected torch.float32" in misfit(mine | {"a": torch.zeros(2, dtype=torch.float64)}, mine)
    assert "aren't finite" in misfit(mine | {"a": torch.tensor([1.0, float("nan")])}, mine)
