"""Start a run from a trained run: its settings and weights are taken over, and its patients aren't tested on."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from semiray.errors import SemirayError, SemirayWarning
from semiray.pretrained import find_run
from semiray.pretrained.packing import unpack
from semiray.radiographs import ImageArray, RadiographSet, Split, split_by_patient
from semiray.settings import NetworkSettings, Settings, override
from semiray.training.checkpoints import checksum, load_tensors
from semiray.training.classes.findings import assumed_settings
from semiray.training.game import Game, below
from semiray.training.run import Run, RunFiles, read_run_record, run_prior
from semiray.training.warm_start.transfer import Meaning, take_over

__all__ = ["Start", "check_same_start", "follow", "load_start"]

NARROWEST, WIDEST = 4, 512  # limits of networks.width


def follow(asked: Settings, start_from: Path | str) -> Settings:
    """Settings that say nothing else follow the run to start from: networks, resolution, prior, framing.

    `networks.width` counts from the image's side. Unless it is set, it falls as the resolution grows, so that maps of
    the same side keep their number of channels.

    Raises:
        SemirayError: `start_from` isn't a run, or its architecture is another one than was set.
    """
    whole, _ = read_run_record(find_run(start_from))
    own = assumed_settings(whole, run_prior(whole))  # findings are those of the new images
    resolution = asked.resolution if "resolution" in asked.model_fields_set else own.resolution
    width = min(WIDEST, max(NARROWEST, own.networks.width * own.resolution // resolution))
    given = asked.given()
    networks = NetworkSettings(**own.networks.model_dump() | {"width": width} | given.get("networks", {}))
    if networks.architecture != own.networks.architecture:
        raise SemirayError(
            f"networks.architecture={networks.architecture}, but {start_from} has the architecture "
            f"{own.networks.architecture}: weights can't be taken over from another one. Leave it out"
            + (", or take the preset that the run was trained with." if "preset" in asked.model_fields_set else ".")
        )
    return override(
        asked,
        resolution=resolution,
        networks=networks.model_dump(),
        prior=asked.prior or own.prior,
        data={"framing": own.data.framing} | given.get("data", {}),
    )


def check_same_start(folder: Path, start_from: Path | str, known: object) -> None:
    """Raise unless a run that is resumed was started from just this one; `known` is what it knows of its start."""
    model = known.get("model") if isinstance(known, dict) else None
    tensors, said = load_tensors(RunFiles(find_run(start_from)).model)
    if checksum(tensors, said) != model:
        raise SemirayError(
            f"resume=True continues {folder}, which "
            + (f"was started from other weights than those of {start_from}" if model else "was started from no run")
            + ": leave start_from= out, or train a new run with another out=."
        )


class Start:
    """The run that a new one starts from, and which of the new one's images it has seen.

    Args:
        path: its folder.
        data: all images of the new run.

    Attributes:
        traces: those of the images that it was trained on.
        record: which run it is, for the new one's settings.yaml: no path, which may name a person.

    Raises:
        SemirayError: it isn't a run, or its images couldn't be recognised: it keeps no traces of them, or they were
            framed otherwise.
    """

    def __init__(self, path: Path | str, data: RadiographSet[ImageArray]) -> None:
        self.data, self.run = data, Run.load(path, "cpu")
        tensors, said = load_tensors(RunFiles(self.run.path).model)
        self._weights = unpack(tensors)
        traces, framing = self.run.traces(), self.run.settings.data.framing
        if traces is None:
            raise SemirayError(
                f"{path} keeps no traces of the images that it was trained on, so they couldn't be kept out of the "
                "test. Continue it once on its own data with resume=True, which writes them."
            )
        if data.options is not None and data.options.framing != framing:
            raise SemirayError(
                f"The images that {path} was trained on were read with framing={framing}, these with "
                f"framing={data.options.framing}: copies couldn't be recognised. Read these with framing={framing}."
            )
        self.traces = traces
        self.record: dict[str, Any] = {
            "run": self.run.path.resolve().name,
            "fingerprint": self.run.data.get("fingerprint"),
            "steps": int(said.get("steps", 0)),
            "images": int(said.get("images", 0)),
            "model": checksum(tensors, said),
        }

    def split(self, settings: Settings, split: Split | None = None) -> Split:
        """A split of the new run's images whose test patients the old run wasn't trained on.

        Args:
            settings: the new run's.
            split: the one to use, if any; its test patients are only checked.

        Returns:
            `split`; or the old run's, where the images are the same and no shares were set; or a new one.

        Warns:
            SemirayWarning: test patients were trained on, or none is left to test on.
        """
        found, known = self.traces.find(self.data.images), settings.data
        named = RunFiles(self.run.path).split.exists()  # a published run doesn't say who was for validation
        if split is None and named and not {"fractions", "official_split"} & known.model_fields_set:
            split = self._own_split(found.recognised | found.blank)
        if split is None:
            trained, official = found.recognised, known.official_split
            split = split_by_patient(self.data, known.fractions, settings.seed, official=official, trained=trained)
        leak = np.isin(self.data.patient_codes[split.test], self.data.patient_codes[found.recognised])
        if leak.any() or not len(split.test):
            what = (
                f"{leak.sum():,} of {len(leak):,} test images are"
                if leak.any()
                else "no image is left to test on: all are"
            )
            warnings.warn(f"{what} of patients that {self.run.path} was trained on", SemirayWarning, stacklevel=3)
        return split

    def _own_split(self, seen: NDArray[np.bool_]) -> Split | None:
        """The old run's split if, by name and content, the new one's images are the same; else None."""
        try:
            split = self.run.split(self.data)
        except SemirayError:
            return None
        named = len(split.train) + len(split.validation) + len(split.test)
        same = named == len(self.data) and seen[self.data.labelled(split.train)].all()
        return split if same else None

    def weights(self, game: Game, leads: tuple[str, ...]) -> dict[str, Tensor]:
        """What a new game starts with, by the names of `model.safetensors`; `record` then says what is taken over.

        Args:
            game: as initialised.
            leads: its grounded factors.
        """
        fresh = {
            f"{name}.{key}": value.detach().cpu()
            for name, network in (("generator", game.generator), ("discriminator", game.discriminator))
            for key, value in network.state_dict().items()
        }
        old = self.run
        kind = old.settings.networks.architecture
        new = Meaning(kind, game.generator.shape, game.prior.names, self.data.classes, leads)
        trained = Meaning(kind, old.generator.shape, old.prior.names, old.classes, tuple(old.grounded))
        weights, said = take_over(fresh, new, self._weights, trained)
        self.record["taken_over"] = f"From {self.record['run']} ({self.record['images']:,} images): {said}."
        return weights


def load_start(game: Game, weights: Mapping[str, Tensor]) -> None:
    """Let both players, and the average, begin with what `Start.weights` gave."""
    for network in (game.generator, game.average):
        network.load_state_dict(below(dict(weights), "generator."))
    game.discriminator.load_state_dict(below(dict(weights), "discriminator."))
