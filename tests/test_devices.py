"""Devices by name, and the sentences about those that are not there."""

import time
from collections.abc import Callable
from functools import cache

import pytest
import torch

from semiray import devices
from semiray.devices import bf16_is_fast, choose_device, fast_autocast, inference_batch
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


class TimedConvolution:
    """Takes the place of a convolution: slow in one precision; remembers the numbers of threads it was called with."""

    def __init__(self, slow: torch.dtype) -> None:
        self.slow, self.threads = slow, list[int]()

    def __call__(self, x: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        self.threads.append(torch.get_num_threads())
        time.sleep(0.002 if x.dtype == self.slow else 0.0)
        return x


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[torch.dtype], TimedConvolution]:
    """Replaces the convolution on a CPU that has the instructions; nothing has been timed yet, nor is afterwards."""

    def replace(slow: torch.dtype) -> TimedConvolution:
        convolution = TimedConvolution(slow)
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
        monkeypatch.setattr(torch.nn.functional, "conv2d", convolution)
        monkeypatch.setattr(devices, "_cpu_is_faster_in_bf16", cache(devices._cpu_is_faster_in_bf16.__wrapped__))
        return convolution

    return replace


@pytest.mark.parametrize("slow", [torch.float32, torch.bfloat16])
def test_a_cpu_computes_in_bfloat16_only_where_that_is_faster(
    slow: torch.dtype, timed: Callable[[torch.dtype], TimedConvolution]
) -> None:
    convolution, threads = timed(slow), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert bf16_is_fast(torch.device("cpu")) is (slow == torch.float32)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert set(convolution.threads) == {1}
    calls = len(convolution.threads)
    with fast_autocast(torch.device("cpu")):
        assert torch.is_autocast_enabled("cpu") is (slow == torch.float32)
    assert len(convolution.threads) == calls  # once per process


def test_an_autocast_around_it_does_not_change_what_is_timed(
    timed: Callable[[torch.dtype], TimedConvolution], monkeypatch: pytest.MonkeyPatch
) -> None:
    convolution, cast = timed(torch.bfloat16), list[bool]()

    def convolve(x: torch.Tensor, *given: object, **named: object) -> torch.Tensor:
        cast.append(torch.is_autocast_enabled("cpu"))
        return convolution(x, *given, **named)

    monkeypatch.setattr(torch.nn.functional, "conv2d", convolve)
    with torch.autocast("cpu", torch.bfloat16):
        assert not bf16_is_fast(torch.device("cpu"))
    assert set(cast) == {False}


def test_the_timed_convolution_runs_here() -> None:
    assert devices._cpu_is_faster_in_bf16.__wrapped__() in (True, False)


def test_a_cpu_without_the_instructions_is_not_timed(
    timed: Callable[[torch.dtype], TimedConvolution], monkeypatch: pytest.MonkeyPatch
) -> None:
    convolution = timed(torch.float32)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    assert not bf16_is_fast(torch.device("cpu"))
    assert not bf16_is_fast(torch.device("mps"))
    assert convolution.threads == []
