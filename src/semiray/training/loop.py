"""Training from start to end: budget, reports, checkpoints, interruption, resumption."""

import json
import math
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from semiray.devices import choose_device
from semiray.errors import SemirayError, SemirayWarning
from semiray.files import hold_folder, write_whole
from semiray.priors import JointPrior
from semiray.radiographs import ImageArray, RadiographSet, Split, split_by_patient
from semiray.settings import Settings, override
from semiray.training.batches import ImageFeed, ImageOrder
from semiray.training.checkpoints import (
    Progress,
    latest_checkpoint,
    read_checkpoint,
    save_tensors,
    set_aside,
    write_checkpoint,
)
from semiray.training.game import Game
from semiray.training.grounding import Grounding, Known, read_grounding
from semiray.training.interruption import catch_stop
from semiray.training.planning import check_unused, fit_to_data, plan_training
from semiray.training.reports import TrainingReport, Window, open_tensorboard, trim_log
from semiray.training.run import Run, RunFiles, read_run_record, run_prior
from semiray.training.sheets import COLUMNS, progress_sheet
from semiray.training.team import Team, current_team

__all__ = ["TrainingInterruptedError", "TrainingStoppedError", "train"]

REPORT_STEPS = 50  # steps between reports
SHEET_SECONDS = 180.0
DEFAULT_MINUTES = 30.0
WARM_UP_STEPS = 100  # Adam's second moments are noise at first


class TrainingStoppedError(SemirayError):
    """Training ended before its budget; the message says why and how to go on."""


class TrainingInterruptedError(TrainingStoppedError):
    """Training was interrupted from outside: Ctrl-C, or the system's request to end."""

    code = 130


def train(
    data: RadiographSet[ImageArray],
    out: Path | str,
    settings: Settings | None = None,
    *,
    prior: JointPrior | Mapping[str, Any] | Path | str | None = None,
    minutes: float | None = None,
    images: int | None = None,
    seed: int | None = None,
    ground: Mapping[str, Any] | Path | str | None = None,
    split: Split | None = None,
    resume: bool = False,
    device: torch.device | str | None = "auto",
    on_report: Callable[[TrainingReport], None] | None = None,
    **options: Any,
) -> Run:
    """Train on the training patients of a set of radiographs, and save the run.

    Started by torchrun and within `join_team`, the processes train one run together; all read the same data, the first
    writes. The batch is that of the settings, whatever their number.

    Args:
        data: images, with labels or without; images whose label is unknown are left out where others have one.
        out: the run's folder, made here.
        settings: where the options start from; the preset `default` where None.
        prior: the joint prior, or the path of one in YAML; by default that of the study.
        minutes: how long to train; 30 where neither this nor `images` is set.
        images: how many real images to train on, repetitions included.
        seed: of the split, the initial weights and every draw; 0 by default.
        ground: rules that ground factors in metadata, the path of such rules, or the name of a recipe.
        split: which images are for training; by default drawn by patient (`settings.data.fractions`), patients who
            share a near-duplicate counting as one.
        resume: continue from the last checkpoint in `out`, with the run's own settings; `minutes` and `images` may be
            new, any other option that differs from the run's is an error.
        device: where to train: "auto", "cpu", "cuda", "cuda:1" or "mps".
        on_report: called every 50 steps.
        options: any other option of `Settings`, such as `preset="study"` or `objectives={"sort": 0.5}`.

    Returns:
        The run, loaded from its folder.

    Raises:
        TrainingInterruptedError: Ctrl-C or SIGTERM; everything is saved and the message says how to continue.
        TrainingStoppedError: a loss was no longer finite, or the folder can't be written to (the disk is full); the
            last good checkpoint is kept.
        SemirayError: an option is invalid, the folder already holds a run, or `data` isn't that of the run to resume.

    Example:
        ``train(load_radiographs("DATA", resolution=64), "RUN", minutes=30)``
    """
    team = current_team()
    files = RunFiles(Path(out).expanduser())
    settings = override(
        settings or Settings(), prior=prior, minutes=minutes, images=images, seed=seed, ground=ground, **options
    )
    settings = plan_training(files.folder, settings, resume=resume)
    if resume:
        check_data(files, data)
    else:
        settings = fit_to_data(settings, data)
    with hold_folder(files.folder) if team.leads else nullcontext(lambda: None) as check_held:
        sitting = prepare(files, settings, data, split, resume, choose_device(device), team)
        if resume:
            sitting.restore()
        try:
            sitting.play(on_report if team.leads else None, check_held)
        except OSError as error:
            check_held()  # which says more, if the folder is gone
            raise sitting.cut_off(error) from error
        team.wait()  # all is written
    return Run.load(files.folder, device)


def prepare(
    files: RunFiles,
    settings: Settings,
    data: RadiographSet[ImageArray],
    split: Split | None,
    resume: bool,
    device: torch.device,
    team: Team,
) -> "Sitting":
    """What is trained on, split and written down, and the networks; the run's folder is held."""
    prior = run_prior(settings)
    if team.leads:
        if resume:
            split = Split.load(files.split, data.keys)
        elif split is None:
            split = split_by_patient(data, settings.data.fractions, settings.seed)
    split = team.from_leader(split)
    assert split is not None
    chosen = data.labelled(split.train)
    if len(chosen) < settings.optimisation.batch:
        raise SemirayError(
            f"{len(chosen)} training images are fewer than a batch of {settings.optimisation.batch}: "
            f"add images, or lower it with optimisation.batch={max(2, len(chosen) // 2)}"
        )
    grounding = read_grounding(settings, prior, data, chosen)
    if resume:
        check_grounding(files, grounding)
    if team.leads:
        if not resume:
            check_unused(files)  # again: another process may have begun a run before this one held the folder
            split.save(files.split, data.keys)
        write_record(files, settings, data, grounding)  # last: from here on the folder is a run, and can be resumed
    team.wait()  # the others read the folder only now
    return Sitting(files, settings, prior, data, chosen, grounding, device, team)


def check_data(files: RunFiles, data: RadiographSet[ImageArray]) -> None:
    """Raise if the images aren't those that the run was begun with."""
    _, known = read_run_record(files.folder)
    if known.get("fingerprint") != data.fingerprint:
        raise SemirayError(
            f"the images aren't those that {files.folder} was trained on (another content, resolution or framing): "
            "resume with the same images, read with the same options, or train a new run with another out="
        )


def check_grounding(files: RunFiles, grounding: Grounding | None) -> None:
    """Raise if the metadata no longer say what they said when the run was begun."""
    _, known = read_run_record(files.folder)
    if known.get("observations") != (grounding.digest if grounding else None):
        raise SemirayError(
            f"the metadata that ground factors aren't those that {files.folder} was trained on: resume with the same "
            "table, or train a new run with another out="
        )


def write_record(
    files: RunFiles, settings: Settings, data: RadiographSet[ImageArray], grounding: Grounding | None
) -> None:
    """Write settings.yaml: the settings as resolved, and what the run knows of its data."""
    known = {"fingerprint": data.fingerprint, "images": len(data), "classes": list(data.classes)}
    if grounding:
        known |= {"grounded": grounding.counts, "observations": grounding.digest}
    record = {"settings": settings.model_dump(mode="json"), "data": known}
    write_whole(files.record, yaml.safe_dump(record, sort_keys=False, allow_unicode=True))


class Sitting:
    """One process's share of a run: from the start or the last checkpoint to the budget's end, or an interruption."""

    def __init__(
        self,
        files: RunFiles,
        settings: Settings,
        prior: JointPrior,
        data: RadiographSet[ImageArray],
        chosen: "np.ndarray[Any, np.dtype[np.int64]]",
        grounding: Grounding | None,
        device: torch.device,
        team: Team,
    ) -> None:
        self.grounding, self.team = grounding, team
        self.files, self.settings, self.prior, self.device = files, settings, prior, device
        torch.manual_seed(settings.seed)
        columns = grounding.columns if grounding else ()
        self.game = Game(settings, self.prior, len(data.classes), device, columns, team)
        labels = data.labels[chosen] if data.classes else np.zeros(len(chosen), dtype=np.int64)
        self.labels = torch.from_numpy(np.ascontiguousarray(labels))
        self.classes = data.classes
        batch = settings.optimisation.batch
        order, rows = ImageOrder(len(chosen), settings.seed), team.rows(batch)
        self.feed = ImageFeed(data.images, chosen, order, batch, rows, pin=device.type == "cuda")
        self.progress = Progress()
        self.window = Window()

    def restore(self) -> None:
        """Go back to the newest readable checkpoint; to the start where there is none yet."""
        found = read_checkpoint(self.files.state)
        if found is not None:
            tensors, self.progress = found
            self.game.restore(tensors, self.progress.steps)
        steps = float(self.progress.steps)
        if self.team.agree(steps, -steps) != (steps, -steps):
            raise SemirayError(f"the processes read different checkpoints of {self.files.folder}: start them again")
        if self.team.leads:
            if found is None and self.files.model.exists():
                message = f"{self.files.state} holds no checkpoint any more: this run begins again from the start."
                warnings.warn(message, SemirayWarning, stacklevel=2)
            set_aside(self.files.state, self.progress.steps)
            trim_log(self.files.log, self.progress.steps)

    def done(self, seconds: float) -> float:
        """Fraction of the budget that is spent; the larger where both time and images are limited."""
        minutes, images = self.settings.minutes, self.settings.images
        if minutes is None and images is None:
            minutes = DEFAULT_MINUTES
        by_time = seconds / (60 * minutes) if minutes else 0.0
        by_images = self.progress.images / images if images else 0.0
        return max(by_time, by_images)

    def play(self, on_report: Callable[[TrainingReport], None] | None, check_held: Callable[[], None]) -> None:
        """Train until the budget is spent; `check_held` raises where the folder is no longer ours to write to."""
        batch = self.settings.optimisation.batch
        before = self.progress.seconds
        started = saved = drawn = time.monotonic()
        board = open_tensorboard(self.files.tensorboard, self.progress.images) if self.team.leads else None
        with closing(self.feed), catch_stop() as stopped:
            while True:
                seconds = before + time.monotonic() - started
                fraction, stop = self.team.agree(self.done(seconds), float(bool(stopped)))
                if fraction >= 1 or stop:
                    break
                index, images = self.feed.take(self.progress.images)
                labels = self.labels[index].to(self.device)
                losses = self.game.step(images, labels, self.rate(fraction), self.known())
                seconds = before + time.monotonic() - started
                self.progress = Progress(self.game.steps, self.progress.images + batch, seconds)
                self.window.add(losses, batch)
                if self.progress.steps % REPORT_STEPS == 0:
                    check_held()
                    self.report(self.done(seconds), board, on_report)
                if not self.team.leads:
                    continue
                if time.monotonic() - saved > self.settings.checkpoint_seconds:
                    check_held()
                    self.save()
                    saved = time.monotonic()
                if time.monotonic() - drawn > SHEET_SECONDS:
                    self.draw()
                    drawn = time.monotonic()
            check_held()
            if self.window.count:
                self.report(min(1.0, self.done(self.progress.seconds)), board, on_report)
            if self.team.leads:
                self.save()
                if not stop:
                    self.draw()
        if board is not None:
            board.close()
        if stop:
            raise TrainingInterruptedError(
                f"Interrupted after {self.progress.images:,} images; everything is saved in {self.files.folder}. "
                f"Continue with resume=True."
            )

    def known(self) -> Known | None:
        """The observed images of the next step."""
        if self.grounding is None:
            return None
        return self.grounding.batch(self.game.steps, self.settings.objectives.ground_batch)

    def rate(self, fraction: float) -> float:
        """Factor on the learning rate: a linear warm-up, a plateau, and half a cosine down at the end."""
        cool_from = self.settings.optimisation.cool_from
        warm = min(1.0, (self.game.steps + 1) / WARM_UP_STEPS)
        if fraction <= cool_from:
            return warm
        return warm * 0.5 * (1 + math.cos(math.pi * (fraction - cool_from) / (1 - cool_from)))

    def report(self, fraction: float, board: Any, on_report: Callable[[TrainingReport], None] | None) -> None:
        """Tell the log, TensorBoard and the caller how it goes; stop if the losses aren't finite."""
        losses, error, speed = self.window.close()
        if not all(math.isfinite(value) for value in losses.values()):
            raise self.broken(losses)
        commitment = {
            factor.name: 1 - float(error[self.prior.slices[factor.name]].mean()) for factor in self.prior.factors
        }
        left = self.progress.seconds * (1 - fraction) / fraction if fraction > 0 else 0.0
        report = TrainingReport(
            **asdict(self.progress), seconds_left=left, images_per_second=speed, losses=losses, commitment=commitment
        )
        if self.team.leads:
            with self.files.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(asdict(report)) + "\n")
        if board is not None:
            for name, value in losses.items():
                board.add_scalar(f"loss/{name}", value, self.progress.images)
            for name, value in commitment.items():
                board.add_scalar(f"commitment/{name}", value, self.progress.images)
            board.add_scalar("images per second", speed, self.progress.images)
        if on_report is not None:
            on_report(report)

    def broken(self, losses: Mapping[str, float]) -> TrainingStoppedError:
        """What to say when a loss is no number any more."""
        names = ", ".join(name for name, value in losses.items() if not math.isfinite(value))
        return TrainingStoppedError(
            f"Training broke down after {self.progress.images:,} images: {names} is no longer a finite number. "
            f"{self.kept()} If it breaks down again, train a new run with a lower optimisation.learning_rate (it was "
            f"{self.settings.optimisation.learning_rate:g}) or a larger objectives.penalty."
        )

    def cut_off(self, error: OSError) -> TrainingStoppedError:
        """What to say when the run's folder can't be written to any more."""
        return TrainingStoppedError(
            f"Training stopped after {self.progress.images:,} images: {error.filename or self.files.folder} can't be "
            f"written ({error.strerror or error}). Mend that, such as by freeing space. {self.kept()}"
        )

    def kept(self) -> str:
        """Where resuming continues."""
        last = latest_checkpoint(self.files.state)
        if last is None:
            return f"No checkpoint had been saved yet in {self.files.folder}; resume=True begins again."
        return f"The last good checkpoint is {last.name}, in {self.files.folder}; resume=True continues from it."

    def save(self) -> None:
        """Write the checkpoint and the model, unless training has broken since the last report."""
        losses, _, _ = self.window.peek()
        tensors = self.game.tensors()
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
            losses["weights"] = math.nan
        if not all(math.isfinite(value) for value in losses.values()):
            raise self.broken(losses)
        # A kill between the two writes leaves a model that is older than the checkpoint: resuming writes it anew, and
        # who reads it meanwhile reads a whole one.
        write_checkpoint(self.files.state, tensors, self.progress)
        model = {
            name.replace("average.", "generator.", 1): tensor
            for name, tensor in tensors.items()
            if name.startswith(("average.", "discriminator."))
        }
        save_tensors(self.files.model, model, {"steps": str(self.progress.steps), "images": str(self.progress.images)})

    def draw(self) -> None:
        """Save a figure of generated images below real ones of the same classes."""
        of_classes = [
            np.flatnonzero(self.labels.numpy() == label)[:COLUMNS] for label in range(max(1, len(self.classes)))
        ]
        sheet = progress_sheet(self.game.average, self.prior, [self.feed.pick(places) for places in of_classes])
        self.files.samples.mkdir(exist_ok=True)
        sheet.save(self.files.samples / f"images-{self.progress.images:09d}.png")
