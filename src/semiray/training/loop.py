"""Train a run from start to end: what it is trained on, written down; then step after step."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
import yaml

from semiray.errors import SemirayError
from semiray.files import hold_folder, write_whole
from semiray.memory import keep_freed_memory
from semiray.radiographs import RadiographSet, Split, split_without_copies
from semiray.settings import Settings
from semiray.training.grounding import Grounding, read_grounding
from semiray.training.process_group import ProcessGroup, current_process_group
from semiray.training.reports import TrainingReport
from semiray.training.run import Run, RunFiles, read_run_record, run_prior
from semiray.training.trainer import Trainer

__all__ = ["check_unused", "default_device", "train"]


def default_device() -> torch.device:
    """The GPU where there is one, each process of a machine its own, else the CPU."""
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")


def train(
    data: RadiographSet,
    out: Path | str,
    settings: Settings | None = None,
    *,
    split: Split | None = None,
    resume: bool = False,
    device: torch.device | str | None = None,
    on_report: Callable[[TrainingReport], None] | None = None,
) -> Run:
    """Train on the training patients of a set of radiographs, and save the run.

    Started by torchrun and within `join_process_group`, the processes train one run together: all read the same data,
    the first one writes. The batch is that of the settings, whatever their number.

    Args:
        data: images, with labels or without (images whose label is unknown are left out where others have one).
        out: the run's folder, made here.
        settings: the preset `default` where None; with `resume`, only its budget (`minutes`, `images`) counts.
        split: which images are for training; where None, by patient and `settings.data.fractions`, patients who share a
            near-duplicate counting as one.
        resume: go on from the last checkpoint in `out`.
        device: where to train; the GPU where there is one.
        on_report: called every 50 steps.

    Returns:
        The run, loaded from its folder.

    Raises:
        TrainingInterruptedError: Ctrl-C or SIGTERM; everything is saved and the message says how to go on.
        TrainingStoppedError: a loss was no longer finite, or the folder can't be written to (the disk is full); the
            last good checkpoint is kept.
        SemirayError: the folder holds a run already, or the data isn't that of the run to resume.

    Example:
        ``train(load_radiographs(Path("DATA"), resolution=64), "RUN", make_settings({"minutes": 30}))``
    """
    keep_freed_memory()
    group = current_process_group()
    files = RunFiles(Path(out))
    settings = settings or Settings()
    if resume:
        settings = resumed_settings(files, settings, data)
    elif group.leads:
        check_unused(files)
    if data.images.shape[1:] != (settings.resolution, settings.resolution):
        raise SemirayError(
            f"the images are {data.images.shape[2]} x {data.images.shape[1]} pixels, the settings ask for "
            f"{settings.resolution}: load them with that resolution"
        )
    with hold_folder(files.folder) if group.leads else nullcontext(lambda: None) as check_held:
        trainer = prepare(
            files, settings, data, split, resume, torch.device(device) if device else default_device(), group
        )
        if resume:
            trainer.restore()
        try:
            trainer.train(on_report if group.leads else None, check_held)
        except OSError as error:
            check_held()  # which says more, if the folder is gone
            raise trainer.cut_off(error) from error
        group.wait()  # all is written
    return Run.load(files.folder)


def prepare(
    files: RunFiles,
    settings: Settings,
    data: RadiographSet,
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
            split = split_without_copies(data, settings.data.fractions, settings.seed)
    split = group.from_leader(split)
    assert split is not None
    chosen = data.labelled(split.train)
    if len(chosen) < settings.optimisation.batch:
        raise SemirayError(
            f"{len(chosen)} training images are fewer than a batch of {settings.optimisation.batch}: "
            f"add images, or lower it with --set optimisation.batch={max(2, len(chosen) // 2)}"
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


def check_unused(files: RunFiles) -> None:
    """Raise unless the folder is new or empty, but for what a run that was killed before it began left there."""
    if not files.folder.exists():
        return
    if not files.folder.is_dir():
        raise SemirayError(f"{files.folder} is a file: choose another folder with --out")
    found = {path.name for path in files.folder.iterdir() if not path.name.startswith(".")}
    if found - {files.split.name}:
        raise SemirayError(f"{files.folder} isn't empty: go on with --resume if it is a run, or choose another folder")


def resumed_settings(files: RunFiles, asked: Settings, data: RadiographSet) -> Settings:
    """Settings of the run in the folder, with the budget that is asked for now, if any."""
    settings, known = read_run_record(files.folder)
    if known.get("fingerprint") != data.fingerprint:
        raise SemirayError(
            f"the images aren't those that {files.folder} was trained on (another content, resolution or framing): "
            "resume with the same DATA and options, or train anew with another --out"
        )
    if asked.minutes is not None or asked.images is not None:
        settings = settings.model_copy(update={"minutes": asked.minutes, "images": asked.images})
    return settings


def check_grounding(files: RunFiles, grounding: Grounding | None) -> None:
    """Raise if the metadata no longer say what they said when the run was begun."""
    _, known = read_run_record(files.folder)
    if known.get("observations") != (grounding.digest if grounding else None):
        raise SemirayError(
            f"the metadata that ground factors aren't those that {files.folder} was trained on: resume with the same "
            "table, or train anew with another --out"
        )


def write_record(files: RunFiles, settings: Settings, data: RadiographSet, grounding: Grounding | None) -> None:
    """Write settings.yaml: the settings as resolved, and what the run knows of its data."""
    known = {"fingerprint": data.fingerprint, "images": len(data), "classes": list(data.classes)}
    if grounding:
        known |= {"grounded": grounding.counts, "observations": grounding.digest}
    record = {"settings": settings.model_dump(mode="json"), "data": known}
    write_whole(files.record, yaml.safe_dump(record, sort_keys=False, allow_unicode=True))
