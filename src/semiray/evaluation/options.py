"""How an evaluation is made: one typed set of options, their defaults and what they mean."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import torch
from pydantic import Field, ValidationError
from pydantic.dataclasses import dataclass

from semiray.errors import SemirayError
from semiray.escaping import shortened
from semiray.evaluation.judges.architectures import Architecture
from semiray.evaluation.judges.feature_spaces import FeatureSpace
from semiray.evaluation.results import Result

__all__ = ["QUICK_BENEFIT", "BenefitSettings", "EvaluationOptions", "UtilitySettings"]


_MOST = {"seeds": 1_000, "batch": 65_536, "most_synthetic": 10_000_000, "n_synthetic": 10_000_000}
_MOST_OTHERS = 1_000_000


def _check_range(settings: Result, **least: int) -> None:
    for name, low in least.items():
        value, high = getattr(settings, name), _MOST.get(name, _MOST_OTHERS)
        if not low <= value <= high:
            raise SemirayError(f"{name} = {shortened(value)}: must be at least {low}, and at most {high:,}.")


@dataclass(frozen=True)
class UtilitySettings(Result):
    """How the classifier of utility is trained: fixed beforehand, and the same for synthetic and real images.

    Attributes:
        seeds: Trainings on synthetic and on real images each, with seeds 0, 1, ...
        steps: Batches per training.
        batch: Images per batch.
        n_synthetic: Synthetic images to train on, classes in equal shares.
        resamples: Draws of the bootstrap.

    Raises:
        SemirayError: A value is below 1.
    """

    seeds: int = 3
    steps: int = 600
    batch: int = 96
    n_synthetic: int = 6000
    resamples: int = 1000

    def __post_init__(self) -> None:
        _check_range(self, seeds=1, steps=1, batch=1, n_synthetic=1, resamples=1)


@dataclass(frozen=True)
class BenefitSettings(Result):
    """How the benefit is measured: fixed beforehand, and the same for all arms.

    Attributes:
        seeds: Trainings per arm.
        steps: Ceiling of a training, in batches.
        patience: Batches without a smaller validation loss after which a training ends.
        batch: Images per batch.
        share: Share of synthetic (or pseudo-labelled) images in the batches of the arms that mix.
        most_synthetic: Synthetic images, and images without a label, at most.
        mirror: Whether classical augmentation mirrors images: not for chests.
        resamples: Draws of the bootstrap.
        architecture: The classifier.

    Raises:
        SemirayError: A setting is out of its range.
    """

    seeds: int = 5
    steps: int = 2000
    patience: int = 500
    batch: int = 64
    share: float = 0.5
    most_synthetic: int = 30_000
    mirror: bool = False
    resamples: int = 1000
    architecture: Architecture = Field(default_factory=Architecture)

    def __post_init__(self) -> None:
        _check_range(self, seeds=1, steps=1, patience=1, batch=2, most_synthetic=1, resamples=2)
        if not 0 < self.share < 1:
            raise SemirayError(f"share = {self.share}: must lie between 0 and 1.")


QUICK_BENEFIT = BenefitSettings(seeds=2, steps=600, patience=150, most_synthetic=6000, resamples=300)
"""A first look at the benefit, with wider error."""


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions(UtilitySettings):
    """How an evaluation is made; the same for a run and for a folder of images, besides those of `UtilitySettings`.

    Attributes:
        probe_steps: Batches of 96 images that the fresh probe is trained for.
        commitment_images: Generated images whose codes are estimated, by the sorter and by the probe.
        effect_patients: Generated patients whose images the visible effect and its content are measured on.
        permutations: Behind the p-value of the energy distance.
        benefit: How to measure what synthetic images add to classical augmentation; True: as `BenefitSettings`, or
            `QUICK_BENEFIT` if ``quick``; False or None leaves it out.
        quick: A first look, with wider error: at most 1 seed, 200 steps, 1,800 images, and a quarter of the rest.
        space: Where fidelity and authenticity are measured, from `feature_space`; None: the classifier that was trained
            on real images.
        device: Where classifiers and the probe are trained, as `semiray.devices.choose_device` takes it. A run's
            networks compute where the run was loaded.
    """

    probe_steps: int = 600
    commitment_images: int = 2000
    effect_patients: int = 64
    permutations: int = 999
    benefit: BenefitSettings | bool | None = True
    quick: bool = False
    space: FeatureSpace | None = None
    device: str | torch.device | None = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range(self, probe_steps=1, commitment_images=1, effect_patients=1, permutations=1)

    @property
    def utility(self) -> UtilitySettings:
        """How the classifier of utility is trained."""
        return UtilitySettings(**{field.name: getattr(self, field.name) for field in fields(UtilitySettings)})

    def changed(self, **changes: Any) -> EvaluationOptions:
        """A copy with other values.

        Raises:
            SemirayError: There is no such option, or it takes no such value.
        """
        try:
            return replace(self, **changes)
        except ValidationError as error:
            first = error.errors()[0]
            message = first["msg"][:1].lower() + first["msg"][1:]
            raise SemirayError(f"option {'.'.join(map(str, first['loc']))}: {message}.") from error

    def resolved(self) -> EvaluationOptions:
        """The options as they are used: reduced if ``quick``, with the benefit's settings or None."""
        benefit = (QUICK_BENEFIT if self.quick else BenefitSettings()) if self.benefit is True else self.benefit
        chosen = replace(self, benefit=benefit or None, quick=False)
        if not self.quick:
            return chosen
        return replace(
            chosen,
            seeds=1,
            steps=min(self.steps, 200),
            n_synthetic=min(self.n_synthetic, 1800),
            resamples=min(self.resamples, 300),
            probe_steps=min(self.probe_steps, 200),
            commitment_images=max(1, self.commitment_images // 4),
            effect_patients=max(1, self.effect_patients // 4),
            permutations=max(1, self.permutations // 4),
        )
