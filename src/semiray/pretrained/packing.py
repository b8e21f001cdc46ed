"""Weights coded to be small: half precision, and the discriminator's largest matrices in eight bits.

Rows of eight bits have a scale each, the tensor `NAME.scale` beside `NAME`: a weight is their product. The generator
keeps half precision, so that images stay what they were.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from semiray.errors import SemirayError

__all__ = ["pack", "unpack"]

_SCALE = ".scale"
_LARGE = 1 << 17  # numbers of a matrix from which on eight bits are worth it
_STEPS = 127


def pack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Code the tensors of `model.safetensors`; those that aren't fractions stay.

    Raises:
        SemirayError: a weight is too large for half precision, or isn't finite.
    """
    packed = dict[str, Tensor]()
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            packed[name] = tensor
        elif name.startswith("discriminator.") and tensor.ndim > 1 and tensor.numel() >= _LARGE:
            scale = tensor.float().flatten(1).abs().amax(1) / _STEPS
            scale[scale == 0] = 1.0
            packed[name] = (tensor.float() / _along(scale, tensor)).round().to(torch.int8)
            packed[name + _SCALE] = scale
        else:
            packed[name] = tensor.half()
        if not all(bool(torch.isfinite(packed[key]).all()) for key in (name, name + _SCALE) if key in packed):
            raise SemirayError(f"{name} holds numbers that half precision can't: the run can't be packed.")
    return packed


def unpack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that `pack` coded, as float32; all others as they are."""
    found = dict[str, Tensor]()
    for name, tensor in tensors.items():
        scale = tensors.get(name + _SCALE)
        if tensor.dtype == torch.int8 and scale is not None and scale.shape == tensor.shape[:1]:
            found[name] = tensor.float() * _along(scale.float(), tensor)
        elif not (name.endswith(_SCALE) and _coded(tensors.get(name.removesuffix(_SCALE)))):
            found[name] = tensor.float() if tensor.dtype == torch.float16 else tensor
    return found


def _coded(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.dtype == torch.int8


def _along(scale: Tensor, tensor: Tensor) -> Tensor:
    """One number a row, to be multiplied with a tensor."""
    return scale.reshape(-1, *[1] * (tensor.ndim - 1))
