"""Small weights: near to what they were, and read back as float32."""

import pytest
import torch

from semiray.errors import SemirayError
from semiray.pretrained.packing import pack, unpack


def test_weights_come_back_nearly_as_they_were() -> None:
    draw = torch.Generator().manual_seed(0)
    tensors = {
        "generator.base.weight": torch.randn(512, 256, generator=draw),
        "discriminator.top.weight": torch.randn(512, 16, 4, 4, generator=draw),
        "discriminator.top.bias": torch.randn(512, generator=draw),
        "discriminator.steps": torch.tensor(3),
    }
    tensors["discriminator.top.weight"][7] = 0
    packed = pack(tensors)
    assert packed["generator.base.weight"].dtype == torch.float16
    assert packed["discriminator.top.weight"].dtype == torch.int8
    assert sum(one.nbytes for one in packed.values()) < 0.4 * sum(one.nbytes for one in tensors.values())
    again = unpack(packed)
    assert {name: (one.dtype, one.shape) for name, one in again.items()} == {
        name: (one.dtype, one.shape) for name, one in tensors.items()
    }
    torch.testing.assert_close(again["generator.base.weight"], tensors["generator.base.weight"], rtol=1e-3, atol=1e-6)
    rows = tensors["discriminator.top.weight"].flatten(1)
    error = (again["discriminator.top.weight"].flatten(1) - rows).abs().amax(1)
    assert (error <= rows.abs().amax(1) / 254 + 1e-6).all()
    assert torch.equal(again["discriminator.steps"], tensors["discriminator.steps"])


def test_what_was_never_packed_stays() -> None:
    tensors = {"a": torch.ones(2), "a.scale": torch.ones(2), "b": torch.ones(3, dtype=torch.int8)}
    again = unpack(tensors)
    assert all(torch.equal(again[name], one) and again[name].dtype == one.dtype for name, one in tensors.items())


@pytest.mark.parametrize("worst", [1e6, float("nan"), float("inf")])
def test_what_half_precision_cannot_hold_is_refused(worst: float) -> None:
    with pytest.raises(SemirayError, match=r"generator\.a holds numbers"):
        pack({"generator.a": torch.tensor([worst])})


@pytest.mark.parametrize("scale", [torch.ones(3), torch.ones(2, 2), torch.tensor(1.0)])
def test_a_scale_of_another_shape_scales_nothing(scale: torch.Tensor) -> None:
    again = unpack({"a": torch.ones(2, 2, dtype=torch.int8), "a.scale": scale})
    assert again["a"].dtype == torch.int8
