"""Train a run from start to end: what it is trained on, written down; then step after step."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
import yaml

from semiray.devices import choose_device
from semiray.errors import SemirayError
from semiray.files import hold_folder, write_whole
from semiray.memory import keep_freed_memory
from semiray.priors import JointPrior
from semiray.radiographs import ImageArray, RadiographSet, Split, split_by_patient
from semiray.settings import Settings, override
from semiray.training.grounding import Grounding, read_grounding
from semiray.training.planning import check_unused, fit_to_data, plan_training
from semiray.training.process_group import ProcessGroup, current_process_group
from semiray.training.reports import TrainingReport
from semiray.training.run import Run, RunFiles, read_run_record, run_prior
from semiray.training.trainer import Trainer

__all__ = ["train"]


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

    Started by torchrun and within `join_process_group`, the processes train one run together: all read the same data,
    the first one writes. The batch is that of the settings, whatever their number.

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
    keep_freed_memory()
    group = current_process_group()
    files = RunFiles(Path(out).expanduser())
    settings = override(
        settings or Settings(), prior=prior, minutes=minutes, images=images, seed=seed, ground=ground, **options
    )
    settings = plan_training(files.folder, settings, resume=resume)
    if resume:
        check_data(files, data)
    else:
        settings = fit_to_data(settings, data)
    with hold_folder(files.folder) if group.leads else nullcontext(lambda: None) as check_held:
        trainer = prepare(files, settings, data, split, resume, choose_device(device), group)
        if resume:
            trainer.restore()
        try:
            trainer.train(on_report if group.leads else None, check_held)
        except OSError as error:
            check_held()  # which says more, if the folder is gone
            raise trainer.cut_off(error) from error
        group.wait()  # all is written
    return Run.load(files.folder, device)


def prepare(
    files: RunFiles,
    settings: Settings,
    data: RadiographSet[ImageArray],
    split: Split | None,
    resume: bool,
    device: torch.device,
    group: ProcessGroup,
) -> Trainer:
    """What is trained on, split and written down, and the networks; the run's folder is held."""
    prior = run_prior(settings)
    if group.leads:
        if resume:
            split = Split.load(files.split, data.keys)
        elif split is None:
            split = split_by_patient(data, settings.data.fractions, settings.seed)
    split = group.from_leader(split)
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
    if group.leads:
        if not resume:
            check_unused(files)  # again: another process may have begun a run before this one held the folder
            split.save(files.split, data.keys)
        write_record(files, settings, data, grounding)  # last: from here on the folder is a run, and can be resumed
    group.wait()  # the others read the folder only now
    return Trainer(files, settings, prior, data, chosen, grounding, device, group)


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
