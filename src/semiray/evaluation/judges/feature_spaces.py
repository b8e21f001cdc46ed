"""Feature spaces by name or path: where fidelity, and distances between images, are measured.

`trtr`, the classifier trained on real images, is the default and made by `evaluate` and `judge` themselves. The others
are opened here, before any long work, so that a package or a file that is missing is told at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.errors import SemirayError
from semiray.evaluation.judges import feature_networks as networks
from semiray.evaluation.judges import weights as published

__all__ = ["SPACES", "FeatureSpace", "check_space", "feature_space"]

SPACES = {
    "trtr": "what the last layer of the classifier trained on real images sees",
    "inception": "the last layer but one of FID's Inception, trained on photographs",
    "xrv": "the last layer but one of torchxrayvision's DenseNet-121, trained on chest X-rays",
    "rad-dino": "the class token of RAD-DINO, trained on chest X-rays without labels",
}
KINDS: dict[str, Callable[[Path], networks.Step]] = {
    ".pt": networks.script_step,
    ".ts": networks.script_step,
    ".onnx": networks.onnx_step,
    ".safetensors": networks.classifier_step,
}
PACKAGES = {"inception": ("torch-fidelity", "torch_fidelity"), "rad-dino": ("transformers",) * 2}
AT_ONCE = {"rad-dino": 8}  # images; of the others 32


@dataclass(frozen=True)
class FeatureSpace:
    """A named way to turn images into features.

    Attributes:
        name: E.g. ``"trtr"``.
        extract: Images (N, H, W) uint8 -> features (N, D).
    """

    name: str
    extract: Callable[[NDArray[np.uint8]], NDArray[np.floating]]


def feature_space(
    name: str,
    *,
    weights: Path | None = None,
    download: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> FeatureSpace:
    """Open a feature space. Nothing is fetched unless ``download`` says so, and no pickle is loaded.

    Args:
        name: ``inception`` (2048 features; extra ``semiray[spaces]``), ``xrv`` (1024), ``rad-dino`` (768; the extra);
            or a path: a TorchScript (``.pt``, ``.ts``) or ONNX file (``.onnx``; the extra) that makes features (B, D)
            of images (B, 1, H, W) in [-1, 1], or a classifier that ``evaluate`` has kept (``.safetensors``).
        weights: The file of a named space's weights; of rad-dino the folder. None looks in the user's cache.
        download: Whether missing weights may be fetched from where they are published.
        progress: Called with (done, total) megabytes while they are.

    Returns:
        The space, its weights in memory; ``extract`` takes images (N, H, W) uint8, H = W, and gives (N, D) float32.

    Raises:
        SemirayError: The name is unknown, or a package or file is missing or not what it should be.

    Example:
        ``evaluate(run, data, out, space=feature_space("xrv", weights=Path("xrv.safetensors")))``
    """
    path = Path(name)
    if name in SPACES and name != "trtr":
        step, label = _named(name, weights, download, progress), name
    elif path.suffix in KINDS:
        if weights is not None or download:
            raise SemirayError(
                f"--space {name} is a file that holds its own weights: leave --weights and --download out."
            )
        if not path.is_file():
            raise SemirayError(f"--space {name}: there is no such file.")
        if path.suffix == ".onnx":
            _need("onnxruntime", "onnxruntime", "an .onnx file")
        step, label = KINDS[path.suffix](path), path.name
    else:
        raise SemirayError(
            f"--space {name}: neither a space ({', '.join(SPACES)}) nor a path that ends in {', '.join(KINDS)}."
            + (" trtr is measured in unless another is named." if name == "trtr" else "")
        )
    return FeatureSpace(label, lambda images: _extract(label, step, images, AT_ONCE.get(name, 32)))


def check_space(space: FeatureSpace, images: NDArray[np.uint8]) -> None:
    """An error unless a space makes features of such images: asked of two, before all of them are generated."""
    found = space.extract(images[:2])
    if found.ndim != 2 or len(found) != len(images[:2]) or not found.shape[1]:
        raise SemirayError(f"The space {space.name} gives {found.shape} for {len(images[:2])} images, not (N, D).")


def _named(
    name: str, weights: Path | None, download: bool, progress: Callable[[int, int], None] | None
) -> networks.Step:
    if name in PACKAGES:
        _need(*PACKAGES[name], f"the space {name}")
    if name == "xrv":
        if weights is None:
            raise SemirayError(f"The space xrv needs --weights FILE, and can't be fetched: {networks.XRV_ADVICE}")
        return networks.xrv_step(published.find_weights(name, (), weights=weights, download=False))
    files = published.INCEPTION if name == "inception" else published.RAD_DINO
    found = published.find_weights(name, files, weights=weights, download=download, progress=progress)
    return networks.inception_step(found) if name == "inception" else networks.rad_dino_step(found)


def _need(package: str, module: str, what: str) -> None:
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        raise SemirayError(
            f"For {what}, install {package}: pip install 'semiray[spaces]', or {package} alone."
        ) from error
    except Exception as error:  # torchvision of another build than torch raises what it likes
        raise SemirayError(
            f"For {what}, {package} is installed but can't be loaded ({published.first_line(error)}). If torchvision "
            "is named there, install the one of your torch's version and build."
        ) from error


def _extract(name: str, step: networks.Step, images: NDArray[np.uint8], at_once: int) -> NDArray[np.float32]:
    if images.ndim != 3 or images.dtype != np.uint8 or not len(images):
        raise SemirayError(f"Expected uint8 images (N, H, W); got {images.dtype} of shape {images.shape}.")
    try:
        with torch.inference_mode():
            firsts = range(0, len(images), at_once)
            parts = [step(torch.from_numpy(np.array(images[first : first + at_once]))) for first in firsts]
            features: NDArray[np.float32] = torch.cat(parts).float().numpy()
    except RuntimeError as error:  # a script of the user's that takes images of another size, say
        raise SemirayError(
            f"The space {name} makes no features of images of {images.shape[1]} x {images.shape[2]} px: "
            f"{str(error).strip().splitlines()[-1]}"
        ) from error
    if not np.isfinite(features).all():
        raise SemirayError(f"The space {name} gives features that aren't finite numbers.")
    return features
