"""The networks behind the named feature spaces: grey levels in, features out.

Each function takes the place of its weights and a device, and returns a step: images (B, H, W) uint8 on that device ->
features (B, D) float32.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semiray.errors import SemirayError
from semiray.evaluation.judges.weights import first_line, read_tensors
from semiray.structured import read_json

__all__ = ["DenseNet121", "Step", "inception_step", "rad_dino_step", "xrv_step"]

Step = Callable[[Tensor], Tensor]
XRV_SIDE, XRV_RANGE = 224, 1024.0
XRV_ADVICE = (
    "torchxrayvision publishes its models as pickles only. If you trust them, make a file of tensors once, in an "
    "environment that has torchxrayvision:  "
    'python -c "import torchxrayvision as x; from safetensors.torch import save_file; '
    "save_file(x.models.DenseNet(weights='densenet121-res224-all').state_dict(), 'xrv.safetensors')\"  and give "
    "weights=xrv.safetensors."
)
RAD_DINO_MEAN, RAD_DINO_DEVIATION = 0.5307, 0.2583  # from its preprocessor_config.json, for intensities in [0, 1]


def inception_step(weights: Path, device: torch.device) -> Step:
    """The 2048 features before the last layer of the Inception network that defines FID (Heusel et al. 2017).

    It is torch-fidelity's port of the original weights, with TensorFlow's own way of resizing to 299 px.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # It unpickles what it is given: so it gets tensors that were read safely, packed again.
    packed = io.BytesIO()
    torch.save(read_tensors(weights), packed)
    packed.seek(0)
    try:
        network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=packed).to(device)
    except RuntimeError as error:
        raise SemirayError(f"{weights} does not hold the weights of FID's Inception network.") from error

    return lambda images: network(images.unsqueeze(1).expand(-1, 3, -1, -1))[0]


def xrv_step(weights: Path, device: torch.device) -> Step:
    """The 1024 features before the last layer of torchxrayvision's DenseNet-121 (Cohen et al. 2022, arXiv 2111.00595).

    As in its `features2`: 224 px (bilinear, antialiased), intensities in [-1024, 1024], ReLU, mean over the image.
    """
    tensors = read_tensors(weights, advice=XRV_ADVICE)
    network = DenseNet121()
    try:
        network.load_state_dict({name: part for name, part in tensors.items() if name.startswith("features.")})
    except RuntimeError as error:
        raise SemirayError(f"{weights} holds the weights of another network: names or shapes differ.") from error
    network.requires_grad_(False).eval().to(device)

    return lambda images: network((2 * _resize(images.unsqueeze(1) / 255, XRV_SIDE, "bilinear") - 1) * XRV_RANGE)


def rad_dino_step(folder: Path, device: torch.device) -> Step:
    """The class token of RAD-DINO (Pérez-García et al. 2024, arXiv 2401.10815), from its config.json and safetensors.

    Images are resized (bicubic, antialiased) to the size in its config (518 px) and normalised as its
    preprocessor_config.json says, where there is one.
    """
    from transformers import Dinov2Model

    settings, shown = (_json(folder / name) for name in ("config.json", "preprocessor_config.json"))
    if settings.get("model_type") != "dinov2" or not (folder / "model.safetensors").is_file():
        raise SemirayError(
            f"{folder} does not hold RAD-DINO: it needs its config.json (model_type dinov2) and model.safetensors, and "
            "should have its preprocessor_config.json."
        )
    try:
        network, found = Dinov2Model.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:  # which exceptions it raises depends on its release
        raise SemirayError(f"{folder} can't be read as RAD-DINO ({first_line(error)}).") from error
    # Weights that are missing from the file would be random; the mask token is only used in training.
    lacking = [name for name in found["missing_keys"] if not name.endswith("mask_token")]
    if lacking or found["mismatched_keys"]:
        raise SemirayError(
            f"{folder / 'model.safetensors'} lacks weights that its config.json requires: {lacking[:3]}."
        )
    network = network.float().eval().to(device)
    side = int(network.config.image_size)
    mean = float(np.mean(shown.get("image_mean", RAD_DINO_MEAN)))
    deviation = float(np.mean(shown.get("image_std", RAD_DINO_DEVIATION)))

    def step(images: Tensor) -> Tensor:
        greys = _resize(images.unsqueeze(1).float(), side, "bicubic").round().clamp(0, 255) / 255
        seen = ((greys - mean) / deviation).expand(-1, 3, -1, -1)
        token: Tensor = network(seen).last_hidden_state[:, 0]
        return token

    return step


class DenseNet121(nn.Module):
    """The features of DenseNet-121 (Huang et al. 2017, arXiv 1608.06993) for one channel; parts are named as usual."""

    def __init__(self, blocks: tuple[int, ...] = (6, 12, 24, 16), growth: int = 32, channels: int = 64) -> None:
        super().__init__()
        layers: dict[str, nn.Module] = {
            "conv0": nn.Conv2d(1, channels, 7, 2, 3, bias=False),
            "norm0": nn.BatchNorm2d(channels),
            "relu0": nn.ReLU(inplace=True),
            "pool0": nn.MaxPool2d(3, 2, 1),
        }
        for i, depth in enumerate(blocks, 1):
            block = {f"denselayer{j + 1}": _DenseLayer(channels + j * growth, growth) for j in range(depth)}
            layers[f"denseblock{i}"] = nn.Sequential(OrderedDict(block))
            channels += depth * growth
            if i < len(blocks):
                transition = {
                    "norm": nn.BatchNorm2d(channels),
                    "relu": nn.ReLU(inplace=True),
                    "conv": nn.Conv2d(channels, channels // 2, 1, bias=False),
                    "pool": nn.AvgPool2d(2, 2),
                }
                layers[f"transition{i}"] = nn.Sequential(OrderedDict(transition))
                channels //= 2
        layers["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(OrderedDict(layers))

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, 1024) of images (B, 1, H, W), averaged over the image after ReLU."""
        return F.relu(self.features(images)).mean(dim=(2, 3))


class _DenseLayer(nn.Module):
    """A layer that adds channels to its input: (B, C, h, w) -> (B, C + growth, h, w)."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))], dim=1)


def _resize(images: Tensor, side: int, mode: str) -> Tensor:
    if images.shape[-2:] == (side, side):
        return images
    return F.interpolate(images, (side, side), mode=mode, antialias=True)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except (OSError, SemirayError):
        return {}
    return found if isinstance(found, dict) else {}
