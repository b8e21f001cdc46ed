"""The trainings behind the benefit: what each learns from, and their predictions, kept on disk."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from semiray.devices import bf16_is_fast, choose_device, fast_autocast
from semiray.evaluation.judges import alterations, architectures, early_stopping
from semiray.evaluation.judges.alterations import classical_augmentation
from semiray.evaluation.judges.early_stopping import Stopped, fit_until_best
from semiray.evaluation.judges.store import digest, keep
from semiray.evaluation.options import BenefitSettings
from semiray.evaluation.progress import Progress
from semiray.networks import classifier
from semiray.networks.classifier import network_outputs, network_seed
from semiray.networks.intensities import to_input

__all__ = ["Labelled", "Laboratory", "Outcome", "Training", "first_of_each_class"]

FINE_TUNING = 1 / 3  # of the learning rate of a fresh network
MOST_VALIDATION = 2000  # images


@dataclass(frozen=True)
class Labelled:
    """Images (N, H, W) uint8 and their labels (N,) in 0..C-1."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Training:
    """One training of a classifier.

    Attributes:
        seed: Of weights, batches and augmentation.
        share: Share of every batch that is not from the labelled real images: 0 none, 1 all.
        augmented: Whether classical augmentation is used.
        start: The training with whose weights this one starts, a third of the step size; None: fresh weights.
        teacher: The training whose predictions label the images without a label; they take the share that is synthetic
            where this is None.
        doubled: Whether it goes on to twice the ceiling, whatever its validation says.
    """

    seed: int
    share: float = 0.0
    augmented: bool = True
    start: Training | None = None
    teacher: Training | None = None
    doubled: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a training gave: probabilities (T, C) of the test images, and how long it took, without its start."""

    probabilities: NDArray[np.float32]
    stopped: Stopped


class Laboratory:
    """Trains classifiers on real and synthetic images, each on one thread, and keeps their predictions.

    One thread per training: two small networks in parallel use two cores better than one network does, and the result
    of a training doesn't depend on the number of cores (except for networks with dropout, which share PyTorch's random
    state).

    Args:
        real: Labelled real training images.
        validation: Labelled real images of other patients; every training ends where these stop improving.
        pool: Synthetic images.
        unlabelled: (U, H, W) uint8, real training images without a label.
        test: (T, H, W) uint8, the images to predict.
        settings: The classifier, its batches, and whether classical augmentation mirrors.
        store: Folder that keeps predictions, so that an interrupted evaluation continues; None keeps nothing.
        device: Where networks are trained.
    """

    def __init__(
        self,
        real: Labelled,
        validation: Labelled,
        pool: Labelled,
        unlabelled: NDArray[np.uint8],
        test: NDArray[np.uint8],
        *,
        n_classes: int,
        settings: BenefitSettings,
        store: Path | None,
        device: str | torch.device | None = "auto",
    ) -> None:
        chosen = first_of_each_class(validation.labels, MOST_VALIDATION)
        self.validation = Labelled(validation.images[chosen], validation.labels[chosen])
        self.real, self.pool, self.unlabelled, self.test = real, pool, unlabelled, test
        self.n_classes, self.settings, self.store = n_classes, settings, store
        self.device = choose_device(device)
        bf16_is_fast(self.device)  # timed once, before trainings run side by side
        self.identity = "" if store is None else self._identity()
        self.needed: set[Training] = set()  # by others, which build on them
        self.kept: dict[Training, tuple[dict[str, Tensor], Stopped]] = {}  # of those that are needed
        self.locks: defaultdict[Training, threading.Lock] = defaultdict(threading.Lock)
        self.stopped = threading.Event()
        self.seeding = threading.Lock()  # all threads share torch.manual_seed

    def predict(self, trainings: Sequence[Training], *, progress: Progress | None = None) -> Mapping[Training, Outcome]:
        """Train in parallel, those that others build on first.

        Progress is called with (trainings done, trainings).
        """
        before = torch.get_num_threads()
        self.needed = {one for training in trainings for one in (training.start, training.teacher) if one is not None}
        ordered = sorted(dict.fromkeys(trainings), key=lambda one: (one not in self.needed, one.start is not None))
        found: dict[Training, Outcome] = {}
        pool = ThreadPoolExecutor(max_workers=before, initializer=torch.set_num_threads, initargs=(1,))
        self.stopped.clear()
        try:
            pending = {pool.submit(self._outcome, training): training for training in ordered}
            for future in as_completed(pending):
                found[pending[future]] = future.result()
                if progress is not None:
                    progress(len(found), len(pending))
        except BaseException:  # also Ctrl-C: running trainings end at their next step
            self.stopped.set()
            raise
        finally:
            torch.set_num_threads(before)
            pool.shutdown(wait=True, cancel_futures=True)
            torch.set_num_threads(before)  # a thread that started late has set it again
        return found

    def _outcome(self, training: Training) -> Outcome:
        """What one training gave, from the store if it has that."""

        def make() -> dict[str, Tensor]:
            network, stopped = self._trained(training)
            probabilities = F.softmax(network_outputs(network, self.test), dim=1)
            return {"probabilities": probabilities, "steps": torch.tensor([stopped.steps, stopped.best])}

        key = digest(self.identity, json.dumps(asdict(training)))
        made = make() if self.store is None else keep(self.store, key, make)
        steps, best = made["steps"].tolist()
        return Outcome(np.asarray(made["probabilities"].numpy()), Stopped(steps, best))

    def _trained(self, training: Training) -> tuple[nn.Module, Stopped]:
        """The trained network; one that others build on is trained once, when it is first needed."""
        if training not in self.needed:
            return self._fit(training)
        with self.seeding:
            lock = self.locks[training]
        with lock:
            if training not in self.kept:
                network, stopped = self._fit(training)
                self.kept[training] = network.state_dict(), stopped
                return network, stopped
        weights, stopped = self.kept[training]
        network = self._network(training.seed)
        network.load_state_dict(weights)
        return network.eval(), stopped

    def _fit(self, training: Training) -> tuple[nn.Module, Stopped]:
        network, rate = self._network(training.seed), self.settings.architecture.learning_rate
        if training.start is not None:
            network.load_state_dict(self._trained(training.start)[0].state_dict())
            rate *= FINE_TUNING
        sources = [self.real] if training.share < 1 else []
        if training.share > 0:
            sources.append(self.pool if training.teacher is None else self._pseudo_labelled(training.teacher))
        counts = [batch := self.settings.batch]
        if len(sources) == 2:
            other = min(max(round(training.share * batch), 1), batch - 1)
            counts = [batch - other, other]
        generator = torch.Generator().manual_seed(training.seed + 1)
        batches = [_batches(source, count, generator) for source, count in zip(sources, counts, strict=True)]

        def loss() -> Tensor:
            if self.stopped.is_set():
                raise RuntimeError("another training failed, or the evaluation was interrupted")
            drawn = [next(one) for one in batches]
            inputs = to_input(torch.cat([images for images, _ in drawn]), self.device)
            if training.augmented:
                inputs = classical_augmentation(inputs, generator, mirror=self.settings.mirror)
            with fast_autocast(self.device):
                logits = network(inputs)
            return F.cross_entropy(logits.float(), torch.cat([labels for _, labels in drawn]).to(self.device))

        steps = self.settings.steps
        ceiling, patience = (2 * steps, 2 * steps) if training.doubled else (steps, self.settings.patience)
        stopped = fit_until_best(network, loss, self._validate, ceiling=ceiling, patience=patience, learning_rate=rate)
        return network, stopped

    def _validate(self, network: nn.Module) -> float:
        """Cross-entropy of the validation patients' images, classes in equal weight."""
        labels = torch.from_numpy(self.validation.labels)
        errors = F.cross_entropy(network_outputs(network, self.validation.images), labels, reduction="none").double()
        weights = 1 / torch.bincount(labels, minlength=self.n_classes)[labels].double()
        return float((weights * errors).sum() / weights.sum())

    def _pseudo_labelled(self, teacher: Training) -> Labelled:
        """The images without a label, with those that a classifier predicts (Lee 2013, Pseudo-Label)."""
        network, _ = self._trained(teacher)
        return Labelled(self.unlabelled, network_outputs(network, self.unlabelled).argmax(dim=1).numpy())

    def _network(self, seed: int) -> nn.Module:
        with self.seeding, network_seed(seed):
            network = self.settings.architecture.build(self.n_classes, self.test.shape[1])
        return network.to(self.device)

    def _identity(self) -> str:
        """Hex digest of what all predictions depend on: images, recipe, code, torch, device."""
        labelled = (self.real, self.validation, self.pool)
        arrays = [x for one in labelled for x in (one.images, one.labels)] + [self.unlabelled, self.test]
        s, weights = self.settings, self.settings.architecture.weights
        settings = [s.architecture.name, s.steps, s.patience, s.batch, s.mirror]
        settings += [torch.__version__, self.device.type, bf16_is_fast(self.device)]
        library, colon, _ = s.architecture.name.partition(":")
        settings += [version(library)] if colon else []
        modules = (architectures, alterations, classifier, early_stopping)
        code = [Path(name) for name in (*(str(module.__file__) for module in modules), __file__)]
        return digest(*arrays, json.dumps(settings), *([] if weights is None else [weights]), *code)


def first_of_each_class(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The first rows of each class, at most ``count`` in all, sorted; equally many per class as far as possible."""
    place = np.zeros(len(labels), np.int64)  # how many of its class come before it
    for value in np.unique(labels):
        members = labels == value
        place[members] = np.arange(members.sum())
    return np.sort(np.argsort(place, kind="stable")[:count])


def _batches(source: Labelled, count: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches (count, H, W) uint8 and labels, classes drawn evenly."""
    pixels, targets = (torch.from_numpy(np.require(x, requirements="W")) for x in (source.images, source.labels))
    counts = np.maximum(np.bincount(source.labels), 1)
    weights = torch.from_numpy((1.0 / counts)[source.labels])
    while True:
        chosen = torch.multinomial(weights, count, replacement=True, generator=generator)
        yield pixels[chosen], targets[chosen]
