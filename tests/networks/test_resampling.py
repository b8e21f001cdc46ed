"""Half and double the size: the values of PyTorch's own, and gradients that derive again."""

import torch
from torch.nn import functional

from semiray.networks.resampling import double, halve


def test_halve_is_the_mean_of_four_and_derives_twice() -> None:
    x = torch.randn(2, 3, 8, 6, dtype=torch.float64, requires_grad=True)
    assert torch.equal(halve(x), functional.avg_pool2d(x, 2))
    assert torch.autograd.gradcheck(halve, x)
    assert torch.autograd.gradgradcheck(lambda x: halve(x).square(), x)


def test_halve_keeps_the_memory_format_in_both_directions() -> None:
    x = torch.randn(2, 8, 8, 8).to(memory_format=torch.channels_last).requires_grad_()
    half = halve(x)
    (gradient,) = torch.autograd.grad(half.square().sum(), x)
    assert half.is_contiguous(memory_format=torch.channels_last)
    assert gradient.is_contiguous(memory_format=torch.channels_last)


def test_double_keeps_a_plane() -> None:
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    assert torch.allclose(double(ramp)[0, 0, 0, 1:-1], torch.arange(14) / 2 + 0.25)
