"""The runs that come with semiray, in lines for the terminal, as their cards describe them to programs."""

from collections.abc import Iterator
from pathlib import Path

from semiray.errors import SemirayError
from semiray.pretrained.names import shipped_runs
from semiray.structured import parse_yaml, read_text

__all__ = ["describe_shipped"]

FIGURES = {
    "Utility: synthetic / real": "utility of synthetic images, relative to real ones",
    "Fidelity and coverage: coverage": "coverage",
    "Privacy: copies of training images, per cent": "copies found, per cent",
    "Privacy: AUROC of an attacker with the discriminator": "AUROC of a membership attack with the discriminator",
}
_LARGEST = 1 << 20  # bytes of a card


def describe_shipped() -> list[str]:
    r"""Name, classes, resolution, factors, licence and main figures of every run that comes with semiray.

    Raises:
        SemirayError: the card of a run is missing or damaged.

    Examples:
        ``print("\n".join(describe_shipped()))``
    """
    return [line for name, folder in shipped_runs().items() for line in _described(name, folder / "README.md")]


def _described(name: str, card: Path) -> Iterator[str]:
    try:
        front = parse_yaml(read_text(card, _LARGEST).split("---\n")[1], str(card))
        about = front["semiray"]
        yield f"{name}: {', '.join(about['classes']) or 'no classes'}; {about['resolution']} px"
        grounds = {factor: f"grounded on {n:,} images" if n else "assumed" for factor, n in about["factors"].items()}
        yield f"  factors: {', '.join(f'{factor} ({how})' for factor, how in grounds.items())}"
        if trained := about.get("trained"):
            yield f"  trained on {trained['images']:,} images of {trained['patients']:,} patients"
        yield f"  licence: {front['license']}"
        measured = [one for entry in front.get("model-index", ()) for one in entry["results"][0]["metrics"]]
        values = {one["name"]: one["value"] for one in measured}
        for title, words in FIGURES.items():
            if title in values:
                yield f"  {words}: {values[title]:.2f}"
    except (SemirayError, OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise SemirayError(f"{card}: the card can't be read ({error}). Install semiray anew.") from error
    yield f"  its card: {card}"
