"""A run on disk: what was assumed, what was learned, and how it went."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from semiray.devices import choose_device
from semiray.errors import SemirayError
from semiray.networks import Discriminator, Generator, build_networks
from semiray.pretrained import find_run, shipped_runs
from semiray.pretrained.packing import unpack
from semiray.priors import JointPrior, read_grounds
from semiray.radiographs import ImageArray, RadiographSet, Split, load_radiographs
from semiray.radiographs.pixels.traces import Traces
from semiray.settings import Settings, make_settings
from semiray.structured import read_yaml
from semiray.training.checkpoints import load_tensors, misfit
from semiray.training.classes.findings import finding_factors, run_findings
from semiray.training.classes.labels import chosen_images, run_labels
from semiray.training.game import below, network_shape
from semiray.training.sheets import run_page

__all__ = ["Run", "RunFiles", "read_run_record", "run_prior"]


_TRAINED = {"images": int, "patients": int}  # of a published run: whom it was trained on


class RunFiles:
    """Where the parts of a run are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = folder / "settings.yaml"
        self.model = folder / "model.safetensors"
        self.split = folder / "split.json"
        self.traces = folder / "traces.npy"
        self.estimates = folder / "estimates.safetensors"
        self.start = folder / "start.safetensors"
        self.log = folder / "log.jsonl"
        self.samples = folder / "samples"
        self.state = folder / "state"
        self.tensorboard = folder / "tensorboard"


def run_prior(settings: Settings) -> JointPrior:
    """The prior that the settings describe; by default that of the study."""
    return JointPrior.default() if settings.prior is None else JointPrior.from_dict(settings.prior)


def read_run_record(folder: Path) -> tuple[Settings, dict[str, Any]]:
    """Settings of a run, and what it knows of its data; SemirayError if `folder` is not a run."""
    path = RunFiles(folder).record
    try:
        record = read_yaml(path, halves=True)
        # Runs that were begun before there was a choice left images without a label out.
        tree, data = {"unlabelled": "omit"} | record["settings"], dict(record["data"])
        _check_data(data)
    except NotADirectoryError as error:
        raise SemirayError(f"{folder} is a file: a run is the folder that training wrote.") from error
    except FileNotFoundError as error:
        raise SemirayError(f"{folder} isn't a run: it holds no settings.yaml. Train one first{_or_take()}.") from error
    except (SemirayError, OSError, KeyError, TypeError, ValueError) as error:
        raise SemirayError(f"{path} isn't the settings file of a run ({error})") from error
    return make_settings(tree, str(path)), data


def _or_take() -> str:
    names = ", ".join(shipped_runs())
    return f", or take one that comes with semiray: {names}" if names else ""


def _check_data(data: Mapping[str, Any]) -> None:
    """Raise ValueError unless what a run knows of its data has the types that it was written with."""
    classes, grounded = data.get("classes") or [], data.get("grounded") or {}
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise ValueError("data: classes must be a list of names")
    if len(set(classes)) < len(classes):
        raise ValueError("data: a class is named twice")
    counts = grounded.values() if isinstance(grounded, dict) else (None,)
    if not all(type(count) is int and 0 <= count < 2**63 for count in counts):
        raise ValueError("data: grounded must map factors to numbers of images")
    trained = data.get("trained", {"images": 0, "patients": 0})
    if not isinstance(trained, dict) or {name: type(count) for name, count in trained.items()} != _TRAINED:
        raise ValueError("data: trained must hold the numbers of images and patients")


@dataclass(frozen=True, repr=False)
class Run:
    """A trained run.

    Attributes:
        classes: names of the disease classes; empty when unlabelled.
        generator: moving average of the generator, in evaluation mode.
        discriminator: in evaluation mode.
        data: what is known of its data: fingerprint, number of images, classes.
        grounded: factor -> number of images whose metadata, or whose pixels, ground it; all other factors are assumed.

    Examples:
        >>> run = Run.load("RUN")  # doctest: +SKIP
        >>> data = run.load_data("DATA")  # doctest: +SKIP
        >>> held_out = data.take(run.split(data).test)  # doctest: +SKIP
    """

    path: Path
    settings: Settings
    prior: JointPrior
    classes: tuple[str, ...]
    generator: Generator
    discriminator: Discriminator
    data: Mapping[str, Any] = field(default_factory=dict)
    grounded: Mapping[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        classes = ", ".join(self.classes) or "no classes"
        return f"Run({str(self.path)!r}: {classes}; {', '.join(self.prior.slices)}; {self.resolution} px)"

    @property
    def forgotten(self) -> bool:
        """Whether training ended by making the discriminator forget the training patients (docs/method.md)."""
        try:
            return "forgotten" in load_tensors(RunFiles(self.path).model)[1]
        except SemirayError:
            return False

    def _repr_html_(self) -> str:
        """What a notebook shows: facts, and generated images of every class."""
        count = self.data.get("images")
        trained = f"{count:,} images" if isinstance(count, int) else "unknown images"
        with suppress(SemirayError, KeyError, ValueError):
            shown = int(load_tensors(RunFiles(self.path).model)[1]["images"])
            trained += f"; {shown:,} shown, repetitions included"
        grounds = {name: self._ground(name, images) for name, images in self.grounded.items() if images}
        factors = [f"{one.name} ~ {one.family} ({grounds.get(one.name, 'assumed')})" for one in self.prior.factors]
        facts = {
            "classes": ", ".join(self.classes) or "none",
            "resolution": f"{self.resolution} x {self.resolution} pixels",
            "factors": ", ".join(factors),
            "trained on": trained,
        }
        return run_page(str(self.path), facts, self.generator, self.prior, self.classes)

    @property
    def resolution(self) -> int:
        """Side of the images in pixels."""
        return int(self.settings.resolution)

    @property
    def measured(self) -> dict[str, str]:
        """Grounded factor -> its measure, for those that no metadata ground, but a measure of the training images."""
        rules = read_grounds(self.settings.ground, self.prior)
        found = {name: rule.measure for name, rule in rules.items() if self.grounded.get(name)}
        return {name: measure for name, measure in found.items() if measure is not None}

    @property
    def findings(self) -> dict[str, str]:
        """Factor -> the finding that grounds it, by the name that the data have for it."""
        return finding_factors(self.settings, self.prior)

    def _ground(self, name: str, images: int) -> str:
        measure = self.measured.get(name)
        how = "" if measure is None else f" by {measure}, a measure of their pixels"
        return f"grounded on {images:,} images{how}"

    @property
    def meaning(self) -> str:
        """Which factors are grounded, in metadata or pixels, and which are assumed, in a sentence or two."""
        assumed = [factor.name for factor in self.prior.factors if not self.grounded.get(factor.name)]
        words = [f"{name} is {self._ground(name, count)}." for name, count in self.grounded.items() if count]
        if self.measured:
            words.append(f"No metadata say what {', '.join(self.measured)} means: it is no clinical finding.")
        if assumed:
            words.append(
                f"Assumed, grounded on no image: {', '.join(assumed)}. The names say which distribution was assumed, "
                "not what the images show."
            )
        return " ".join(words)

    def load_data(
        self,
        data: Path | str,
        *,
        cache: Path | str | None = None,
        progress: Callable[[int, int], None] | None = None,
        **options: Any,
    ) -> RadiographSet[ImageArray]:
        """Load radiographs as they were read for training: at the run's resolution, with its reading options.

        Arguments and errors are those of `load_radiographs`; `options` replace the run's.
        """
        reading = self.settings.data.reading | options
        return load_radiographs(data, resolution=self.resolution, cache=cache, progress=progress, **reading)

    def split(self, data: RadiographSet[ImageArray]) -> Split:
        """The run's split of its own data, as `load_data` reads them; images added since are in no part.

        A published run names no image: those that left a trace are for training, all others for the test.

        Raises:
            SemirayError: images of the split are missing in `data`, or the split can't be read.
        """
        path, traces = RunFiles(self.path).split, self.traces()
        if path.exists() or traces is None:
            return Split.load(path, data.keys)
        known = traces.find(data.images).recognised
        trained = self.data.get("trained", {}).get("images", len(traces))
        if data.fingerprint != self.data.get("fingerprint") and known.sum() < trained:
            raise SemirayError(
                f"{self.path}: by content, {known.sum():,} of these images are among the {trained:,} that the run was "
                "trained on. Use the data and the reading options that it was trained with."
            )
        return Split(np.flatnonzero(known), np.zeros(0, np.int64), np.flatnonzero(~known))

    def known(self, data: RadiographSet[ImageArray], split: Split) -> RadiographSet[ImageArray]:
        """The run's own data with the labels and findings that it knew: `label_fraction` may have hidden others."""
        labels = run_labels(self.settings, data, split)
        return replace(data, labels=labels, findings=run_findings(self.settings, data, split, labels))

    def trained_on(self, data: RadiographSet[ImageArray], split: Split) -> NDArray[np.int64]:
        """Rows of the run's own data that it was trained on, labelled or not."""
        return chosen_images(self.settings, data, split, run_labels(self.settings, data, split))

    def traces(self) -> Traces | None:
        """What the run keeps of the images that it was trained on, to recognise them; None where it keeps nothing.

        Runs that were begun before there were traces keep nothing.

        Raises:
            SemirayError: the file is damaged.
        """
        path = RunFiles(self.path).traces
        return Traces.load(path) if path.exists() else None

    @classmethod
    def load(cls, path: Path | str, device: torch.device | str | None = "auto") -> "Run":
        """Load a run from its folder.

        Args:
            path: the folder, or the name of a run that comes with semiray; a folder of that name goes first.
            device: where its networks compute, as for `choose_device`.

        Raises:
            SemirayError: the folder is not a run, its files are damaged or don't fit each other, or there is no such
                device.

        Examples:
            ``Run.load("kermany-64").prior.names``
        """
        files, device = RunFiles(find_run(path)), choose_device(device)
        settings, data = read_run_record(files.folder)
        prior = run_prior(settings)
        classes = tuple(data.get("classes") or ())
        grounded = {str(name): int(count) for name, count in dict(data.get("grounded") or {}).items()}
        shape = network_shape(settings, prior, len(classes), len(grounded))
        generator, discriminator = build_networks(settings.networks.architecture, shape)
        try:
            tensors = unpack(load_tensors(files.model)[0])
        except SemirayError as error:
            if not files.model.exists():
                raise
            raise SemirayError(f"{error}. Training with resume=True writes it again from its checkpoint.") from error
        for name, network in (("generator", generator), ("discriminator", discriminator)):
            weights = below(tensors, f"{name}.")
            if why := misfit(weights, network.state_dict()):
                raise SemirayError(
                    f"{files.model} doesn't fit {files.record}: {name}.{why}. Is the run of another version? "
                    "Networks differ between versions: load it with that one, or train again."
                )
            network.load_state_dict(weights)
            network.to(device).eval().requires_grad_(False)
        return cls(files.folder, settings, prior, classes, generator, discriminator, data, grounded)
