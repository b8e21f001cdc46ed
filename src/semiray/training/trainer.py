"""Training step after step: budget, learning rate, reports, checkpoints, interruption."""

import json
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semiray.errors import SemirayError, SemirayWarning
from semiray.priors import JointPrior
from semiray.radiographs import ImageArray, RadiographSet
from semiray.settings import Settings
from semiray.training.batches import ImageFeed, ImageOrder
from semiray.training.checkpoints import (
    Progress,
    latest_checkpoint,
    load_tensors,
    misfit,
    read_checkpoint,
    save_tensors,
    set_aside,
    write_checkpoint,
)
from semiray.training.classes.labels import TrainingLabels
from semiray.training.forgetting import forget, steps_to_forget
from semiray.training.game import Game, below
from semiray.training.grounding import Grounding
from semiray.training.interruption import TrainingInterruptedError, TrainingStoppedError, catch_stop
from semiray.training.outlook import outlook
from semiray.training.process_group import ProcessGroup
from semiray.training.reports import TrainingReport, Window, open_tensorboard, trim_log
from semiray.training.run import RunFiles
from semiray.training.sheets import COLUMNS, progress_sheet, save_sheet
from semiray.training.threads import Threads
from semiray.training.validation import Measurement, advice, kept, measurements_in
from semiray.training.watch import LARGEST, LEAST, LabelledImages, Watch

__all__ = ["Trainer"]

REPORT_STEPS = 50  # steps between reports
SHEET_SECONDS = 180.0
DEFAULT_MINUTES = 30.0
WARM_UP_STEPS = 100  # Adam's second moments are noise at first


class Trainer:
    """One process's part of training a run: from the start or the last checkpoint until the budget is spent.

    Args:
        files: The run's folder, which this process holds.
        chosen: (N,) which of the radiographs are trained on.
        labels: their classes.
        grounding: What their metadata say, if anything.
        group: The processes that train together.
        report_steps: Steps between reports.
        validation: (V,) the radiographs of validation patients, on which the generator is measured.
    """

    def __init__(
        self,
        files: RunFiles,
        settings: Settings,
        prior: JointPrior,
        data: RadiographSet[ImageArray],
        chosen: "np.ndarray[Any, np.dtype[np.int64]]",
        labels: TrainingLabels,
        grounding: Grounding | None,
        device: torch.device,
        group: ProcessGroup,
        report_steps: int = REPORT_STEPS,
        validation: NDArray[np.int64] | None = None,
    ) -> None:
        self.grounding, self.group, self.report_steps = grounding, group, report_steps
        self.files, self.settings, self.prior, self.device = files, settings, prior, device
        torch.manual_seed(settings.seed)
        columns = grounding.columns if grounding else ()
        self.game = Game(settings, self.prior, len(data.classes), device, columns, group)
        self.labels, self.classes = labels, data.classes
        batch = settings.optimisation.batch
        order, rows = ImageOrder(len(chosen), settings.seed), group.rows(batch)
        self.feed = ImageFeed(data.images, chosen, order, batch, rows, pin=device.type == "cuda")
        self.progress = Progress()
        self.window = Window()
        self.means = self.window.means()  # of the last window
        self.validation = np.zeros(0, dtype=np.int64) if validation is None else validation
        watched = settings.watch and group.leads and len(self.validation) >= LEAST
        self.measurements = measurements_in(self.minutes, settings.images, settings.resolution) if watched else 0
        self.real_labels = data.labels
        self.watch: Watch | None = None  # made when it is first needed
        self.notes, self.advised, self.reports = list[str](), False, 0  # notes: for the next report

    def restore(self) -> None:
        """Go back to the newest readable checkpoint; to the start where there is none yet."""
        found = read_checkpoint(self.files.state)
        if found is not None:
            tensors, self.progress = found
            try:
                self.game.restore(tensors, self.progress.steps)
            except (KeyError, IndexError, RuntimeError, TypeError, ValueError) as error:
                raise SemirayError(
                    f"the newest checkpoint in {self.files.state} doesn't fit {self.files.record} ({error}): it is of "
                    "another run or damaged. Remove it to continue from the one before."
                ) from error
        steps = float(self.progress.steps)
        if self.group.agree(steps, -steps) != (steps, -steps):
            raise SemirayError(f"the processes read different checkpoints of {self.files.folder}: start them again")
        if self.group.leads:
            if found is None and self.files.model.exists():
                message = f"{self.files.state} holds no checkpoint any more: this run starts again from the beginning."
                warnings.warn(message, SemirayWarning, stacklevel=2)
            if self.progress.record:
                self.check_kept()
            set_aside(self.files.state, self.progress.steps)
            trim_log(self.files.log, self.progress.steps)

    def check_kept(self) -> None:
        """Forget what was measured if the best weights, which are in no checkpoint, can't be read any more."""
        try:
            load_tensors(self.files.model)
        except SemirayError as error:
            message = f"{error}. The best weights so far are lost: the newest take their place."
            warnings.warn(message, SemirayWarning, stacklevel=3)
            self.progress = replace(self.progress, record=())

    @property
    def minutes(self) -> float | None:
        """The budget of time; None where only images are limited."""
        return self.settings.minutes or (None if self.settings.images else DEFAULT_MINUTES)

    def done(self, seconds: float) -> float:
        """Fraction of the budget that is spent; the larger one where both time and images are limited."""
        images, minutes = self.settings.images, self.minutes
        return max(seconds / (60 * minutes) if minutes else 0.0, self.progress.images / images if images else 0.0)

    def train(self, on_report: Callable[[TrainingReport], None] | None, check_held: Callable[[], None]) -> None:
        """Train until the budget is spent; `check_held` raises if the folder is no longer this process's."""
        batch = self.settings.optimisation.batch
        before, measured = self.progress.seconds, self.measurements_due(self.progress.seconds)
        started = saved = drawn = time.monotonic()
        board = open_tensorboard(self.files.tensorboard, self.progress.images) if self.group.leads else None
        threads = Threads(steady=self.device.type != "cpu" or self.group.size > 1)
        with closing(self.feed), closing(threads), catch_stop() as stopped:
            while True:
                seconds = before + time.monotonic() - started
                fraction, stop = self.group.agree(self.done(seconds), float(bool(stopped)))
                if fraction >= 1 or stop:
                    break
                index, images = self.feed.take(self.progress.images)
                labels = self.labels.take(index, self.progress.images, self.group.rows(batch), batch).to(self.device)
                few = self.settings.objectives.ground_batch
                observed = self.grounding.batch(self.game.steps, few) if self.grounding else None
                with threads:
                    losses = self.game.step(images, labels, self.rate(fraction), observed)
                self.say(threads.review())
                seconds = before + time.monotonic() - started
                shown = self.progress.images + batch
                self.progress = replace(self.progress, steps=self.game.steps, images=shown, seconds=seconds)
                self.window.add(losses, batch)
                if self.measurements_due(seconds) > measured:
                    check_held()
                    self.measure(self.done(seconds))
                    measured = self.measurements_due(seconds)
                if self.progress.steps % self.report_steps == 0:
                    check_held()
                    self.report(self.done(seconds), board, on_report)
                if not self.group.leads:
                    continue
                if time.monotonic() - saved > self.settings.checkpoint_seconds:
                    check_held()
                    self.save()
                    saved = time.monotonic()
                if time.monotonic() - drawn > SHEET_SECONDS:
                    self.draw()
                    drawn = time.monotonic()
            check_held()
            if last := not stop and measured < self.measurements:
                self.measure(1.0)
            if self.window.count or last:
                self.report(min(1.0, self.done(self.progress.seconds)), board, on_report)
            if self.group.leads:
                if self.progress.seconds > before or not self.forgotten():
                    self.save()
                if not stop:
                    self.draw()
            forgetting = not stop
            stop = stop or self.forget(check_held, on_report, stopped)
        if board is not None:
            board.close()
        if stop:
            record = self.progress.record
            used = f" Its model is that of {kept(record).images:,} images, the best measured so far." if record else ""
            used += " Its discriminator hasn't forgotten the training patients yet." * forgetting
            raise TrainingInterruptedError(
                f"Interrupted after {self.progress.images:,} images; everything is saved in {self.files.folder}.{used} "
                "Continue with resume=True."
            )

    def forget(
        self, check_held: Callable[[], None], on_report: Callable[[TrainingReport], None] | None, stopped: list[int]
    ) -> bool:
        """Let the discriminator of the model forget the training patients, once; whether it was interrupted."""
        self.group.wait()  # the model is written
        count = steps_to_forget(self.settings, self.progress.steps)
        tensors, said = load_tensors(self.files.model)
        if not count or "forgotten" in said:
            return False
        note = f"The generator is done. For {count:,} steps the discriminator goes on alone, to forget the patients."
        window, batch, began = Window(), self.settings.optimisation.batch, time.monotonic()

        def batches() -> Iterator[tuple[Tensor, Tensor]]:
            for first in range(self.progress.images, self.progress.images + count * batch, batch):
                index, images = self.feed.take(first)
                yield images, self.labels.take(index, first, self.group.rows(batch), batch).to(self.device)

        def go_on(step: int, losses: Mapping[str, Tensor]) -> bool:
            nonlocal note, window
            window.add(losses, batch)
            if on_report is not None and (step % self.report_steps == 0 or step in (1, count)):
                means, _, speed = window.means()
                left = (time.monotonic() - began) * (count / step - 1)
                now = self.progress
                on_report(TrainingReport(now.steps, now.images, now.seconds, left, speed, means, note=note))
                note, window = "", Window()
            return not self.group.agree(float(bool(stopped)))[0]

        parts = self.settings, self.prior, len(self.classes), self.grounding.columns if self.grounding else ()
        forgot = forget(tensors, *parts, batches(), count, self.device, self.group, go_on)
        if forgot is not None and self.group.leads:
            check_held()
            if misfit(forgot, tensors):  # numbers that aren't finite
                raise TrainingStoppedError(
                    f"The generator is finished and saved in {self.files.folder}, but the discriminator broke down "
                    "while forgetting the training patients: the one that is saved still knows them."
                )
            save_tensors(self.files.model, forgot, said | {"forgotten": str(count)})
        return forgot is None

    def measurements_due(self, seconds: float) -> int:
        """How many measurements of the budget should have been made by now."""
        return int(self.measurements * min(1.0, self.done(seconds)))

    def measure(self, fraction: float) -> None:
        """Measure the moving average on validation patients, write the model if it is the best so far, and save."""
        started = time.monotonic()
        tensors = self.sound_tensors()
        if self.watch is None:
            self.watch = self.open_watch()
        distance, tstr = self.watch.measure(self.game.average)
        seen = self.progress.images, self.progress.seconds
        newest = Measurement(*seen, distance, self.watch.floor, tstr, self.watch.trtr)
        self.progress = replace(self.progress, record=(*self.progress.record, newest))
        if kept(self.progress.record) is newest:
            # First: the checkpoint must not name weights as the best that a kill has kept from being written.
            self.write_model(tensors)
        write_checkpoint(self.files.state, tensors, self.progress)
        if not self.advised and fraction < 1:
            self.advised = self.say(advice(self.progress.record, fraction, self.settings.optimisation.cool_from))
        self.window.started += time.monotonic() - started  # so that the speed is that of training

    def open_watch(self) -> Watch:
        """Real images to measure against, the same in every process and after every resumption."""
        draws = np.random.default_rng(self.settings.seed)
        shown = self.labels.once()
        places = draws.permutation(len(shown))[:LARGEST]
        held_out = draws.permutation(self.validation)[:LARGEST]
        labels = self.real_labels[held_out] if self.classes else np.zeros(len(held_out), dtype=np.int64)
        validation = LabelledImages(torch.from_numpy(np.asarray(self.feed.images[held_out])), torch.from_numpy(labels))
        training = LabelledImages(self.feed.pick(places), shown[places])
        return Watch(self.prior, len(self.classes), training, validation, self.device)

    def rate(self, fraction: float) -> float:
        """Factor on the learning rate: a linear warm-up, a plateau, and half a cosine down at the end."""
        cool_from = self.settings.optimisation.cool_from
        warm = min(1.0, (self.game.steps + 1) / WARM_UP_STEPS)
        if fraction <= cool_from:
            return warm
        return warm * 0.5 * (1 + math.cos(math.pi * (fraction - cool_from) / (1 - cool_from)))

    def report(self, fraction: float, board: Any, on_report: Callable[[TrainingReport], None] | None) -> None:
        """Report progress to the log, TensorBoard and the caller; stop if the losses aren't finite."""
        losses, error, speed = self.means = self.window.means() if self.window.count else self.means
        self.window = Window()
        self.reports += 1
        if not all(math.isfinite(value) for value in losses.values()):
            raise self.broken(losses)
        commitment = {name: 1 - float(error[part].mean()) for name, part in self.prior.slices.items()}
        left = self.progress.seconds * (1 - fraction) / fraction if fraction > 0 else 0.0
        if self.measurements and self.reports == 2:  # the first steps of all are slower
            self.say(self.expect(left, speed))
        record, now = self.progress.record, self.progress
        report = TrainingReport(
            now.steps,
            now.images,
            now.seconds,
            seconds_left=left,
            images_per_second=speed,
            losses=losses,
            commitment=commitment,
            validation=record[-1] if record else None,
            best=kept(record).images if record else None,
            note="\n".join(self.notes),
        )
        self.notes.clear()
        if self.group.leads:
            with self.files.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(asdict(report)) + "\n")
        if board is not None:
            curves = {f"loss/{name}": value for name, value in losses.items()}
            curves |= {f"commitment/{name}": value for name, value in commitment.items()}
            curves |= record[-1].curves if record else {}
            for name, value in (curves | {"images per second": speed}).items():
                board.add_scalar(name, value, self.progress.images)
        if on_report is not None:
            on_report(report)

    def broken(self, losses: Mapping[str, float]) -> TrainingStoppedError:
        """The error where a loss is no longer finite."""
        names = ", ".join(name for name, value in losses.items() if not math.isfinite(value))
        return TrainingStoppedError(
            f"Training broke down after {self.progress.images:,} images: {names} is no longer a finite number. "
            f"{self.kept()} If it breaks down again, train a new run with a lower optimisation.learning_rate (it was "
            f"{self.settings.optimisation.learning_rate:g}) or a larger objectives.penalty."
        )

    def cut_off(self, error: OSError) -> TrainingStoppedError:
        """The error where the run's folder can't be written to any more."""
        return TrainingStoppedError(
            f"Training stopped after {self.progress.images:,} images: {error.filename or self.files.folder} can't be "
            f"written ({error.strerror or error}). Solve that first, e.g. by freeing space. {self.kept()}"
        )

    def kept(self) -> str:
        """Where resuming continues."""
        last = latest_checkpoint(self.files.state)
        if last is None:
            return f"No checkpoint had been saved yet in {self.files.folder}; resume=True begins again."
        return f"The last good checkpoint is {last.name}, in {self.files.folder}; resume=True continues from it."

    def say(self, note: str) -> bool:
        """Put a note, unless it is empty, into the next report; whether there was one."""
        if note:
            self.notes.append(note)
        return bool(note)

    def expect(self, left: float, speed: float) -> str:
        """What this budget is likely to give."""
        settings, images = self.settings, round(self.progress.images + speed * left, -3)
        parts = ("networks", "objectives", "augmentation", "optimisation")
        default = all(getattr(settings, name) == getattr(Settings(), name) for name in parts)
        seconds = self.progress.seconds + left
        return outlook(settings.resolution, default, min(int(images), settings.images or int(images)), seconds, speed)

    def save(self) -> None:
        """Write the checkpoint, and the model unless that is of the best measurement."""
        tensors = self.sound_tensors()
        # A kill between the two writes leaves a model that is older than the checkpoint. It is complete, and resuming
        # writes it again.
        write_checkpoint(self.files.state, tensors, self.progress)
        if not self.progress.record:
            self.write_model(tensors)

    def forgotten(self) -> bool:
        """Whether the model on disk is of the newest step, and has forgotten: one that remembers mustn't replace it."""
        try:
            _, said = load_tensors(self.files.model)
        except SemirayError:
            return False
        return "forgotten" in said and said.get("steps") == str(self.progress.steps)

    def sound_tensors(self) -> dict[str, Tensor]:
        """Everything that the next step depends on; an error if training has broken since the last report."""
        losses, _, _ = self.window.means()
        tensors = self.game.tensors()
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
            losses["weights"] = math.nan
        if not all(math.isfinite(value) for value in losses.values()):
            raise self.broken(losses)
        return tensors

    def write_model(self, tensors: dict[str, Tensor]) -> None:
        """Write what `Run.load` reads: the generator's moving average, and the discriminator."""
        model = {f"generator.{name}": tensor for name, tensor in below(tensors, "average.").items()}
        model |= {name: tensor for name, tensor in tensors.items() if name.startswith("discriminator.")}
        save_tensors(self.files.model, model, {"steps": str(self.progress.steps), "images": str(self.progress.images)})

    def draw(self) -> None:
        """Save a figure of real images and, below them, generated ones of the same classes."""
        labels = self.labels.known.numpy()
        of_classes = [np.flatnonzero(labels == label)[:COLUMNS] for label in range(max(1, len(self.classes)))]
        sheet = progress_sheet(self.game.average, self.prior, [self.feed.pick(places) for places in of_classes])
        self.files.samples.mkdir(exist_ok=True)
        save_sheet(sheet, self.files.samples / f"images-{self.progress.images:09d}.png")
