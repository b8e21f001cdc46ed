"""The settings of a training and of one that is resumed, checked before anything large is read."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from semiray.errors import SemirayError
from semiray.priors import read_grounds
from semiray.radiographs import ImageArray, RadiographSet, ReadingOptions
from semiray.settings import Settings, override
from semiray.training.process_group import current_process_group
from semiray.training.run import RunFiles, read_run_record, run_prior

__all__ = ["check_unused", "fit_to_data", "plan_training"]

BUDGET = ("minutes", "images", "checkpoint_seconds")


def plan_training(out: Path | str, settings: Settings | None = None, *, resume: bool = False) -> Settings:
    """The settings that `train` will use, after all checks that need no images.

    A program that takes minutes to read its images calls it first; `train` calls it in any case.

    Args:
        out: the run's folder.
        settings: the settings asked for; the preset `default` where None.
        resume: whether the run in `out` is to be continued.

    Returns:
        `settings`; or, with `resume`, those of the run, with the budget (`minutes`, `images`, `checkpoint_seconds`)
        that `settings` sets, if any.

    Raises:
        SemirayError: the folder is in use, or isn't a run that could be resumed; the prior or the grounding rules are
            invalid; settings contradict those of the run to resume.
    """
    files, asked = RunFiles(Path(out).expanduser()), settings or Settings()
    if not resume:
        if current_process_group().leads:
            check_unused(files)
            read_grounds(asked.ground, run_prior(asked))
        return asked
    own, _ = read_run_record(files.folder)
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
    """Settings completed by what the images say: their resolution, and how they were read.

    Raises:
        SemirayError: the images don't have the resolution that was set.
    """
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
    if found - {files.split.name}:
        raise SemirayError(
            f"{files.folder} isn't empty: if it is a run, continue it with resume=True; else choose another out="
        )


def _contradictions(asked: Settings, own: Settings) -> Iterator[str]:
    """Options that were set to other values than the run's, in words."""
    ours, theirs = asked.given(), own.model_dump()
    if ours.get("prior") is not None and run_prior(asked) == run_prior(own):
        del ours["prior"]  # written in another way
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
