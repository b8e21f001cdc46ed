"""The networks behind the named feature spaces: tensors of grey levels in, features out, weights already at hand.

Each function takes where its weights lie and gives a step: images (B, H, W) uint8 -> features (B, D) float32.
"""

from __future__ import annotations

import io
import json
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semiray.errors import SemirayError
from semiray.evaluation.judges.classifier import WIDTHS, ClassifierNetwork
from semiray.evaluation.judges.weights import first_line, read_tensors
from semiray.networks.intensities import to_input

__all__ = ["DenseNet121", "classifier_step", "inception_step", "onnx_step", "rad_dino_step", "script_step", "xrv_step"]

Step = Callable[[Tensor], Tensor]
XRV_SIDE, XRV_RANGE = 224, 1024.0
XRV_ADVICE = (
    "torchxrayvision publishes its models as pickles only. Where you trust them, in an environment that has "
    "torchxrayvision, make a file of tensors once:  "
    'python -c "import torchxrayvision as x; from safetensors.torch import save_file; '
    "save_file(x.models.DenseNet(weights='densenet121-res224-all').state_dict(), 'xrv.safetensors')\"  and give "
    "--weights xrv.safetensors."
)
RAD_DINO_MEAN, RAD_DINO_DEVIATION = 0.5307, 0.2583  # of its preprocessor_config.json, of greys in [0, 1]


def inception_step(weights: Path) -> Step:
    """The 2048 features before the last layer of the Inception that FID is defined by (Heusel et al. 2017).

    torch-fidelity's port of the original weights and of TensorFlow's own way of resizing to 299 px.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # It would unpickle whatever it is given: it is given tensors that were read safely, packed again.
    packed = io.BytesIO()
    torch.save(read_tensors(weights), packed)
    packed.seek(0)
    try:
        network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=packed)
    except RuntimeError as error:
        raise SemirayError(f"{weights} doesn't hold the weights of FID's Inception.") from error

    def step(images: Tensor) -> Tensor:
        features: Tensor = network(images.unsqueeze(1).expand(-1, 3, -1, -1))[0]
        return features

    return step


def xrv_step(weights: Path) -> Step:
    """The 1024 features before the last layer of torchxrayvision's DenseNet-121 (Cohen et al. 2022, arXiv 2111.00595).

    As its `features2`: 224 px (bilinear, antialiased), greys in [-1024, 1024], ReLU, mean over the image.
    """
    tensors = read_tensors(weights, advice=XRV_ADVICE)
    network = DenseNet121()
    _load(network, {name: part for name, part in tensors.items() if name.startswith("features.")}, weights)

    def step(images: Tensor) -> Tensor:
        greys = _resize(images.unsqueeze(1) / 255, XRV_SIDE, "bilinear")
        features: Tensor = network((2 * greys - 1) * XRV_RANGE)
        return features

    return step


def rad_dino_step(folder: Path) -> Step:
    """The class token of RAD-DINO (Pérez-García et al. 2024, arXiv 2401.10815), from its config.json and safetensors.

    The side of its images (518 px) is its config's; bicubic, antialiased; the normalisation is that of its
    preprocessor_config.json where that lies beside.
    """
    from transformers import Dinov2Model

    settings, shown = (_json(folder / name) for name in ("config.json", "preprocessor_config.json"))
    if settings.get("model_type") != "dinov2" or not (folder / "model.safetensors").is_file():
        raise SemirayError(
            f"{folder} doesn't hold RAD-DINO: a folder with its config.json (model_type dinov2) and model.safetensors, "
            "and best its preprocessor_config.json, is needed."
        )
    try:
        network, found = Dinov2Model.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:  # what it raises, its releases change
        raise SemirayError(f"{folder} can't be read as RAD-DINO ({first_line(error)}).") from error
    # Weights that the file lacks would be random; the mask's token is used in training only.
    lacking = [name for name in found["missing_keys"] if not name.endswith("mask_token")]
    if lacking or found["mismatched_keys"]:
        raise SemirayError(f"{folder / 'model.safetensors'} lacks weights that its config.json names: {lacking[:3]}.")
    network = network.float().eval()
    side = int(network.config.image_size)
    mean = float(np.mean(shown.get("image_mean", RAD_DINO_MEAN)))
    deviation = float(np.mean(shown.get("image_std", RAD_DINO_DEVIATION)))

    def step(images: Tensor) -> Tensor:
        greys = _resize(images.unsqueeze(1).float(), side, "bicubic").round().clamp(0, 255) / 255
        seen = ((greys - mean) / deviation).expand(-1, 3, -1, -1)
        token: Tensor = network(seen).last_hidden_state[:, 0]
        return token

    return step


def script_step(path: Path) -> Step:
    """A TorchScript of the user's: (B, 1, H, W) in [-1, 1] -> (B, D), or maps (B, D, h, w), which are averaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch's newer ways of export have no such file
            network = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        raise SemirayError(
            f"{path} is no TorchScript. A feature space in a .pt or .ts file is what "
            "torch.jit.script(network).save(...) writes; other PyTorch files are pickles, which semiray doesn't read."
        ) from error
    return lambda images: _pooled(path, network(to_input(images)), len(images))


def onnx_step(path: Path) -> Step:
    """An ONNX file of the user's: (B, 1 or 3, H, W) float in [-1, 1] -> (B, D), or maps (B, D, h, w), averaged.

    Images are resized if its input says another side, and taken so many at once as it says.
    """
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors share no other class
        raise SemirayError(f"{path} can't be read as ONNX ({first_line(error)}).") from error
    given = session.get_inputs()
    shape = list(given[0].shape) if given else []
    if len(given) != 1 or given[0].type != "tensor(float)" or len(shape) != 4 or shape[1] not in (1, 3):
        raise SemirayError(f"{path}: a feature space takes one input, float images (B, 1 or 3, H, W) in [-1, 1].")
    count, channels, height, width = shape

    def step(images: Tensor) -> Tensor:
        seen = to_input(images)
        if isinstance(height, int) and isinstance(width, int) and (height, width) != tuple(seen.shape[2:]):
            seen = F.interpolate(seen, (height, width), mode="bilinear", antialias=True)
        seen = seen.expand(-1, channels, -1, -1)
        whole = count if isinstance(count, int) else len(seen)
        parts = []
        for part in torch.split(seen, whole):
            full = torch.cat([part, part[-1:].expand(whole - len(part), -1, -1, -1)])
            try:
                outputs = session.run(None, {given[0].name: full.contiguous().numpy()})
            except Exception as error:
                raise SemirayError(
                    f"{path} makes nothing of images of {tuple(full.shape)} ({first_line(error)})."
                ) from error
            parts.append(_pooled(path, torch.from_numpy(np.asarray(outputs[0])), whole)[: len(part)])
        return torch.cat(parts)

    return step


def classifier_step(path: Path) -> Step:
    """What the last layer of one of semiray's own classifiers sees, as `evaluate` keeps them in OUT/cache."""
    tensors = read_tensors(path)
    stems = sum(part.ndim == 4 for part in tensors.values()) - len(WIDTHS)
    if "head.weight" not in tensors or stems < 0:
        raise SemirayError(
            f"{path} doesn't hold one of semiray's classifiers (they lie in OUT/cache). Weights of a published network "
            "are given beside its name: --space NAME --weights FILE."
        )
    network = ClassifierNetwork(len(tensors["head.weight"]), 64 << stems)
    _load(network, tensors, path)
    pooled = nn.Sequential(network.features, nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def step(images: Tensor) -> Tensor:
        side, halvings = images.shape[-1], 0
        while side > 64:
            side, halvings = (side + 1) // 2, halvings + 1
        if halvings != stems:
            raise SemirayError(f"{path} is a classifier of images of another size than {images.shape[-1]} px.")
        features: Tensor = pooled(to_input(images))
        return features

    return step


class DenseNet121(nn.Module):
    """The features of DenseNet-121 (Huang et al. 2017, arXiv 1608.06993) for one channel, its parts named as elsewhere.

    Written out, it needs neither torchvision nor torchxrayvision; a test compares it with the latter's.

    Shapes: images (B, 1, H, W) -> (B, 1024), averaged over the image after ReLU.
    """

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
                layers[f"transition{i}"] = _transition(channels)
                channels //= 2
        layers["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(OrderedDict(layers))

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, 1024) of images (B, 1, H, W)."""
        return F.relu(self.features(images)).mean(dim=(2, 3))


class _DenseLayer(nn.Module):
    """A layer that adds channels to what it is given."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C + growth, h, w)."""
        return torch.cat([x, self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))], dim=1)


def _transition(channels: int) -> nn.Module:
    parts = {
        "norm": nn.BatchNorm2d(channels),
        "relu": nn.ReLU(inplace=True),
        "conv": nn.Conv2d(channels, channels // 2, 1, bias=False),
        "pool": nn.AvgPool2d(2, 2),
    }
    return nn.Sequential(OrderedDict(parts))


def _load(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put tensors into a network, in evaluation mode ever after."""
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise SemirayError(f"{path} holds weights of another network: names or shapes differ.") from error
    network.requires_grad_(False).eval()


def _resize(images: Tensor, side: int, mode: str) -> Tensor:
    if images.shape[-2:] == (side, side):
        return images
    return F.interpolate(images, (side, side), mode=mode, antialias=True)


def _pooled(path: Path, found: Any, count: int) -> Tensor:
    """A network's output as features (B, D)."""
    if isinstance(found, Tensor) and found.ndim == 4:
        found = found.mean(dim=(2, 3))
    if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != count:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise SemirayError(f"{path} gives {shape} for {count} images; a feature space gives (B, D) or (B, D, h, w).")
    return found.float()


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
