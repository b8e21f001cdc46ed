"""Ask a trained run for images, look at what its factors do, read codes from images, use the images for training."""

from semiray.generation.dataset import RadiographDataset, SyntheticDataset
from semiray.generation.encoding import encode, encode_scores
from semiray.generation.figures import plot_networks, plot_samples
from semiray.generation.sampling import Synthetic, generate
from semiray.generation.traversal import traversal_images, traverse
from semiray.generation.writers import check_out, write_images

__all__ = [
    "RadiographDataset",
    "Synthetic",
    "SyntheticDataset",
    "check_out",
    "encode",
    "encode_scores",
    "generate",
    "plot_networks",
    "plot_samples",
    "traversal_images",
    "traverse",
    "write_images",
]
