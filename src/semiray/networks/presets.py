"""Architectures by name, and a table of their layers."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from semiray.errors import SemirayError
from semiray.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from semiray.networks.discriminator import Discriminator, ResidualDiscriminator
from semiray.networks.generator import Generator, ResidualGenerator
from semiray.networks.shape import NetworkShape

__all__ = ["ARCHITECTURES", "LayerRow", "NetworkShape", "build_networks", "describe"]

ARCHITECTURES: dict[str, tuple[type[Generator], type[Discriminator]]] = {
    "residual": (ResidualGenerator, ResidualDiscriminator),
    "dcgan": (DCGANGenerator, DCGANDiscriminator),
}


def build_networks(architecture: str, shape: NetworkShape) -> tuple[Generator, Discriminator]:
    """A fresh pair in channels-last memory format, initialised from torch's global random state."""
    if architecture not in ARCHITECTURES:
        raise SemirayError(f"unknown architecture {architecture!r}: choose one of {', '.join(ARCHITECTURES)}")
    make_generator, make_discriminator = ARCHITECTURES[architecture]
    generator, discriminator = make_generator(shape), make_discriminator(shape)
    for network in (generator, discriminator):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return generator, discriminator


@dataclass(frozen=True)
class LayerRow:
    """One layer of a network: its name, kind, output shape without the batch, and number of parameters."""

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int


def describe(network: Generator | Discriminator) -> list[LayerRow]:
    """The layers that hold parameters, in the order in which they run, found by running one batch of two zeros."""
    rows: list[LayerRow] = []

    def record(name: str, count: int, module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        rows.append(LayerRow(name, type(module).__name__, tuple(output.shape[1:]), count))

    counts = {name: sum(p.numel() for p in one.parameters(recurse=False)) for name, one in network.named_modules()}
    handles = [
        network.get_submodule(name).register_forward_hook(partial(record, name, count))
        for name, count in counts.items()
        if count
    ]
    training = network.training
    network.eval()
    labels = torch.zeros(2, dtype=torch.long)
    try:
        with torch.no_grad():
            if isinstance(network, Generator):
                network(torch.zeros(2, network.shape.noise), torch.zeros(2, network.shape.codes), labels)
            else:
                side = network.shape.resolution
                network(torch.zeros(2, 1, side, side), labels)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return rows
