"""Devices by name, and the sentences about those that are not there."""

import pytest
import torch

from semiray.devices import choose_device, inference_batch
from semiray.errors import SemirayError


def test_names_and_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device(torch.device("cuda:3")) == torch.device("cuda:3")


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="this machine has a GPU")
def test_auto_is_the_cpu_where_there_is_no_gpu() -> None:
    assert choose_device() == choose_device(None) == choose_device("auto") == torch.device("cpu")


def test_auto_is_the_gpu_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert choose_device() == torch.device("cuda:1")


@pytest.mark.parametrize("name", ["gpu", "tpu", "cuda:x", "meta", "cpu cpu"])
def test_nonsense_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(SemirayError, match="choose auto, cpu, cuda"):
        choose_device(name)


def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SemirayError, match="no CUDA device"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(SemirayError, match=r"has 1 CUDA device\(s\)"):
        choose_device("cuda:1")


def test_batches_for_inference_stay_the_same_on_the_cpu_and_grow_on_a_gpu() -> None:
    assert inference_batch(torch.device("cpu"), 64, on_cpu=16) == 16
    gpu = torch.device("cuda:0")
    assert [inference_batch(gpu, side, on_cpu=16) for side in (32, 64, 128, 256, 512)] == [512, 512, 128, 32, 8]
