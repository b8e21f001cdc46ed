"""What stands on top of a report: the figures that matter, the verdict and warnings, gathered from the sections."""

from __future__ import annotations

from dataclasses import replace

from semiray.evaluation import Results
from semiray.report.section import Headline
from semiray.report.sections import sections

__all__ = ["headlines", "verdict", "warnings"]


def headlines(results: Results) -> list[Headline]:
    r"""The figures that matter, in the order of the sections: for cards, summary, `compare` and the model card.

    Example:
        ``print(*headlines(results), sep="\n")``
    """
    found = ((section, section.found(results)) for section in sections())
    return [
        replace(one, section=section.title)
        for section, result in found
        if result is not None
        for one in section.headlines(result, results)
    ]


def verdict(results: Results) -> list[str]:
    """What a report comes to, in a few sentences that claim no more than its intervals do.

    A sentence about something that was not measured is left out, except those about utility and privacy, whose absence
    a reader must know of. The rules are in docs/evaluation.md.

    Example:
        >>> verdict(results)  # doctest: +SKIP
        ['Trained on these images only, a classifier of real patients reaches 86 % of the balanced accuracy ...', ...]
    """
    return [text for section in sections() if (text := section.sentence(results))]


def warnings(results: Results) -> list[str]:
    """What a reader must know before anything else."""
    found = ((section, section.found(results)) for section in sections())
    return [text for section, result in found if result is not None and (text := section.warning(result))]
