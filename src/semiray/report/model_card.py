"""A model card from a report's figures: the README.md of a run, as the Hugging Face Hub reads it.

Front matter: https://huggingface.co/docs/hub/model-cards; the sections follow Mitchell et al. 2019, arXiv 1810.03993.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from semiray.files import write_whole
from semiray.report.compare import read_figures

if TYPE_CHECKING:
    from semiray.training.run import Run

__all__ = ["model_card", "write_model_card"]

MARK = "<!-- Written by `semiray evaluate`, which writes it anew; delete this line to keep a card of your own. -->"


def model_card(run: Run, content: Mapping[str, Any]) -> str:
    """The card of a run.

    Args:
        run: The run.
        content: Its report, as :meth:`semiray.evaluation.Report.to_dict` gives it.
    """
    figures = read_figures(content)
    metrics = [{"type": title, "name": title, "value": round(one.value, 4)} for title, one in figures.items()]
    front = {
        "library_name": "semiray",
        "tags": ["chest-x-ray", "gan", "synthetic-data", "data-augmentation"],
        "model-index": [
            {
                "name": content["subject"],
                "results": [
                    {
                        "task": {"type": "unconditional-image-generation"},
                        "dataset": {"type": "private", "name": content["data"]},
                        "metrics": metrics,
                    }
                ],
            }
        ],
    }
    warning = (content.get("shortcuts") or {}).get("warning", "")
    phantom = (
        "**Trained on phantoms**, computed toy radiographs: no image is of a patient." if content["phantom"] else ""
    )
    classes = ", ".join(run.classes) or "none"
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n{MARK}",
        f"# {content['subject']}",
        "A generator of chest X-rays whose images obey assumed distributions, trained with "
        f"semiray {content['semiray']}. Research tool, not a medical device.",
        phantom,
        "## What it makes",
        f"Grey images of {run.resolution} x {run.resolution} pixels. Classes: {classes}. Factors: "
        + ", ".join(f"`{factor.name}` ({factor.family}, {factor.dimensions})" for factor in run.prior.factors)
        + f". {run.meaning}",
        '```python\nimport semiray\n\nrun = semiray.Run.load("RUN")\nimages = semiray.generate(run, 600).images\n```',
        "## What was measured",
        f"On {content['data']}, {content['created'][:10]}; 95 % intervals.",
        "| figure | value |\n| --- | --- |\n" + "\n".join(f"| {title} | {one} |" for title, one in figures.items()),
        "## What to know",
        "\n".join(f"- {note}" for note in [warning, *content["notes"]] if note and note != run.meaning),
        "- Images can repeat patients' images that the generator was trained on, and `model.safetensors` holds the "
        "discriminator, which tells more of them than images do.\n"
        "- Share neither if you may not share the images that it was trained on.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def write_model_card(run: Run, content: Mapping[str, Any]) -> Path | None:
    """Write the card into the run's folder, unless a card of somebody's own stands there.

    Returns:
        Its path; None where nothing was written, for that or because the folder can't be written to.
    """
    path = Path(run.path) / "README.md"
    try:
        if path.exists() and MARK not in path.read_text(encoding="utf-8", errors="replace"):
            return None
        write_whole(path, model_card(run, content).encode())
    except OSError:
        return None
    return path
