"""Classifiers by name: two small CNNs, a ResNet-18, and the networks of timm and torchvision; weights from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import PlainSerializer
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional as F

from semiray.errors import SemirayError
from semiray.evaluation.judges.weights import first_line, read_tensors
from semiray.evaluation.results import Result
from semiray.networks.classifier import LEARNING_RATE, ClassifierNetwork

__all__ = ["CLASSIFIERS", "Architecture", "ResNet18"]

CLASSIFIERS = ("small-cnn", "cnn", "resnet18", "timm:NAME", "torchvision:NAME")
LIBRARY_SIDE = 224  # px, for a library's network that doesn't say what it expects
LEAST_LOADED = 0.5  # of the parameters: with fewer, weights belong to another network


FileName = PlainSerializer(lambda path: path and path.name, return_type=str | None, when_used="json")


@dataclass(frozen=True)
class Architecture(Result):
    """A kind of classifier.

    Attributes:
        name: ``small-cnn`` (utility's network, narrower and halved earlier: a sixth of the cost), ``cnn`` (utility's
            network), ``resnet18``, ``timm:NAME`` or ``torchvision:NAME``.
        weights: File that training starts from, safetensors or a PyTorch file with only tensors; None starts at random.

    Raises:
        SemirayError: The name is unknown.
    """

    name: str = "small-cnn"
    weights: Annotated[Path | None, FileName] = None

    def __post_init__(self) -> None:
        library, _, model = self.name.partition(":")
        named = library in ("timm", "torchvision") and model and ":" not in model  # timm's hf-hub: would download
        if self.name not in CLASSIFIERS[:3] and not named:
            raise SemirayError(f"{self.name!r} is not a classifier; choose {', '.join(CLASSIFIERS)}.")

    @property
    def learning_rate(self) -> float:
        """The greatest learning rate: the larger the network, the smaller."""
        return {"small-cnn": LEARNING_RATE, "cnn": LEARNING_RATE, "resnet18": 1e-3}.get(self.name, 3e-4)

    def build(self, n_classes: int, resolution: int) -> nn.Module:
        """A fresh network: images (B, 1, H, W) in [-1, 1] -> logits (B, n_classes).

        Raises:
            SemirayError: The library isn't installed or doesn't know the model, or the weights don't fit.
        """
        library, _, model = self.name.partition(":")
        network: nn.Module
        if model:
            network = _LibraryNetwork(library, model, n_classes)
        elif self.name == "resnet18":
            network = ResNet18(n_classes)
        else:
            network = ClassifierNetwork(n_classes, resolution, small=self.name == "small-cnn")
        if self.weights is not None:
            _load(network.model if isinstance(network, _LibraryNetwork) else network, Path(self.weights))
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def check(self, n_classes: int, resolution: int, device: torch.device) -> None:
        """Raise an error unless the network can be built and trained on such images; asked before the long work."""
        network = self.build(n_classes, resolution).to(device).train()
        try:
            logits = network(torch.zeros(2, 1, resolution, resolution, device=device))
            F.cross_entropy(logits.float(), torch.zeros(2, dtype=torch.int64, device=device)).backward()  # type: ignore[no-untyped-call]
        except Exception as error:  # a library's network can raise anything
            raise SemirayError(
                f"{self.name} can't be trained on images of {resolution} px ({first_line(error)}): choose another."
            ) from error
        if logits.shape != (2, n_classes):
            raise SemirayError(f"{self.name} gives {tuple(logits.shape)}, not one number per class: choose another.")


class ResNet18(nn.Module):
    """ResNet-18 (He et al. 2016, arXiv 1512.03385) with a 3 x 3 stem for small images; one channel.

    Images larger than 32 px are halved by max pooling after the stem, as often as necessary. 11.2 M parameters.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True))
        blocks: list[nn.Module] = []
        for before, width, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
            blocks += [_Block(before, width, stride), _Block(width, width, 1)]
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(512, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, n_classes) of images (B, 1, H, W) in [-1, 1]."""
        found = self.stem(images)
        while found.shape[-1] > 32:
            found = F.max_pool2d(found, 2)
        logits: Tensor = self.head(self.blocks(found).mean(dim=(2, 3)))
        return logits


class _Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != width:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


class _LibraryNetwork(nn.Module):
    """A network of timm or torchvision for grey images, which are resized to what it expects, in three channels."""

    def __init__(self, library: str, name: str, n_classes: int) -> None:
        super().__init__()
        self.side = LIBRARY_SIDE
        try:
            if library == "timm":
                import timm

                self.model: Any = timm.create_model(name, pretrained=False, num_classes=n_classes)
                self.side = int(self.model.default_cfg.get("input_size", (3, LIBRARY_SIDE, LIBRARY_SIDE))[-1])
            else:
                from torchvision import models

                if name not in models.list_models(module=models):  # those for other tasks download a backbone
                    raise ValueError("it has no such classifier")
                self.model = models.get_model(name, weights=None, num_classes=n_classes)
        except ImportError as error:
            raise SemirayError(f"{library}:{name} needs {library}: pip install 'semiray[classifiers]'.") from error
        except Exception as error:
            raise SemirayError(f"{library} can't make {name!r} ({first_line(error)}).") from error

    def forward(self, images: Tensor) -> Tensor:
        enlarged = F.interpolate(images, size=(self.side, self.side), mode="bilinear", align_corners=False)
        logits: Tensor = self.model(enlarged.expand(-1, 3, -1, -1))
        return logits


def _load(network: nn.Module, path: Path) -> None:
    """Load a file's tensors where name and shape agree: a head for other classes keeps its fresh weights."""
    own = network.state_dict()
    tensors = read_tensors(path)
    fitting = {name: part for name, part in tensors.items() if name in own and part.shape == own[name].shape}
    loaded = sum(part.numel() for part in fitting.values()) / sum(part.numel() for part in own.values())
    if loaded < LEAST_LOADED:
        raise SemirayError(
            f"{path}: fits only {loaded:.0%} of the network's parameters: these are the weights of another."
        )
    network.load_state_dict(fitting, strict=False)
