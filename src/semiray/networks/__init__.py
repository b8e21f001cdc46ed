"""The generator and the discriminator (trunk, critic, sorter), their blocks and presets. Knows tensors only."""

from semiray.networks.discriminator import Discriminator, DiscriminatorOutput, LeadEstimates
from semiray.networks.generator import Generator
from semiray.networks.presets import NetworkShape, build_networks

__all__ = ["Discriminator", "DiscriminatorOutput", "Generator", "LeadEstimates", "NetworkShape", "build_networks"]
