"""A run as others get it: small, without names of files, with a card that says where it comes from and what it is.

The folder is a run that `Run.load` takes, and what the Hugging Face Hub shows: front matter as in
https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from semiray.errors import SemirayError
from semiray.escaping import in_markdown
from semiray.files import check_unused, user_path, write_whole
from semiray.generation import generate
from semiray.pretrained.packing import pack
from semiray.radiographs import ImageArray, RadiographSet
from semiray.radiographs.pixels.traces import Traces
from semiray.report.compare import ReportFigures, read_reports
from semiray.report.model_card import PHANTOM, TASK, figure_table, front_matter, what_is_forgotten, what_it_generates
from semiray.training import Run, RunFiles
from semiray.training.checkpoints import load_tensors, save_tensors

__all__ = ["Origin", "publish"]

COPIES = "Privacy: copies of training images, per cent"
_PRIVACY = "Privacy: "
_KEPT = ("fingerprint", "images", "classes", "labelled", "grounded", "start", "trained")  # of what a run knows of data
_COMPARED = 48  # images generated with packed weights and with the run's own


@dataclass(frozen=True)
class Origin:
    """Where a run comes from, for its card.

    Attributes:
        licence: of the weights, as the Hub writes it: "cc-by-4.0", "mit".
        source: what it was trained on, who made it and where it is, in Markdown.
        datasets: names of the data sets on the Hub.
        phantom: whether it was trained on phantoms.
    """

    licence: str
    source: str = ""
    datasets: tuple[str, ...] = ()
    phantom: bool = False


def publish(
    run: Run,
    out: Path | str,
    origin: Origin,
    *,
    name: str | None = None,
    report: Path | str | None = None,
    data: RadiographSet[ImageArray] | None = None,
) -> Run:
    """Write a run as others get it.

    Args:
        run: a trained run.
        out: a new or empty folder.
        origin: what its card says of licence and source.
        name: what its card tells `Run.load`: the name of a shipped run, ``hf://OWNER/NAME``; by default that of `out`.
        report: what `evaluate` wrote about this run; its figures go into the card.
        data: all images of the run's data set. With them the run keeps the traces of those that it was trained on, by
            which they are recognised; only where they may be shared.

    Returns:
        The published run, loaded from `out`.

    Raises:
        SemirayError: the report is about another run, or its audit found copies of training images; the folder is in
            use or can't be written to; the weights can't be packed.

    Examples:
        ``publish(Run.load("RUN"), "hub", Origin("cc-by-4.0"), report="REPORT").path``
    """
    out = user_path(out)
    found = None if report is None else _audited(run, report)
    check_unused(out)
    files, known = RunFiles(out), {key: run.data[key] for key in _KEPT if key in run.data}
    known["classes"] = list(run.classes)
    traces = None
    if data is not None:
        rows = run.trained_on(data, run.split(data))
        own = Traces.of(data.images, rows)
        traces = own if (kept := run.traces()) is None else own.united(kept)
        known["trained"] = {"images": len(rows), "patients": len(np.unique(data.patient_codes[rows]))}
    weights = {
        f"{kind}.{key}": value.cpu()
        for kind, network in (("generator", run.generator), ("discriminator", run.discriminator))
        for key, value in network.state_dict().items()
    }
    packed = pack(weights)
    record = {"settings": run.settings.model_dump(mode="json"), "data": known}
    try:
        out.mkdir(parents=True, exist_ok=True)
        save_tensors(files.model, packed, _progress(run))
        write_whole(files.record, yaml.safe_dump(record, sort_keys=False, allow_unicode=True))
        if traces is not None:
            traces.save(files.traces)
        published = Run.load(out, "cpu")
        change = int(np.abs(_some(published) - _some(run)).max())
        card = _card(published, name or out.resolve().name, origin, found, change)
        write_whole(out / "README.md", card)
    except OSError as error:
        raise SemirayError(f"{out}: the run can't be written ({error.strerror or error}).") from error
    return published


def _audited(run: Run, report: Path | str) -> ReportFigures:
    """The report of the run, in which no copy was found."""
    (found,) = read_reports([report])
    if found.name != run.path.resolve().name:
        raise SemirayError(f"{report} is about {found.name}, not about {run.path.resolve().name}: evaluate this run.")
    copies = found.figures.get(COPIES)
    if copies is not None and copies.value != 0:
        raise SemirayError(
            f"{report}: {copies.value:g} per cent of the generated images are copies of training images: such a run "
            "isn't published. Share images instead, generated with reject_copies=DATA."
        )
    return found


def _progress(run: Run) -> dict[str, str]:
    """How far the run was trained, as its own file says; nothing where it has none."""
    path = RunFiles(run.path).model
    said: Mapping[str, Any] = load_tensors(path)[1] if path.exists() else {}
    return {key: str(said[key]) for key in ("steps", "images", "forgotten") if key in said}


def _some(run: Run) -> np.ndarray[Any, np.dtype[np.int16]]:
    return generate(run, _COMPARED, seed=0).images.astype(np.int16)


def _card(run: Run, name: str, origin: Origin, report: ReportFigures | None, change: int) -> str:
    figures = [] if report is None else list(report.figures.values())
    trained, title = run.data.get("trained"), name.removeprefix("hf://")
    about = {
        "resolution": run.resolution,
        "classes": list(run.classes),
        "factors": {factor.name: run.grounded.get(factor.name, 0) for factor in run.prior.factors},
    }
    head: dict[str, Any] = {"license": origin.licence, "pipeline_tag": TASK}
    head |= {"datasets": list(origin.datasets)} if origin.datasets else {}
    head["semiray"] = about | ({"trained": trained} if trained else {})
    traced = RunFiles(run.path).traces.exists()
    parts = [
        front_matter(title, "" if report is None else report.data, figures, **head) + f"# {in_markdown(title)}",
        "A generator of chest X-rays whose images follow assumed distributions, trained with semiray. "
        "**Research tool, not a medical device.** Its images are "
        "synthetic: no conclusion about a patient can be drawn from them.",
        PHANTOM if origin.phantom else "",
        "## What it generates",
        what_it_generates(run, name),
        "## Where it comes from",
        origin.source,
        f"Licence of the weights: {in_markdown(origin.licence)}."
        + (f" Trained on {trained['images']:,} images of {trained['patients']:,} patients." if trained else ""),
    ]
    if report is not None:
        parts += [
            "## What was measured",
            f"On {in_markdown(report.data)}; 95 % intervals.",
            figure_table(one for title, one in report.figures.items() if not title.startswith(_PRIVACY)),
        ]
        if audit := [one for title, one in report.figures.items() if title.startswith(_PRIVACY)]:
            parts += ["## Privacy audit", figure_table(audit)]
    parts += [
        "## What to know",
        "- `model.safetensors` holds generator and discriminator in half precision, the discriminator's largest "
        f"matrices in 8 bits. {_COMPARED} images were compared with those of the run as trained: they differ by at "
        f"most {change} of 255 grey levels.\n"
        "- Generated images can repeat training images; a search that finds none does not prove that there are none. "
        "The discriminator can reveal more about training images than generated images do; "
        f"{what_is_forgotten(run)}.\n"
        + (
            "- `traces.npy` tells of any radiograph whether the run was trained on it, and holds each training image "
            "as coarsely as 9 x 9 pixels: `semiray evaluate` never tests on these images and their patients."
            if traced
            else "- The run keeps nothing by which its training images could be recognised: figures that are measured "
            "on them would be too good."
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
