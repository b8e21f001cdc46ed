"""The GPU that is not there refuses what a real one refuses."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

FakeCuda = Callable[[], AbstractContextManager[torch.device]]


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x + torch.zeros(3),
        lambda x: x @ torch.zeros(3, 3),
        lambda x: torch.cat([x, torch.zeros(1, 3)]),
        lambda x: torch.where(torch.zeros(3) > 0, x, x),
        lambda x: functional.conv2d(x[None, None], torch.zeros(1, 1, 1, 1)),
        lambda x: functional.embedding(torch.zeros(2, dtype=torch.int64), x),
    ],
)
def test_mixing_devices_raises(mix: Callable[[Tensor], Tensor], fake_cuda: FakeCuda) -> None:
    with fake_cuda() as device:
        x = torch.zeros(8, 3, device=device)
        with pytest.raises(RuntimeError, match="device"):
            mix(x)


def test_a_network_moves_there_and_learns(fake_cuda: FakeCuda) -> None:
    with fake_cuda() as device:
        network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 1))
        images = torch.zeros(4, 1, 8, 8)
        with pytest.raises(RuntimeError, match="device"):
            network.to(device)(images)
        network(images.to(device)).square().sum().backward()
        gradients = [parameter.grad for parameter in network.parameters()]
        assert all(gradient is not None and gradient.device == device for gradient in gradients)
        torch.optim.Adam(network.parameters()).step()
        assert network(images.to(device)).cpu().device.type == "cpu"
