"""Loading a run: what comes back, and what a damaged folder says."""

from pathlib import Path

import pytest
import torch

from semiray.errors import SemirayError
from semiray.radiographs import RadiographSet
from semiray.settings import Settings
from semiray.training import Run, train


def test_a_loaded_run_is_ready_to_be_asked(tmp_path: Path, data: RadiographSet, settings: Settings) -> None:
    run = train(data, tmp_path / "run", settings)
    again = Run.load(str(tmp_path / "run"))
    assert again.settings == settings
    assert not again.generator.training
    assert not any(p.requires_grad for p in again.discriminator.parameters())
    z = torch.zeros(2, 8)
    codes = again.prior.standardise(again.prior.sample(2))
    labels = torch.tensor([0, 1])
    assert torch.equal(run.generator(z, codes, labels), again.generator(z, codes, labels))


def test_damaged_folders_in_words(tmp_path: Path, data: RadiographSet, settings: Settings) -> None:
    with pytest.raises(SemirayError, match="isn't a run"):
        Run.load(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(SemirayError, match="file is a file: a run is the folder"):
        Run.load(tmp_path / "file")
    run = train(data, tmp_path / "run", settings)
    record = run.path / "settings.yaml"
    text = record.read_text()
    record.write_text(text.replace("width: 4", "width: 8"))
    with pytest.raises(SemirayError, match="doesn't fit"):
        Run.load(run.path)
    record.write_text(text.replace("sort:", "srot:"))
    with pytest.raises(SemirayError, match="srot"):
        Run.load(run.path)
    record.write_text("nonsense")
    with pytest.raises(SemirayError, match="isn't the settings file"):
        Run.load(run.path)
    record.write_text(text)
    (run.path / "model.safetensors").unlink()
    with pytest.raises(SemirayError, match=r"model\.safetensors is missing"):
        Run.load(run.path)


@pytest.mark.parametrize("written", ["7", "[7, 3]", "{images: 7}", "{images: 7, patients: many}"])
def test_numbers_of_training_images_are_numbers(shipped: Run, written: str) -> None:
    record = shipped.path / "settings.yaml"
    text = record.read_text(encoding="utf-8").partition("  trained:")[0]
    record.write_text(f"{text}  trained: {written}\n", encoding="utf-8")
    with pytest.raises(SemirayError, match="trained must hold the numbers of images and patients"):
        Run.load(shipped.path)
