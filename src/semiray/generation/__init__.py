"""Generate images with a trained run, look at its factors, encode and re-present real ones, train with them.

The modules are loaded when a name is first used: generating needs no figures, and no library that draws.
"""

from typing import TYPE_CHECKING

from semiray.lazy import offer

if TYPE_CHECKING:
    from semiray.generation.copies import CopyFilter
    from semiray.generation.dataset import RadiographDataset, SyntheticDataset
    from semiray.generation.encoding import class_likelihoods, critic_logits, encode, encode_scores, write_codes
    from semiray.generation.export import export_onnx
    from semiray.generation.figures import plot_networks, plot_samples
    from semiray.generation.formats import write_images
    from semiray.generation.hold import check_hold, hold_codes, parse_hold
    from semiray.generation.inversion import Inversion, invert
    from semiray.generation.representation import Representation, plot_representation, represent
    from semiray.generation.sampling import Request, generate
    from semiray.generation.sharding import Share, write_sample
    from semiray.generation.similarity import ms_ssim, ssim
    from semiray.generation.synthetic import Synthetic
    from semiray.generation.traversal import Traversal, measure_traversal, plot_traversal, traversal_images, traverse
    from semiray.generation.xrv import XrvDataset

__all__ = [
    "CopyFilter",
    "Inversion",
    "RadiographDataset",
    "Representation",
    "Request",
    "Share",
    "Synthetic",
    "SyntheticDataset",
    "Traversal",
    "XrvDataset",
    "check_hold",
    "class_likelihoods",
    "critic_logits",
    "encode",
    "encode_scores",
    "export_onnx",
    "generate",
    "hold_codes",
    "invert",
    "measure_traversal",
    "ms_ssim",
    "parse_hold",
    "plot_networks",
    "plot_representation",
    "plot_samples",
    "plot_traversal",
    "represent",
    "ssim",
    "traversal_images",
    "traverse",
    "write_codes",
    "write_images",
    "write_sample",
]

__getattr__, __dir__ = offer(
    __name__,
    {
        "copies": ("CopyFilter",),
        "dataset": ("RadiographDataset", "SyntheticDataset"),
        "encoding": ("class_likelihoods", "critic_logits", "encode", "encode_scores", "write_codes"),
        "export": ("export_onnx",),
        "figures": ("plot_networks", "plot_samples"),
        "formats": ("write_images",),
        "hold": ("check_hold", "hold_codes", "parse_hold"),
        "inversion": ("Inversion", "invert"),
        "representation": ("Representation", "plot_representation", "represent"),
        "sampling": ("Request", "generate"),
        "sharding": ("Share", "write_sample"),
        "similarity": ("ms_ssim", "ssim"),
        "synthetic": ("Synthetic",),
        "traversal": ("Traversal", "measure_traversal", "plot_traversal", "traversal_images", "traverse"),
        "xrv": ("XrvDataset",),
    },
)
