"""Two cheap figures of a generator, measured on validation patients while it is trained.

TSTR and TRTR of a tiny classifier, where there are classes; and a Fréchet distance between whitened channel means of
all layers of a fixed network: the tiny classifier trained on real training images, or a random network where there are
no classes. Features of random networks tell generators apart without any training or download (Naeem et al. 2020, arXiv
2002.09797). The floor is the distance of real training images: what a generator that repeats the training patients
would reach.

Every measurement draws the same labels, codes and noise, so that two of them differ by the generator and by little
else. torch's random state is left as it was.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from semiray.networks import Generator
from semiray.networks.intensities import to_grey, to_input
from semiray.priors import JointPrior

__all__ = ["LARGEST", "LEAST", "Figures", "LabelledImages", "Watch", "frechet_distance"]

LARGEST = 1000  # images of each kind: generated, training, validation
LEAST = 20  # validation images; with fewer no figure means anything
STEPS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 100, 64, 3e-3, 1e-2
WIDTHS = (16, 32, 64)
AXES = 32  # principal components of the features
SHIFT = 1 / 16  # of the side; brightness and contrast by a fifth, as in the classifier of `evaluate`
JITTER = 0.2
SMALLEST = 0.01  # of the mean standard deviation: a channel that real images leave dark isn't blown up
CHUNK = 250
SEED = 17


class LabelledImages(NamedTuple):
    """Images (N, H, W) uint8 and labels (N,) int64, all 0 without classes; on the CPU."""

    images: Tensor
    labels: Tensor


class Figures(NamedTuple):
    """Fréchet distance to the validation images, and TSTR as balanced accuracy; None without classes."""

    distance: float
    tstr: float | None


class TinyNetwork(nn.Module):
    """Three convolutions with batch norm and ReLU: to 16 x 16 in one stride, 16 x 16, halved to 8 x 8; then linear."""

    def __init__(self, classes: int, side: int) -> None:
        super().__init__()
        stride = max(1, side // 16)
        size = max(5, stride)
        shapes = ((1, WIDTHS[0], size, stride, 2), (*WIDTHS[:2], 3, 1, 1), (*WIDTHS[1:], 3, 2, 1))
        self.convolutions = nn.ModuleList(
            nn.Sequential(nn.Conv2d(*shape, bias=False), nn.BatchNorm2d(shape[1]), nn.ReLU(inplace=True))
            for shape in shapes
        )
        self.head = nn.Linear(WIDTHS[-1], max(1, classes))

    def means(self, x: Tensor) -> list[Tensor]:
        """Channel means (B, C) of each layer for images (B, 1, H, W) in [-1, 1]."""
        found = []
        for convolution in self.convolutions:
            x = convolution(x)
            found.append(x.mean(dim=(2, 3)))
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes)."""
        logits: Tensor = self.head(self.means(x)[-1])
        return logits


class Watch:
    """What generators are measured against: real images, and a network trained on those of training patients.

    Args:
        prior: draws the codes.
        classes: number of classes, 0 without labels.
        training: at most `LARGEST` images; as many are generated, of the same classes.
        validation: at most `LARGEST` images, at least `LEAST`.
        device: where it computes.

    Attributes:
        floor: the Fréchet distance of the training images to the validation images.
        trtr: balanced accuracy, on validation images, of the tiny classifier trained on training images; None without
            classes.
    """

    def __init__(
        self,
        prior: JointPrior,
        classes: int,
        training: LabelledImages,
        validation: LabelledImages,
        device: torch.device,
    ) -> None:
        self.prior, self.classes, self.device = prior, classes, device
        self.labels, self.validation = training.labels, validation
        if classes:
            self.network = self._fit(training)
            self.trtr: float | None = self._balanced_accuracy(self.network)
        else:
            self.network, self.trtr = self._random(training.images), None
        features = self._features(training.images)
        self.centre, spread = features.mean(axis=0), features.std(axis=0)
        scaled = 1 / np.maximum(spread, SMALLEST * spread.mean() + 1e-12)
        # Whitened: all channel means follow brightness, whose mean over 1,000 images would decide by chance otherwise.
        variances, axes = np.linalg.eigh(np.cov((features - self.centre) * scaled, rowvar=False))
        few = min(AXES, max(1, len(features) // 4))
        self.axes = scaled[:, None] * axes[:, -few:] / np.sqrt(variances[-few:] + SMALLEST**2)
        self.real = self._joint(self._features(validation.images), validation.labels)
        self.floor = frechet_distance(self._joint(features, training.labels), self.real)

    def measure(self, generator: Generator) -> Figures:
        """Measure a generator in evaluation mode on the watch's device."""
        used = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=used):  # for generators that draw noise of their own
            torch.default_generator.manual_seed(SEED)
            images = self._generate(generator)
        distance = frechet_distance(self._joint(self._features(images), self.labels), self.real)
        if not self.classes:
            return Figures(distance, None)
        return Figures(distance, self._balanced_accuracy(self._fit(LabelledImages(images, self.labels))))

    @torch.no_grad()
    def _generate(self, generator: Generator) -> Tensor:
        draws = torch.Generator().manual_seed(SEED)
        codes = self.prior.standardise(self.prior.sample(len(self.labels), draws)).float()
        z = torch.randn(len(codes), generator.shape.noise, generator=draws)
        parts = zip(*(torch.split(one, CHUNK) for one in (z, codes, self.labels)), strict=True)
        return torch.cat(
            [to_grey(generator(*(part.to(self.device) for part in three)).float()).cpu() for three in parts]
        )

    def _fresh(self, side: int) -> TinyNetwork:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(SEED)
            network = TinyNetwork(self.classes, side)
        return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _fit(self, data: LabelledImages) -> TinyNetwork:
        """The classifier after `STEPS` batches that draw the classes evenly: AdamW, one cycle of the step size."""
        network, draws = self._fresh(data.images.shape[-1]), torch.Generator().manual_seed(SEED)
        weights = 1.0 / torch.bincount(data.labels, minlength=self.classes)[data.labels].double()
        optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=STEPS)
        for _ in range(STEPS):
            chosen = torch.multinomial(weights, BATCH, replacement=True, generator=draws)
            logits = network(_jitter(to_input(data.images[chosen]), draws).to(self.device))
            optimiser.zero_grad(set_to_none=True)
            functional.cross_entropy(logits, data.labels[chosen].to(self.device)).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            cycle.step()
        return network.eval()

    @torch.no_grad()
    def _random(self, images: Tensor) -> TinyNetwork:
        """A network as it was drawn, whose batch norm has the statistics of real images."""
        network = self._fresh(images.shape[-1])
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # the mean over all batches
        for chunk in torch.split(images, CHUNK):
            network(to_input(chunk, self.device))
        return network.eval()

    @torch.no_grad()
    def _features(self, images: Tensor) -> NDArray[np.float64]:
        parts = [
            torch.cat(self.network.means(to_input(chunk, self.device)), dim=1) for chunk in torch.split(images, CHUNK)
        ]
        return np.asarray(torch.cat(parts).cpu().double().numpy())

    def _joint(self, features: NDArray[np.float64], labels: Tensor) -> NDArray[np.float64]:
        """Whitened features beside the labels, so that images of a wrong class cost (DeVries et al. 2019)."""
        known = np.eye(max(1, self.classes))[labels.numpy()]
        return np.concatenate([(features - self.centre) @ self.axes, known], axis=1)

    @torch.no_grad()
    def _balanced_accuracy(self, network: TinyNetwork) -> float:
        chunks = torch.split(self.validation.images, CHUNK)
        right = torch.cat([network(to_input(chunk, self.device)).argmax(dim=1).cpu() for chunk in chunks])
        right = (right == self.validation.labels).double()
        of_classes = [right[self.validation.labels == label] for label in range(self.classes)]
        return float(torch.stack([one.mean() for one in of_classes if len(one)]).mean())


def frechet_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Fréchet distance of two normal distributions fitted to points (N, D) and (M, D) (Heusel et al. 2017).

    Examples:
        >>> corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> round(frechet_distance(corners, corners + 2.0), 6)
        8.0
    """
    apart = a.mean(axis=0) - b.mean(axis=0)
    of_a, of_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    shared = np.sqrt(np.linalg.eigvals(of_a @ of_b).real.clip(min=0)).sum()
    return float(apart @ apart + np.trace(of_a) + np.trace(of_b) - 2 * shared)


def _jitter(images: Tensor, draws: torch.Generator) -> Tensor:
    """One shift of the whole batch, edges repeated, and each image's own brightness and contrast."""
    reach = max(1, round(images.shape[-1] * SHIFT))
    down, right = torch.randint(0, 2 * reach + 1, (2,), generator=draws).tolist()
    height, width = images.shape[-2:]
    wide = functional.pad(images, [reach] * 4, mode="replicate")[..., down : down + height, right : right + width]
    contrast, brightness = JITTER * (2 * torch.rand(2, len(images), 1, 1, 1, generator=draws) - 1)
    changed: Tensor = wide * (1 + contrast) + brightness
    return changed.clamp(-1, 1)
