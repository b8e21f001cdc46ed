"""A small pair of networks, and what goes into them."""

from collections.abc import Callable

import pytest
import torch

from semiray.networks import NetworkShape


def small(resolution: int = 32, classes: int = 3) -> NetworkShape:
    return NetworkShape(resolution, codes=7, classes=classes, noise=5, width=4, widest=16, embedding=4)


def inputs(shape: NetworkShape, n: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % max(1, shape.classes)
    return torch.randn(n, shape.noise, generator=draws), torch.randn(n, shape.codes, generator=draws), labels


@pytest.fixture
def small_shape() -> Callable[..., NetworkShape]:
    return small


@pytest.fixture
def make_inputs() -> Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    return inputs
