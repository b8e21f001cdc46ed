"""Half and double the size, and batch statistics: the values of PyTorch's own, and gradients that derive again.

Batch statistics over several processes are tested in tests/training/test_process_group.py.
"""

import torch
from torch import nn
from torch.nn import functional

from semiray.networks.blocks import SHARPER, BatchNorm2d, double, halve, sharpen


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


def test_sharpening_strengthens_the_finest_detail_alone() -> None:
    board = 1.0 - 2 * ((torch.arange(8)[:, None] + torch.arange(8)) % 2)[None, None]
    assert torch.allclose(sharpen(board), SHARPER * board)
    flat = torch.full((1, 1, 8, 8), 0.3)
    assert torch.allclose(sharpen(flat + board), flat + SHARPER * board)


def test_double_keeps_a_plane() -> None:
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    assert torch.allclose(double(ramp)[0, 0, 0, 1:-1], torch.arange(14) / 2 + 0.25)


def test_alone_it_is_pytorchs() -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm2d(3), nn.BatchNorm2d(3)
    x = torch.randn(4, 3, 5, 5)
    assert torch.equal(ours(x), theirs(x))
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert torch.equal(ours.running_var, theirs.running_var)
