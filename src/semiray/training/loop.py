"""Train a run from start to end: settings checked, what it is trained on written down; then step after step."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from pydantic import BaseModel

from semiray.devices import choose_device
from semiray.errors import SemirayError, SemirayWarning
from semiray.files import hold_folder, is_installed, user_path, write_whole
from semiray.memory import keep_freed_memory
from semiray.pretrained import find_run
from semiray.priors import JointPrior, read_grounds
from semiray.radiographs import ImageArray, RadiographSet, ReadingOptions, Split, split_by_patient
from semiray.radiographs.pixels.traces import Traces
from semiray.radiographs.thinning import thin_split
from semiray.settings import NONE_ASSUMED, Settings, override
from semiray.structured import parse_yaml
from semiray.training.checkpoints import latest_checkpoint, load_tensors, save_tensors
from semiray.training.classes.findings import add_findings, assumed_settings, run_findings
from semiray.training.classes.labels import TrainingLabels, chosen_images, read_labels, run_labels, said_of_labels
from semiray.training.grounding import Grounding, read_grounding
from semiray.training.process_group import ProcessGroup, current_process_group
from semiray.training.reports import TrainingReport
from semiray.training.run import Run, RunFiles, read_run_record, run_prior
from semiray.training.trainer import Trainer
from semiray.training.warm_start import Start, check_same_start, follow, load_start

__all__ = ["fit_to_data", "plan_training", "train"]

BUDGET = ("minutes", "images", "checkpoint_seconds")


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
    start_from: Path | str | None = None,
    resume: bool = False,
    device: torch.device | str | None = "auto",
    on_report: Callable[[TrainingReport], None] | None = None,
    on_start: Callable[[str], None] | None = None,
    **options: Any,
) -> Run:
    """Train on the training patients of a set of radiographs, and save the run.

    Started by torchrun and within `join_process_group`, the processes train one run together: all read the same data.

    Args:
        data: images, with labels or without. Where some have a label, the class of the others is
            estimated and drawn anew each time that they are shown; with `unlabelled="omit"` they are left out.
        out: the run's folder, made here.
        settings: where the options start from; the preset `default` where None.
        prior: the joint prior, or the path of one in YAML; by default that of the study. The findings that the images
            were read with (`findings="all"`) become factors beside it; "findings": they are all factors.
        minutes: how long to train; 30 where neither this nor `images` is set.
        images: how many real images to train on, repetitions included.
        seed: of the split, the initial weights and every draw; 0 by default.
        ground: rules that ground factors in metadata, the path of such rules, or the name of a recipe.
        split: which images are for training; by default drawn by patient (`settings.data.fractions`), patients who
            share a near-duplicate counting as one; with `data={"official_split": True}` the parts that the data came
            with.
        start_from: a trained run whose weights this one starts from. Networks, resolution, prior and framing follow it
            unless they are set. Patients that it was trained on are in no test part.
        resume: continue from the last checkpoint in `out`, with the run's own settings; `minutes` and `images` may be
            new, any other option that differs from the run's is an error.
        device: where to train: "auto", "cpu", "cuda", "cuda:1" or "mps".
        on_report: called every 50 steps.
        on_start: called with what is taken over from `start_from`, and with what findings say, in words, before
            training.
        options: any other option of `Settings`, such as `preset="study"` or `objectives={"sort": 0.5}`.

    Returns:
        The run, loaded from its folder.

    Raises:
        TrainingInterruptedError: Ctrl-C or SIGTERM; everything is saved and the message says how to continue.
        TrainingStoppedError: a loss was no longer finite, or the folder can't be written to (the disk is full); the
            last good checkpoint is kept.
        SemirayError: an option is invalid, the folder already holds a run, or `data` isn't that of the run to resume;
            `start_from` isn't a run, has another architecture, or keeps no traces of what it was trained on.

    Examples:
        ``train(load_radiographs("DATA", resolution=64), "RUN", minutes=30)``
    """
    keep_freed_memory()
    group = current_process_group()
    files = RunFiles(user_path(out))
    settings = override(
        settings or Settings(), prior=prior, minutes=minutes, images=images, seed=seed, ground=ground, **options
    )
    if not resume:
        settings = fit_to_data(settings, data)
    settings = plan_training(files.folder, settings, start_from=start_from, resume=resume, device=device)
    if resume:
        check_same(files, "fingerprint", data.fingerprint, "the images", "images, read with the same options,")
    start = None if start_from is None or resume else Start(start_from, data)
    with hold_folder(files.folder) if group.leads else nullcontext(lambda: None) as check_held:
        say = on_start if on_start is not None and group.leads else lambda _: None
        trainer = prepare(files, settings, data, split, resume, start, choose_device(device), group, say)
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
    start: Start | None,
    device: torch.device,
    group: ProcessGroup,
    say: Callable[[str], None],
) -> Trainer:
    """What is trained on, split and written down, and the networks; the run's folder is held."""
    kept = dict[str, Any]()
    if group.leads:
        if resume:
            split = Split.load(files.split, data.keys)
            record = read_run_record(files.folder)[1]
            kept = {name: record[name] for name in ("left_out", "start") if record.get(name)}
        else:
            if start is not None:
                split = start.split(settings, split)
            elif split is None:
                asked = settings.data
                split = split_by_patient(data, asked.fractions, settings.seed, official=asked.official_split)
            if settings.data.thin:
                split = thin_split(data, split, settings.data.thin, settings.seed)
            kept = {"left_out": dict(split.left_out)} if split.left_out else {}
    split = group.from_leader(split)
    assert split is not None
    labels = run_labels(settings, data, split)
    chosen = chosen_images(settings, data, split, labels)
    if group.leads and not resume and (said := said_of_labels(data, chosen, labels)):
        warnings.warn(said, SemirayWarning, stacklevel=3)
    if len(chosen) < settings.optimisation.batch:
        raise SemirayError(
            f"{len(chosen)} training images are fewer than a batch of {settings.optimisation.batch}: "
            f"add images, or lower it with optimisation.batch={max(2, len(chosen) // 2)}"
        )
    data = replace(data, findings=run_findings(settings, data, split, labels))
    if not resume:
        assumed = None if settings.prior == NONE_ASSUMED else run_prior(settings)
        settings = group.from_leader(add_findings(settings, assumed, data, chosen, say) if group.leads else settings)
    prior = run_prior(settings)
    grounding = read_grounding(settings, prior, data, chosen)
    if resume:
        digest = grounding.digest if grounding else None
        check_same(files, "observations", digest, "the metadata that ground factors", "table,")
    if group.leads:
        if not resume:
            check_unused(files)  # again: another process may have begun a run before this one held the folder
            split.save(files.split, data.keys)
        if not (resume and files.traces.exists()):  # a run that was begun before there were traces has none
            save_traces(files, data, chosen, start, "start" in kept)
    held_out = data.labelled(split.validation)
    told = group.from_leader(
        read_labels(settings, data, chosen, labels, files.estimates, device) if group.leads else None
    )
    trainer = Trainer(files, settings, prior, data, chosen, told, grounding, device, group, validation=held_out)
    if start is not None:
        weights = start.weights(trainer.game, tuple(grounding.counts) if grounding else ())
        load_start(trainer.game, weights)
        kept["start"] = start.record
        say(start.record["taken_over"])
        if group.leads:
            save_tensors(files.start, weights, {})  # for resuming before there is a checkpoint, without that run
    if group.leads:
        # Last: from here on the folder is a run, and can be resumed.
        write_record(files, settings, data, told, grounding, kept)
    group.wait()  # the others read the folder only now
    if resume and read_run_record(files.folder)[1].get("start") and latest_checkpoint(files.state) is None:
        load_start(trainer.game, load_tensors(files.start)[0])
    return trainer


def save_traces(
    files: RunFiles,
    data: RadiographSet[ImageArray],
    chosen: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    start: Start | None,
    started: bool,
) -> None:
    """Write what recognises the images that the networks are trained on, and those that they started with."""
    if started:
        raise SemirayError(
            f"{files.traces} is missing, and with it what recognises the images of the run that {files.folder} started "
            "from: bring it back, or train a new run with another out="
        )
    traces = Traces.of(data.images, chosen)
    (traces if start is None else traces.united(start.traces)).save(files.traces)


def check_same(files: RunFiles, name: str, value: str | None, what: str, needed: str) -> None:
    """Raise if what the run was begun with is no longer the same."""
    if read_run_record(files.folder)[1].get(name) != value:
        raise SemirayError(
            f"{what} aren't those that {files.folder} was trained on: resume with the same {needed} or train a new run "
            "with another out="
        )


def write_record(
    files: RunFiles,
    settings: Settings,
    data: RadiographSet[ImageArray],
    labels: TrainingLabels,
    grounding: Grounding | None,
    kept: Mapping[str, Any],
) -> None:
    """Write settings.yaml: the settings as resolved, and what the run knows of its data; `kept` when it is resumed."""
    known = {"fingerprint": data.fingerprint, "images": len(data), "classes": list(data.classes), **kept}
    if labels.unknown:
        known["labelled"] = len(labels.known) - labels.unknown
    if data.summary is not None:
        # Runs are shared: values of columns, which may name people, stay out.
        known["reading"] = {**data.summary.to_dict(), "columns": {}}
    if grounding:
        known |= {"grounded": grounding.counts, "observations": grounding.digest}
    record = {"settings": settings.model_dump(mode="json"), "data": known}
    text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
    parse_yaml(text, str(files.record), halves=True)  # what is too large to be read again is said before hours of work
    write_whole(files.record, text)


def plan_training(
    out: Path | str,
    settings: Settings | None = None,
    *,
    start_from: Path | str | None = None,
    resume: bool = False,
    device: torch.device | str | None = "auto",
) -> Settings:
    """The settings that `train` will use, after all checks that need no images; arguments as for `train`.

    A program that takes minutes to read its images calls it first; `train` calls it in any case.

    Returns:
        `settings`, completed by those that follow `start_from`; or, with `resume`, those of the run, with the budget
        (`minutes`, `images`, `checkpoint_seconds`) that `settings` sets, if any.

    Raises:
        SemirayError: the folder is in use, or isn't a run that could be resumed; the prior or the grounding rules are
            invalid; settings contradict those of the run to resume; there is no such device.
    """
    choose_device(device)
    files, asked = RunFiles(user_path(out)), settings or Settings()
    if not resume:
        if start_from is not None:
            asked = follow(asked, start_from)
        if current_process_group().leads:
            check_unused(files)
            if asked.prior != NONE_ASSUMED:
                read_grounds(asked.ground, run_prior(asked))
        return asked
    if find_run(out) != files.folder or is_installed(files.folder):
        raise SemirayError(
            f"resume=True: {out} came with semiray and stays as it is. Start a new run from it: start_from={out}, with "
            "an out= of your own."
        )
    own, data = read_run_record(files.folder)
    if start_from is not None:
        check_same_start(files.folder, start_from, data.get("start"))
    contradictions = list(_contradictions(asked, own))
    if contradictions:
        raise SemirayError(
            f"resume=True continues {files.folder} with its own settings, which differ: {'; '.join(contradictions)}. "
            "Leave these options out, or train a new run with another out=."
        )
    changes = {name: getattr(asked, name) for name in BUDGET if name in asked.model_fields_set}
    if asked.minutes is not None or asked.images is not None:
        changes |= {"minutes": asked.minutes, "images": asked.images}  # one limit replaces the other
    return own.model_copy(update=changes)


def fit_to_data(settings: Settings, data: RadiographSet[ImageArray]) -> Settings:
    """Settings completed by what the images say: their resolution (another than was set is an error), and reading."""
    if data.options is not None:
        settings = override(settings, data=data.options.model_dump())
    height, width = data.images.shape[1:]
    if "resolution" not in settings.model_fields_set:
        settings = override(settings, resolution=width)
    if (height, width) != (settings.resolution, settings.resolution):
        raise SemirayError(
            f"the images have {width} x {height} pixels, but the settings say resolution={settings.resolution}: "
            "load the images at that resolution, or leave it out of the settings."
        )
    return settings


def check_unused(files: RunFiles) -> None:
    """Raise unless the folder is new or empty; files of a run that was killed before it began don't count."""
    if not files.folder.exists():
        return
    if not files.folder.is_dir():
        raise SemirayError(f"{files.folder} is a file: choose another folder with out=")
    found = {path.name for path in files.folder.iterdir() if not path.name.startswith(".")}
    if found - {files.split.name, files.traces.name, files.estimates.name, files.start.name}:
        raise SemirayError(
            f"{files.folder} isn't empty: if it is a run, continue it with resume=True; else choose another out="
        )


def _contradictions(asked: Settings, own: Settings) -> Iterator[str]:
    """Options that were set to other values than the run's, in words."""
    ours, theirs = asked.given(), own.model_dump()
    prior = run_prior(own)  # with factors that findings became, which nobody asked for by name
    if asked.prior is not None and _same_prior(asked, assumed_settings(own, prior, asked.prior.get("factors", ()))):
        del ours["prior"]  # written in another way
    if ours.get("ground") == assumed_settings(own, prior).ground:
        ours.pop("ground", None)
    for name in BUDGET:
        ours.pop(name, None)
    for name in ReadingOptions.model_fields:  # whether the images are the run's is seen when they have been read
        ours.get("data", {}).pop(name, None)
    for name, value in ours.items():
        if isinstance(getattr(own, name), BaseModel):
            for key, one in value.items():
                if one != theirs[name][key]:
                    yield f"{name}.{key}={one} (in the run: {theirs[name][key]})"
        elif value != theirs[name]:
            short = not isinstance(value, dict)
            yield f"{name}={value} (in the run: {theirs[name]})" if short else f"{name}= (another than in the run)"


def _same_prior(one: Settings, other: Settings) -> bool:
    if NONE_ASSUMED in (one.prior, other.prior):
        return one.prior == other.prior
    return run_prior(one) == run_prior(other)
