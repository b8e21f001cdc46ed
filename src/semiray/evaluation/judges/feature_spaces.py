"""Feature spaces by name: where fidelity, and distances between images, are measured.

`trtr`, the classifier trained on real images, is the default; the evaluation makes it itself. The others are opened
here, before any long work, so that a missing package or file is reported at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.devices import choose_device
from semiray.errors import SemirayError
from semiray.evaluation.judges import feature_networks as networks
from semiray.evaluation.judges.weights import INCEPTION, RAD_DINO, find_weights, first_line

__all__ = ["FeatureSpace", "check_space", "feature_space"]

PUBLISHED = ("inception", "xrv", "rad-dino")
PACKAGES = {"inception": ("torch-fidelity", "torch_fidelity"), "rad-dino": ("transformers", "transformers")}
BATCH = {"rad-dino": 8}  # images per batch; of the others 32


@dataclass(frozen=True)
class FeatureSpace:
    """A named way to turn images into features: one of `feature_space`, or any function of yours.

    Attributes:
        name: What to call it in the report.
        extract: Images (N, H, W) uint8 -> features (N, D).

    Examples:
        >>> FeatureSpace("rows", lambda images: images.mean(axis=2)).extract(np.zeros((5, 32, 32), np.uint8)).shape
        (5, 32)
    """

    name: str
    extract: Callable[[NDArray[np.uint8]], NDArray[np.floating]]


def feature_space(
    name: str, *, weights: Path | None = None, download: bool = False, device: str | torch.device | None = "auto"
) -> FeatureSpace:
    """Open the feature space of a published network. Nothing is downloaded unless asked for; no pickle is loaded.

    Args:
        name: ``inception`` (2048 features; the extra ``semiray[spaces]``), ``xrv`` (1024) or ``rad-dino`` (768; the
            extra).
        weights: The file of its weights, for rad-dino the folder. None looks in the user's cache.
        download: Whether missing weights may be downloaded from where they are published.
        device: Where features are computed.

    Raises:
        SemirayError: The name is unknown, or a package or file is missing or not what it should be.

    Examples:
        ``measure_run(run, data, space=feature_space("xrv", weights=Path("xrv.safetensors")))``
    """
    place = choose_device(device)
    if name == "xrv":
        if weights is None:
            raise SemirayError(f"The space xrv needs weights, and they can't be downloaded: {networks.XRV_ADVICE}")
        step = networks.xrv_step(find_weights(name, (), weights=weights, download=False), place)
    elif name == "inception":
        _need(*PACKAGES[name], name)
        step = networks.inception_step(find_weights(name, INCEPTION, weights=weights, download=download), place)
    elif name == "rad-dino":
        _need(*PACKAGES[name], name)
        step = networks.rad_dino_step(find_weights(name, RAD_DINO, weights=weights, download=download), place)
    else:
        raise SemirayError(
            f"space {name!r}: choose {', '.join(PUBLISHED)}, or leave it out for trtr, the classifier trained "
            "on real images. In Python, any function of yours can be one: FeatureSpace(name, function)."
        )
    return FeatureSpace(name, lambda images: _extract(name, step, images, BATCH.get(name, 32), place))


def check_space(space: FeatureSpace, images: NDArray[np.uint8]) -> None:
    """Raise an error unless a space gives features of such images; two are tried, before all are generated."""
    found = space.extract(images[:2])
    if found.ndim != 2 or len(found) != len(images[:2]) or not found.shape[1]:
        raise SemirayError(f"The space {space.name} gives {found.shape} for {len(images[:2])} images, not (N, D).")


def _need(package: str, module: str, name: str) -> None:
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        raise SemirayError(
            f"The space {name} needs {package}: pip install 'semiray[spaces]', or {package} alone."
        ) from error
    except Exception as error:  # torchvision of another build than torch raises all kinds of exceptions
        raise SemirayError(
            f"The space {name} needs {package}, which is installed but can't be loaded ({first_line(error)}). If this "
            "names torchvision, install the one that belongs to your version and build of torch."
        ) from error


def _extract(
    name: str, step: networks.Step, images: NDArray[np.uint8], batch: int, device: torch.device
) -> NDArray[np.float32]:
    if images.ndim != 3 or images.dtype != np.uint8 or not len(images):
        raise SemirayError(f"Expected uint8 images (N, H, W); got {images.dtype} of shape {images.shape}.")
    with torch.inference_mode():
        firsts = range(0, len(images), batch)
        parts = [step(torch.from_numpy(np.array(images[first : first + batch])).to(device)).cpu() for first in firsts]
        features: NDArray[np.float32] = torch.cat(parts).float().numpy()
    if not np.isfinite(features).all():
        raise SemirayError(f"The space {name} gives features that are not finite numbers.")
    return features
