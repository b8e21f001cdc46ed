"""What judgements are made from: the run, the images, the options; and what several of them need, computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semiray.devices import choose_device
from semiray.evaluation.judges.feature_spaces import FeatureSpace
from semiray.evaluation.judges.store import train_classifiers
from semiray.evaluation.options import BenefitSettings, EvaluationOptions
from semiray.evaluation.parts import in_order, labelled_parts
from semiray.evaluation.progress import Progress, Stages
from semiray.generation import Synthetic, encode_scores, generate
from semiray.networks.classifier import Classifier
from semiray.radiographs import ImageArray, RadiographSet, Split
from semiray.training import Run

__all__ = ["FRESH_SEED", "GENERATED_PER_STEP", "POOL_SEED", "TRAINING_SEED", "Context"]

# Seeds of the images that are generated here, away from the small numbers that people use.
TRAINING_SEED, FRESH_SEED, POOL_SEED = 730_001, 730_002, 730_003
GENERATED_PER_STEP = 10  # generated images that take as long as one training step


class Context:
    """What a judgement may read. Attributes that take long are computed when they are first read, and kept.

    Args:
        options: How; resolved.
        real: All real images.
        split: Their split: images of its test patients test, those of its training patients train.
        run: The run that is evaluated; None for a folder of synthetic images.
        folder: The synthetic images; None for a run, which generates them.
        own: Whether the generator was trained on the training images of ``split``; None where that isn't known.
        held_out: Rows of the images that the generator hasn't seen; None: the test images of ``split``.
        store: Folder that keeps trained classifiers and predictions; None keeps nothing.

    Attributes:
        classes: Names of the classes of synthetic images, in the order of their labels; empty where there are none.
        train: Labelled real training images, in the order of ``classes``.
        test: Labelled real test images, likewise.
        unseen: Rows of the images that the generator hasn't seen.
        obstacle: Why no classifier can be trained and tested on them; empty where it can.
        notes: What a reader must know to trust the figures.
        device: Where classifiers and the probe are trained.
    """

    def __init__(
        self,
        options: EvaluationOptions,
        real: RadiographSet[ImageArray],
        split: Split,
        *,
        run: Run | None = None,
        folder: RadiographSet[ImageArray] | None = None,
        own: bool | None = None,
        held_out: NDArray[np.int64] | None = None,
        store: Path | None = None,
    ) -> None:
        self.options, self.real, self.split, self.run, self.own, self.store = options, real, split, run, own, store
        self.unseen = split.test if held_out is None else held_out
        source = folder if run is None else run
        assert source is not None
        self.classes = source.classes
        self.train, self.test, self.obstacle, self.notes = labelled_parts(self.classes, real, split)
        self.device = choose_device(options.device)
        self.folder = folder
        self.stages = Stages(None, {})

    def start(
        self, progress: Progress | None, costs: Mapping[str, int], on_stage: Callable[[str], None] | None = None
    ) -> None:
        """Begin to report progress over judgements of these costs, and over what they share; stages by their names."""
        o = self.options
        shared = {
            "synthetic": 0 if self.run is None else o.n_synthetic // GENERATED_PER_STEP,
            "fresh": 0 if self.run is None else o.commitment_images // GENERATED_PER_STEP,
            "real classifiers": 0 if self.obstacle else o.seeds * o.steps,
        }
        self.stages = Stages(progress, shared | dict(costs), on_stage)

    @cached_property
    def synthetic(self) -> Synthetic | RadiographSet:
        """The synthetic images to train on, of all classes; those of a folder that have no label are left out."""
        if self.run is not None:
            return generate(self.run, self.options.n_synthetic, seed=TRAINING_SEED, progress=self.stages["synthetic"])
        assert self.folder is not None
        return self.folder.take(np.flatnonzero(self.folder.labels >= 0))

    @cached_property
    def fresh(self) -> Synthetic:
        """Images that the run generated from other seeds, for testing."""
        assert self.run is not None
        return generate(self.run, self.options.commitment_images, seed=FRESH_SEED, progress=self.stages["fresh"])

    @cached_property
    def held_out(self) -> RadiographSet:
        """All real images that the generator hasn't seen, labelled or not, in the order of their own classes."""
        return self.real.take(self.unseen)

    @cached_property
    def reference(self) -> RadiographSet:
        """Labelled images that neither the generator nor the feature space was trained on, in the order of ``test``."""
        if self.options.space is None or self.unseen is self.split.test:
            return self.test
        return self.held_out if self.obstacle else in_order(self.classes, self.held_out)

    @cached_property
    def validation(self) -> RadiographSet | None:
        """Labelled images of the split's validation patients, in the order of ``classes``; None where a class lacks."""
        rows = self.split.validation
        if self.obstacle or not np.isin(np.arange(len(self.classes)), self.real.labels[rows]).all():
            return None
        return in_order(self.classes, self.real.take(rows))

    @cached_property
    def unlabelled(self) -> NDArray[np.int64]:
        """Rows of training images without a label; at random as many as the benefit uses, where there are more."""
        rows = self.split.train[self.real.labels[self.split.train] < 0]
        benefit = self.options.benefit
        most = benefit.most_synthetic if isinstance(benefit, BenefitSettings) else len(rows)
        return np.sort(np.random.default_rng(0).permutation(rows)[:most])

    @cached_property
    def scores(self) -> NDArray[np.float32]:
        """(N, M) the sorter's scores of the held-out images."""
        assert self.run is not None
        return encode_scores(self.run, self.held_out.images)

    @cached_property
    def real_classifiers(self) -> list[Classifier]:
        """The utility classifiers trained on real images, one per seed: the ceiling."""
        return train_classifiers(
            self.train.images,
            self.train.labels,
            len(self.classes),
            self.options.utility,
            store=self.store,
            device=self.device,
            progress=self.stages["real classifiers"],
        )

    @cached_property
    def space(self) -> FeatureSpace | None:
        """The feature space that was named, else that of the first classifier trained on real images, if any."""
        if self.options.space is not None or self.obstacle:
            return self.options.space
        return FeatureSpace("trtr", self.real_classifiers[0].features)
