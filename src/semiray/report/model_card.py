"""A model card from a report's figures: the README.md of a run, as the Hugging Face Hub reads it.

Front matter: https://huggingface.co/docs/hub/model-cards; the sections follow Mitchell et al. 2019, arXiv 1810.03993.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import yaml

from semiray.escaping import in_markdown
from semiray.evaluation import Results
from semiray.files import is_installed, write_whole
from semiray.report.headlines import headlines, warnings
from semiray.report.section import Headline
from semiray.training import Run

__all__ = [
    "PHANTOM",
    "TASK",
    "figure_table",
    "front_matter",
    "model_card",
    "what_is_forgotten",
    "what_it_generates",
    "write_model_card",
]

PHANTOM = "**Trained on phantoms**, computed toy radiographs: no image is of a patient."
TASK = "unconditional-image-generation"  # as the Hub calls it

OURS = "<!-- Written by `semiray evaluate`"  # how a card of ours begins, also one of an older release
MARK = f"{OURS}, which replaces it; delete this line to keep a card of your own. -->"


def model_card(run: Run, results: Results) -> str:
    """The card of a run, from its results."""
    figures = headlines(results)
    phantom = PHANTOM if results.phantom else ""
    parts = [
        f"{front_matter(results.subject, results.data, figures)}{MARK}",
        f"# {in_markdown(results.subject)}",
        "A generator of chest X-rays whose images follow assumed distributions, trained with "
        f"semiray {version('semiray')}. Research tool, not a medical device.",
        phantom,
        "## What it generates",
        what_it_generates(run, "RUN"),
        "## What was measured",
        f"On {in_markdown(results.data)}, {results.created[:10]}; 95 % intervals.",
        figure_table(figures),
        "## What to know",
        "\n".join(
            f"- {in_markdown(note)}" for note in [*warnings(results), *results.notes] if note and note != run.meaning
        ),
        "- Generated images can repeat training images, and `model.safetensors` contains the discriminator, which "
        f"can reveal more about them than generated images do; {what_is_forgotten(run)}.\n"
        "- Share neither if you may not share the training images.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def what_is_forgotten(run: Run) -> str:
    """Whether the discriminator has forgotten the training images, as the end of a sentence about it."""
    return "training ended by making it forget them" if run.forgotten else "it was not made to forget them"


def front_matter(name: str, data: str, figures: Sequence[Headline], **more: object) -> str:
    """What the Hub reads of a card: `more`, and the figures that were measured on `data`, where there are any."""
    measured = {
        "task": {"type": TASK},
        "dataset": {"type": "private", "name": data},
        "metrics": [
            {"type": one.title, "name": one.title, "value": round(one.value, 4)}
            for one in figures
            if one.value is not None
        ],
    }
    front: dict[str, object] = {
        **more,
        "library_name": "semiray",
        "tags": ["chest-x-ray", "gan", "synthetic-data", "data-augmentation"],
    }
    if figures:
        front["model-index"] = [{"name": name, "results": [measured]}]
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n"


def what_it_generates(run: Run, called: str) -> str:
    """Images, classes and factors of a run, and the lines that generate some; `called` is what `Run.load` takes."""
    classes = in_markdown(", ".join(run.classes)) or "none"
    factors = ", ".join(f"`{factor.name}` ({factor.family}, {factor.dimensions})" for factor in run.prior.factors)
    return (
        f"Grey images of {run.resolution} x {run.resolution} pixels. Classes: {classes}. Factors: {factors}. "
        f"{in_markdown(run.meaning)}\n\n"
        f"```python\nimport semiray\n\nrun = semiray.Run.load({json.dumps(called, ensure_ascii=False)})\n"
        "images = semiray.generate(run, 600).images\n```"
    )


def figure_table(figures: Iterable[Headline]) -> str:
    """Figures beside what they are compared with."""
    rows = (f"| {in_markdown(one.title)} | {in_markdown(str(one))} | {in_markdown(one.beside)} |" for one in figures)
    return "\n".join(["| figure | value | compared with |", "| --- | --- | --- |", *rows])


def _lines(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(1 << 20).splitlines()


def write_model_card(run: Run, results: Results) -> Path | None:
    """Write the card into the run's folder, unless there is a README.md that semiray didn't write.

    Returns:
        Its path; None if nothing was written, for that reason, because the folder can't be written to, or because the
        run came with semiray.
    """
    path = Path(run.path) / "README.md"
    try:
        if is_installed(path):
            return None
        if path.exists() and not any(line.startswith(OURS) for line in _lines(path)):
            return None
        write_whole(path, model_card(run, results))
    except OSError:
        return None
    return path
