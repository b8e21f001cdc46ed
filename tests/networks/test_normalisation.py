"""Batch statistics alone; those over several processes are tested in tests/training/test_process_group.py."""

import torch
from torch import nn

from semiray.networks.normalisation import BatchNorm2d


def test_alone_it_is_pytorchs() -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm2d(3), nn.BatchNorm2d(3)
    x = torch.randn(4, 3, 5, 5)
    assert torch.equal(ours(x), theirs(x))
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert torch.equal(ours.running_var, theirs.running_var)
