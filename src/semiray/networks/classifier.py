"""The classifier: one small CNN with a fixed recipe. It judges images, and estimates classes that nobody labelled.

For utility it is fixed beforehand, and deliberately simple; only the training images differ between TSTR and TRTR. A
classifier that is tuned to a generator, or to the real images, would measure the tuning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from semiray.devices import choose_device, fast_autocast
from semiray.errors import SemirayError
from semiray.networks.intensities import to_input

__all__ = [
    "Classifier",
    "ClassifierNetwork",
    "check_images",
    "fit",
    "network_outputs",
    "network_seed",
    "train_classifier",
    "vary",
]

WIDTHS = (32, 64, 128, 192)
SMALL_WIDTHS = (16, 32, 64, 128)
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-2
WARM_UP = 0.2  # of the steps
MAX_SHIFT = 1 / 16  # of the image's side
MAX_BRIGHTNESS = 0.2  # in [-1, 1] units
MAX_CONTRAST = 0.2
PREDICTION_BATCH = 256


@contextmanager
def network_seed(seed: int) -> Iterator[None]:
    """Within it, fresh networks have the weights of a seed; the random state outside is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


class ClassifierNetwork(nn.Module):
    """Four convolutions (5 x 5 with stride 2, then 3 x 3), batch norm, ReLU, halving, global average pooling, linear.

    About 0.3 M parameters. Images larger than 64 px first go through one strided convolution of 16 channels per
    doubling, so that only the cost of these layers grows. ``small`` halves the widths (the last is 128) and halves the
    image after the first convolution, too: a sixth of the cost.
    """

    def __init__(self, n_classes: int, resolution: int, *, small: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, size = 1, resolution
        while size > 64:
            layers += [nn.Conv2d(channels, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
            channels, size = 16, (size + 1) // 2
        for index, width in enumerate(SMALL_WIDTHS if small else WIDTHS):
            size, stride = (5, 2) if index == 0 else (3, 1)
            convolution = nn.Conv2d(channels, width, size, stride, size // 2, bias=False)
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            if (small or index > 0) and index < len(WIDTHS) - 1:
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
            channels = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(channels, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, n_classes) of images (B, 1, H, W) in [-1, 1]."""
        logits: Tensor = self.head(self.features(images).mean(dim=(2, 3)))
        return logits


@dataclass(frozen=True)
class Classifier:
    """A trained classifier.

    Attributes:
        network: The CNN, in evaluation mode.
        n_classes: Number of classes C; labels run from 0 to C - 1.
        resolution: Side of the square images that it was trained on, in pixels.
        n_train: Number of images that it was trained on.
        seed: Of its initial weights, batches and augmentation.
    """

    network: ClassifierNetwork
    n_classes: int
    resolution: int
    n_train: int
    seed: int

    def predict_probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Class probabilities (N, C) of images (N, H, H) uint8 at the resolution of the training; rows sum to 1.

        Raises:
            SemirayError: If the images have another shape or type.
        """
        check_images(images)
        if images.shape[1] != self.resolution:
            raise SemirayError(
                f"The classifier was trained at {self.resolution} px and got images of {images.shape[1]} px: "
                "load both sets at the same resolution."
            )
        return np.asarray(F.softmax(network_outputs(self.network, images), dim=1).numpy())

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The input of the last layer for images (N, H, H) uint8: (N, 192) float32, averaged over the image."""
        check_images(images)
        pooled = nn.Sequential(self.network.features, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return np.asarray(network_outputs(pooled.eval(), images).numpy())


def train_classifier(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    *,
    n_classes: int,
    seed: int,
    steps: int = 600,
    batch: int = 96,
    small: bool = False,
    device: str | torch.device | None = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> Classifier:
    """Train the classifier on images and labels, by a fixed recipe without a validation set.

    AdamW as in `fit`. Every batch draws the classes evenly, whatever their shares. Augmentation by shifts (1/16 of the
    side), brightness and contrast (20 %), never by mirroring, since a heart on the right is a finding. The same seed
    gives the same classifier on the same machine with the same number of threads.

    Args:
        images: (N, H, W) uint8, 0..255, square.
        labels: (N,) integers in 0..n_classes-1; every class must occur.
        n_classes: Number of classes C, at least 2.
        seed: Seed of weights, batches and augmentation.
        steps: Number of batches.
        batch: Images per batch.
        small: Whether the network is the small one of `ClassifierNetwork`.
        device: Where it is trained, as `semiray.devices.choose_device` takes it.
        progress: Called with (steps done, steps).

    Raises:
        SemirayError: If shapes or labels don't fit, or a class has no image.

    Examples:
        >>> images = np.zeros((8, 16, 16), np.uint8); images[4:] = 255
        >>> judge = train_classifier(images, np.repeat([0, 1], 4), n_classes=2, seed=0, steps=5, batch=8)
        >>> judge.predict_probabilities(images).shape
        (8, 2)
    """
    check_images(images)
    labels = np.asarray(labels, np.int64)
    if n_classes < 2:
        raise SemirayError(f"A classifier needs at least two classes; got {n_classes}.")
    if labels.shape != (len(images),):
        raise SemirayError(f"{len(images)} images, but labels of shape {labels.shape}: one label per image is needed.")
    if len(labels) and (labels.min() < 0 or labels.max() >= n_classes):
        raise SemirayError(f"Labels must lie in 0..{n_classes - 1}; found {labels.min()}..{labels.max()}.")
    counts = np.bincount(labels, minlength=n_classes)
    if (counts == 0).any():
        raise SemirayError(f"Class {int(np.flatnonzero(counts == 0)[0])} has no image to train the classifier on.")
    resolution, place = int(images.shape[1]), choose_device(device)
    with network_seed(seed):
        network = ClassifierNetwork(n_classes, resolution, small=small).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.to(place)
    generator = torch.Generator().manual_seed(seed + 1)
    pixels, targets = torch.from_numpy(np.array(images)), torch.from_numpy(labels)
    weights = torch.from_numpy(1.0 / counts)[targets].double()

    def loss() -> Tensor:
        chosen = torch.multinomial(weights, batch, replacement=True, generator=generator)
        inputs = vary(to_input(pixels[chosen], place), generator)
        with fast_autocast(place):
            logits = network(inputs)
        return F.cross_entropy(logits.float(), targets[chosen].to(place))

    fit(network, loss, steps=steps, progress=progress)
    return Classifier(network, n_classes, resolution, len(images), seed)


def fit(
    network: nn.Module,
    loss: Callable[[], Tensor],
    *,
    steps: int,
    learning_rate: float = LEARNING_RATE,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Train a network in place: AdamW (weight decay 0.01), one cycle of the learning rate over ``steps`` batches.

    ``loss`` gives the loss of a fresh batch; ``learning_rate`` is the greatest. The network is left in evaluation mode.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=WEIGHT_DECAY)
    network.train()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = learning_rate * _one_cycle((step + 0.5) / steps)
        error = loss()
        optimizer.zero_grad(set_to_none=True)
        error.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if progress is not None:
            progress(step + 1, steps)
    network.eval()


def network_outputs(network: nn.Module, images: NDArray[np.uint8], *, batch: int = PREDICTION_BATCH) -> Tensor:
    """Outputs (N, C) float32, on the CPU, of a network in evaluation mode for images (N, H, W) uint8.

    They do not depend on how images are batched.
    """
    device = next(network.parameters()).device
    with torch.inference_mode():
        starts = range(0, max(len(images), 1), batch)
        parts = (torch.from_numpy(np.array(images[start : start + batch])) for start in starts)
        return torch.cat([network(to_input(part, device)).cpu() for part in parts])


def _one_cycle(t: float) -> float:
    """The learning rate at time t in [0, 1], relative to its peak: cosine up over the first fifth, then down to 0."""
    return 0.5 - 0.5 * math.cos(math.pi * (t / WARM_UP if t < WARM_UP else (1 - t) / (1 - WARM_UP)))


def vary(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shifts (edges repeated), brightness and contrast, a fresh draw for every image; shape and range kept."""
    count, _, height, width = images.shape
    device = images.device
    reach_y, reach_x = round(height * MAX_SHIFT), round(width * MAX_SHIFT)
    shift_y = torch.randint(-reach_y, reach_y + 1, (count, 1), generator=generator)
    shift_x = torch.randint(-reach_x, reach_x + 1, (count, 1), generator=generator)
    rows = (torch.arange(height) + shift_y).clamp_(0, height - 1).to(device)
    columns = (torch.arange(width) + shift_x).clamp_(0, width - 1).to(device)
    each = torch.arange(count, device=device)
    shifted = images[each[:, None, None], 0, rows[:, :, None], columns[:, None, :]]
    contrast = 1.0 + MAX_CONTRAST * (2.0 * torch.rand(count, 1, 1, generator=generator) - 1.0)
    brightness = MAX_BRIGHTNESS * (2.0 * torch.rand(count, 1, 1, generator=generator) - 1.0)
    changed = (shifted * contrast.to(device) + brightness.to(device)).clamp_(-1.0, 1.0)
    return changed.unsqueeze(1).contiguous(memory_format=torch.channels_last)


def check_images(images: NDArray[np.uint8]) -> None:
    """Raise an error unless images are square, (N, H, H), and uint8."""
    if images.ndim != 3 or images.dtype != np.uint8 or images.shape[1] != images.shape[2]:
        raise SemirayError(f"Expected square uint8 images (N, H, H); got {images.dtype} of shape {images.shape}.")
