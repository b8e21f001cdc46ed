"""The generator and the discriminator (trunk, critic, sorter), their blocks and presets. Knows tensors only."""

from semiray.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from semiray.networks.discriminator import Discriminator, DiscriminatorOutput, LeadEstimates, ResidualDiscriminator
from semiray.networks.generator import Generator, ResidualGenerator
from semiray.networks.presets import ARCHITECTURES, NetworkShape, build_networks, describe

__all__ = [
    "ARCHITECTURES",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "Discriminator",
    "DiscriminatorOutput",
    "Generator",
    "LeadEstimates",
    "NetworkShape",
    "ResidualDiscriminator",
    "ResidualGenerator",
    "build_networks",
    "describe",
]
