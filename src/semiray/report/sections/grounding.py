"""Grounding: whether the codes of held-out patients are in the order of their metadata, or of a measure."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

from semiray.evaluation import GroundingResult, Results, Skipped
from semiray.report.section import MEASURES, Block, Guide, Headline, Section, Table, assumed, cell, html

__all__ = ["SECTION"]


def _body(result: GroundingResult, results: Results) -> Iterator[Block]:
    rows = []
    for name, found in result.factors.items():
        if isinstance(found, Skipped):
            figures = ["not measured", found.reason, "", ""]
        else:
            few = html("{:.3f} <small>too few for an interval</small>", found.value)
            events = "with the rarer value" if found.measure == "auroc" else "not censored"
            figures = [
                MEASURES[found.measure],
                few if isnan(found.low) else cell(found.value, found.low, found.high),
                f"{found.n_patients:,} patients, {found.n_images:,} images",
                f"{found.n_events:,} {events}",
            ]
        by = results.measured.get(name)
        grounds = "metadata" if by is None else f"{by} of the pixels, no metadata"
        rows.append([name, *figures, f"{results.grounded.get(name, 0):,} images", grounds])
    yield Table(["factor", "measure", "figure", "tested on", "patients", "grounded on", "grounded in"], rows)
    yield assumed(results)


def _headlines(result: GroundingResult, results: Results) -> Iterator[Headline]:
    for factor, found in result.factors.items():
        if not isinstance(found, Skipped):
            by = f" with {results.measured[factor]} of the pixels" if factor in results.measured else ""
            name = f"{factor} ({MEASURES[found.measure]}{by})"
            yield Headline(name, found.value, found.low, found.high, found.chance, "chance level")


SECTION = Section(
    GroundingResult,
    "Grounding",
    Guide(
        html(
            "These factors are grounded in metadata, or in a measure of the images' own pixels. Does the sorter put "
            "<em>held-out</em> patients in the order that these give?"
        ),
        "Concordance, or AUROC for a factor with two values: the share of pairs of patients in the right order. All "
        "patients count equally; one under observation is compared with those who reached their end earlier.",
        "Floor: 0.5, chance level; below it the order is reversed. Ceiling: 1.",
        "It measures order only: no image shows a number of days. A measure of pixels is no clinical finding. "
        "Censoring that depends on the outcome biases it. "
        "Small numbers of events make it uncertain: see the interval.",
    ),
    _body,
    subtitle="are held-out patients in the order of what grounds the factor? 1 is perfect",
    headlines=_headlines,
)
