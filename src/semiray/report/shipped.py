"""The runs that come with semiray, in lines for the terminal: what each can, what is known of it, what it reaches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semiray.errors import SemirayError
from semiray.pretrained import shipped_runs
from semiray.structured import parse_yaml
from semiray.training.run import read_run_record, run_prior

__all__ = ["describe_shipped"]

FIGURES = {
    "Utility: synthetic / real": "utility of synthetic images, relative to real ones",
    "Fidelity and coverage: coverage": "coverage",
    "Privacy: copies of training images, per cent": "copies found, per cent",
    "Privacy: AUROC of an attacker with the discriminator": "AUROC of a membership attack with the discriminator",
}


def describe_shipped() -> list[str]:
    r"""Name, classes, resolution, factors, licence and main figures of every run that comes with semiray.

    Examples:
        ``print("\n".join(describe_shipped()))``
    """
    return [line for name, folder in shipped_runs().items() for line in _described(name, folder)]


def _described(name: str, folder: Path) -> Iterator[str]:
    settings, data = read_run_record(folder)
    card = _front_matter(folder / "README.md")
    grounded = {factor: count for factor, count in (data.get("grounded") or {}).items() if count}
    factors = [
        f"{one.name} ({f'grounded on {grounded[one.name]:,} images' if one.name in grounded else 'assumed'})"
        for one in run_prior(settings).factors
    ]
    yield f"{name}: {', '.join(data.get('classes') or ['no classes'])}; {settings.resolution} px"
    yield f"  factors: {', '.join(factors)}"
    if trained := data.get("trained"):
        yield f"  trained on {trained['images']:,} images of {trained['patients']:,} patients"
    yield f"  licence: {card.get('license', 'see its card')}"
    measured = [one for entry in card.get("model-index", ()) for one in entry["results"][0]["metrics"]]
    values = {one["name"]: one["value"] for one in measured}
    for title, words in FIGURES.items():
        if title in values:
            yield f"  {words}: {values[title]:.2f}"
    yield f"  its card: {folder / 'README.md'}"


def _front_matter(path: Path) -> dict[str, Any]:
    """What a card of ours says to programs."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SemirayError(
            f"{path}: the card can't be read ({error.strerror or error}). Install semiray anew."
        ) from error
    return dict(parse_yaml(text.split("---\n")[1], str(path)))
