"""A run on disk: what was assumed, what was learned, and how it went."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml

from semiray.errors import SemirayError
from semiray.networks import Discriminator, Generator, build_networks
from semiray.priors import JointPrior
from semiray.settings import Settings, make_settings
from semiray.training.checkpoints import load_tensors
from semiray.training.game import below, network_shape

__all__ = ["Run", "RunFiles", "read_run_record", "run_prior"]


class RunFiles:
    """Where the parts of a run lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = folder / "settings.yaml"
        self.model = folder / "model.safetensors"
        self.split = folder / "split.json"
        self.log = folder / "log.jsonl"
        self.samples = folder / "samples"
        self.state = folder / "state"
        self.tensorboard = folder / "tensorboard"


def run_prior(settings: Settings) -> JointPrior:
    """The prior that the settings describe; the study's where they are silent."""
    return JointPrior.default() if settings.prior is None else JointPrior.from_dict(settings.prior)


def read_run_record(folder: Path) -> tuple[Settings, dict[str, Any]]:
    """Settings of a run, and what it knows of its data (`fingerprint`, `images`, `classes`).

    Raises:
        SemirayError: `folder` is no run.
    """
    path = RunFiles(folder).record
    try:
        record = yaml.safe_load(path.read_text(encoding="utf-8"))
        tree, data = dict(record["settings"]), dict(record["data"])
    except FileNotFoundError as error:
        raise SemirayError(
            f"{folder} isn't a run: it holds no settings.yaml. `semiray train DATA --out {folder}` makes one."
        ) from error
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise SemirayError(f"{path} isn't the settings file of a run ({error})") from error
    return make_settings(tree, str(path)), data


@dataclass(frozen=True)
class Run:
    """A trained run, ready to be asked.

    Attributes:
        path: its folder.
        settings: as resolved when it was trained.
        prior: the joint prior.
        classes: names of the disease classes, empty when unlabelled.
        generator: moving average of the generator, in evaluation mode.
        discriminator: in evaluation mode.
        data: what is known of the data: fingerprint, number of images, classes, what was observed.
        grounded: factor -> number of images whose metadata ground it; all other factors' names are assumed.
    """

    path: Path
    settings: Settings
    prior: JointPrior
    classes: tuple[str, ...]
    generator: Generator
    discriminator: Discriminator
    data: Mapping[str, Any] = field(default_factory=dict)
    grounded: Mapping[str, int] = field(default_factory=dict)

    @property
    def resolution(self) -> int:
        """Side of the images in pixels."""
        return int(self.settings.resolution)

    @property
    def meaning(self) -> str:
        """Which factors' names are known to be true, and which the user assumed, in a sentence or two."""
        assumed = [factor.name for factor in self.prior.factors if not self.grounded.get(factor.name)]
        words = [f"{name} is grounded on {count:,} images." for name, count in self.grounded.items() if count]
        if assumed:
            words.append(
                f"Assumed, grounded on no image: {', '.join(assumed)}. The names say which distribution was assumed, "
                "not what the images show."
            )
        return " ".join(words)

    @classmethod
    def load(cls, path: Path | str, device: str = "cpu") -> "Run":
        """Read a run from its folder.

        Raises:
            SemirayError: the folder is no run, or its files are damaged or don't fit each other.

        Example:
            ``Run.load("RUN").prior.names``
        """
        folder = Path(path)
        settings, data = read_run_record(folder)
        prior = run_prior(settings)
        classes = tuple(str(name) for name in data.get("classes", ()))
        grounded = {str(name): int(count) for name, count in dict(data.get("grounded") or {}).items()}
        shape = network_shape(settings, prior, len(classes), len(grounded))
        generator, discriminator = build_networks(settings.networks.architecture, shape)
        try:
            tensors, _ = load_tensors(RunFiles(folder).model)
        except SemirayError as error:
            if not RunFiles(folder).model.exists():
                raise
            raise SemirayError(
                f"{error}. `semiray train` with --resume writes it again from the last checkpoint."
            ) from error
        for name, network in (("generator", generator), ("discriminator", discriminator)):
            try:
                network.load_state_dict(below(tensors, f"{name}."))
            except RuntimeError as error:
                raise SemirayError(
                    f"{RunFiles(folder).model} doesn't fit {RunFiles(folder).record}: {error}"
                ) from error
            network.to(torch.device(device)).eval().requires_grad_(False)
        return cls(folder, settings, prior, classes, generator, discriminator, data, grounded)
