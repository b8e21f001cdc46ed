"""A model card from a report's figures: the README.md of a run, as the Hugging Face Hub reads it.

Front matter: https://huggingface.co/docs/hub/model-cards; the sections follow Mitchell et al. 2019, arXiv 1810.03993.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import yaml

from semiray.escaping import in_markdown
from semiray.evaluation import Results
from semiray.files import write_whole
from semiray.report.headlines import headlines, warnings
from semiray.training import Run

__all__ = ["model_card", "write_model_card"]

OURS = "<!-- Written by `semiray evaluate`"  # how a card of ours begins, also one of an older release
MARK = f"{OURS}, which replaces it; delete this line to keep a card of your own. -->"


def model_card(run: Run, results: Results) -> str:
    """The card of a run, from its results."""
    figures = headlines(results)
    measured = {
        "task": {"type": "unconditional-image-generation"},
        "dataset": {"type": "private", "name": results.data},
        "metrics": [
            {"type": one.title, "name": one.title, "value": round(one.value, 4)}
            for one in figures
            if one.value is not None
        ],
    }
    front = {
        "library_name": "semiray",
        "tags": ["chest-x-ray", "gan", "synthetic-data", "data-augmentation"],
        "model-index": [{"name": results.subject, "results": [measured]}],
    }
    phantom = "**Trained on phantoms**, computed toy radiographs: no image is of a patient." if results.phantom else ""
    classes = in_markdown(", ".join(run.classes)) or "none"
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n{MARK}",
        f"# {in_markdown(results.subject)}",
        "A generator of chest X-rays whose images follow assumed distributions, trained with "
        f"semiray {version('semiray')}. Research tool, not a medical device.",
        phantom,
        "## What it generates",
        f"Grey images of {run.resolution} x {run.resolution} pixels. Classes: {classes}. Factors: "
        + ", ".join(f"`{factor.name}` ({factor.family}, {factor.dimensions})" for factor in run.prior.factors)
        + f". {in_markdown(run.meaning)}",
        '```python\nimport semiray\n\nrun = semiray.Run.load("RUN")\nimages = semiray.generate(run, 600).images\n```',
        "## What was measured",
        f"On {in_markdown(results.data)}, {results.created[:10]}; 95 % intervals.",
        "| figure | value | compared with |\n| --- | --- | --- |\n"
        + "\n".join(
            f"| {in_markdown(one.title)} | {in_markdown(str(one))} | {in_markdown(one.beside)} |" for one in figures
        ),
        "## What to know",
        "\n".join(
            f"- {in_markdown(note)}" for note in [*warnings(results), *results.notes] if note and note != run.meaning
        ),
        "- Generated images can repeat training images, and `model.safetensors` contains the discriminator, which "
        "reveals more about them than generated images do.\n"
        "- Share neither if you may not share the training images.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _lines(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(1 << 20).splitlines()


def write_model_card(run: Run, results: Results) -> Path | None:
    """Write the card into the run's folder, unless there is a README.md that semiray didn't write.

    Returns:
        Its path; None if nothing was written, for that reason or because the folder can't be written to.
    """
    path = Path(run.path) / "README.md"
    try:
        if path.exists() and not any(line.startswith(OURS) for line in _lines(path)):
            return None
        write_whole(path, model_card(run, results))
    except OSError:
        return None
    return path
