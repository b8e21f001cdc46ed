"""The trainings behind the benefit: what each learns from, and their predictions, kept on disk."""

from __future__ import annotations

import json
import threading
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

from semiray.devices import choose_device
from semiray.evaluation.judges import alterations, architectures
from semiray.evaluation.judges.alterations import classical_augmentation
from semiray.evaluation.judges.store import digest, keep
from semiray.evaluation.options import BenefitSettings
from semiray.evaluation.progress import Progress
from semiray.evaluation.statistics.intervals import patient_classes
from semiray.networks import classifier
from semiray.networks.classifier import fast_autocast, fit, network_outputs, network_seed
from semiray.networks.intensities import to_input

__all__ = ["Labelled", "Laboratory", "Training", "first_of_each_class", "nested_patients"]

FINE_TUNING = 1 / 3  # of the learning rate of a fresh network


@dataclass(frozen=True)
class Labelled:
    """Images (N, H, W) uint8 and their labels (N,) in 0..C-1."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Labelled:
        """The images of some rows, in order, each at most once."""
        if len(rows) == len(self.labels):  # all of them: no copy, it may be gigabytes
            return self
        return Labelled(np.asarray(self.images[rows]), self.labels[rows])


@dataclass(frozen=True)
class Training:
    """One training of a classifier.

    Attributes:
        seed: Of weights, batches and augmentation, and of the choice of real patients.
        steps: Number of batches.
        fraction: Share of the real patients; 0 for none.
        share: Share of synthetic images in every batch.
        synthetic: Synthetic images to draw from: the first of each class of the pool.
        augmented: Whether classical augmentation is used.
        pretrained: Whether the network starts from the weights learned from all synthetic images.
    """

    seed: int
    steps: int
    fraction: float
    share: float
    synthetic: int = 0
    augmented: bool = False
    pretrained: bool = False


class Laboratory:
    """Trains classifiers on real and synthetic images, each on one thread, and keeps their predictions.

    One thread per training: two small networks in parallel use two cores better than one network does, and the result
    of a training doesn't depend on the number of cores (except for networks with dropout, which share PyTorch's random
    state).

    Args:
        real: Real training images.
        patients: (N,) their patients' ids.
        pool: Synthetic images.
        test: (T, H, W) uint8, the images to predict.
        settings: The classifier, its batches, and whether classical augmentation mirrors.
        store: Folder that keeps predictions, so that an interrupted evaluation continues; None keeps nothing.
        device: Where networks are trained.
    """

    def __init__(
        self,
        real: Labelled,
        patients: NDArray[np.str_],
        pool: Labelled,
        test: NDArray[np.uint8],
        *,
        n_classes: int,
        settings: BenefitSettings,
        store: Path | None,
        device: str | torch.device | None = "auto",
    ) -> None:
        self.real, self.patients, self.pool, self.test = real, patients, pool, test
        self.n_classes, self.settings, self.store = n_classes, settings, store
        self.device = choose_device(device)
        self.identity = "" if store is None else self._identity()
        self.starts: dict[int, dict[str, Tensor]] = {}
        self.locks: dict[int, threading.Lock] = {}
        self.stopped = threading.Event()
        self.seeding = threading.Lock()  # all threads share torch.manual_seed

    def predict(
        self, trainings: Sequence[Training], *, progress: Progress | None = None
    ) -> Mapping[Training, NDArray[np.float32]]:
        """Train in parallel; for every training the probabilities (T, C) of the test images.

        Progress is called with (trainings done, trainings).
        """
        before = torch.get_num_threads()
        self.locks |= {training.seed: threading.Lock() for training in trainings}
        found: dict[Training, NDArray[np.float32]] = {}
        pool = ThreadPoolExecutor(max_workers=before, initializer=torch.set_num_threads, initargs=(1,))
        self.stopped.clear()
        try:
            pending = {pool.submit(self._kept, training): training for training in dict.fromkeys(trainings)}
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

    def rows(self, fraction: float, seed: int) -> NDArray[np.int64]:
        """The rows of the real images that the trainings of a seed use at a fraction of the patients."""
        return nested_patients(self.patients, self.real.labels, fraction, seed)

    def _kept(self, training: Training) -> NDArray[np.float32]:
        """The predictions of one training, from the store if it has them."""
        if self.store is None:
            return np.asarray(self._probabilities(training).numpy())
        key = digest(self.identity, json.dumps(asdict(training)))
        made = keep(self.store, key, lambda: {"probabilities": self._probabilities(training)})
        return np.asarray(made["probabilities"].numpy())

    def _probabilities(self, training: Training) -> Tensor:
        """Of the test images by the trained network; the one that others start from is trained once."""
        if training == self._everything(training.seed):
            network = self._network(training.seed)
            network.load_state_dict(self._start(training.seed))
            network.eval()
        else:
            network = self._fit(training)
        return F.softmax(network_outputs(network, self.test), dim=1)

    def _fit(self, training: Training) -> nn.Module:
        network = self._network(training.seed)
        rate = self.settings.architecture.learning_rate
        if training.pretrained:
            network.load_state_dict(self._start(training.seed))
            rate *= FINE_TUNING
        sources = []
        if training.share < 1:
            sources.append(self.real.take(self.rows(training.fraction, training.seed)))
        if training.share > 0:
            sources.append(self.pool.take(first_of_each_class(self.pool.labels, training.synthetic)))
        counts = [batch := self.settings.batch]
        if len(sources) == 2:
            synthetic = min(max(round(training.share * batch), 1), batch - 1)
            counts = [batch - synthetic, synthetic]
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

        fit(network, loss, steps=training.steps, learning_rate=rate)
        return network

    def _everything(self, seed: int) -> Training:
        return Training(seed, self.settings.steps, 0.0, 1.0, len(self.pool.labels), augmented=True)

    def _start(self, seed: int) -> dict[str, Tensor]:
        """The weights learned from all synthetic images with one seed; trained when first needed."""
        with self.locks[seed]:
            if seed not in self.starts:
                self.starts[seed] = self._fit(self._everything(seed)).state_dict()
        return self.starts[seed]

    def _network(self, seed: int) -> nn.Module:
        with self.seeding, network_seed(seed):
            network = self.settings.architecture.build(self.n_classes, self.test.shape[1])
        return network.to(self.device)

    def _identity(self) -> str:
        """Hex digest of what all predictions depend on: images, recipe, code, torch, device."""
        arrays = (self.real.images, self.real.labels, self.pool.images, self.pool.labels, self.test)
        s, weights = self.settings, self.settings.architecture.weights
        settings = [s.architecture.name, s.steps, s.batch, s.mirror, torch.__version__, self.device.type]
        library, colon, _ = s.architecture.name.partition(":")
        settings += [version(library)] if colon else []
        code = [
            Path(module) for module in (architectures.__file__, alterations.__file__, classifier.__file__, __file__)
        ]
        texts = ("\0".join(self.patients.tolist()), json.dumps(settings))
        return digest(*arrays, *texts, *([] if weights is None else [weights]), *code)


def nested_patients(
    patients: NDArray[np.str_], labels: NDArray[np.int64], fraction: float, seed: int
) -> NDArray[np.int64]:
    """Rows of a share of the patients, classes in proportion; of one seed, a smaller share is part of a larger one.

    Args:
        patients: (N,) ids.
        labels: (N,) classes; a patient counts for the class of most of its images.
        fraction: Share of the patients of each class, in 0..1; at least one patient of each, unless 0.
        seed: Of the order of patients.
    """
    if fraction <= 0:
        return np.zeros(0, np.int64)
    patient, counts, stratum = patient_classes(patients, labels)
    order = np.random.default_rng(seed).permutation(len(counts))
    chosen = np.zeros(len(counts), bool)
    for value in np.unique(stratum):
        members = order[stratum[order] == value]
        chosen[members[: max(1, round(fraction * len(members)))]] = True
    for value in np.setdiff1d(labels, stratum):  # a class that is no patient's most common one
        chosen[order[counts[order, value] > 0][0]] = True
    return np.flatnonzero(chosen[patient])


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
