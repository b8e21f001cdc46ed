"""Fidelity and coverage: whether synthetic images resemble real ones, and whether all kinds of them are there."""

from __future__ import annotations

from collections.abc import Iterator

from semiray.evaluation import FidelityResult, Results
from semiray.report.section import Block, Guide, Headline, Section, Table, cell, html

__all__ = ["HEADLINES", "MEASURES", "SECTION", "space_name"]

MEASURES = {
    "frechet": "Fréchet distance",
    "kernel": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "sliced": "sliced Wasserstein distance",
    "spectrum": "distance of spectra, decibels",
    "pair_similarity": "MS-SSIM of pairs of a class",
}
SPACES = {
    "trtr": "the last layer of the classifier trained on real images",
    "inception": "the last layer but one of FID's Inception network, trained on photographs",
    "xrv": "the last layer but one of torchxrayvision's DenseNet-121, trained on chest X-rays",
    "rad-dino": "the class token of RAD-DINO, trained on chest X-rays without labels",
}
HEADLINES = ("frechet", "precision", "coverage")


def _body(result: FidelityResult, _: Results) -> Iterator[Block]:
    yield (
        f"{result.n_compared:,} synthetic images are compared with {result.n_reference:,} held-out patients, one image "
        "each; so are as many real images of other held-out patients. All three sets have the same number of images "
        f"per class. Features: {space_name(result.space)} ({result.dimensions} numbers)."
    )
    yield Table(
        ["", html('<span class="synthetic">synthetic</span>'), html('<span class="real">real</span>')],
        [
            [MEASURES[name], cell(m.value, m.low, m.high), cell(m.real, m.real_low, m.real_high)]
            for name, m in result.measures.items()
        ],
    )


def _headlines(result: FidelityResult, _: Results) -> Iterator[Headline]:
    space = f" ({result.space})" if result.space != "trtr" else ""  # spaces can't be compared
    for key in HEADLINES:
        if key in result.measures:
            m = result.measures[key]
            sentence = (
                f"coverage: share of real images with a synthetic one nearby ({m.low:.2f} to {m.high:.2f}); real "
                f"images of other patients reach {m.real:.2f} ({m.real_low:.2f} to {m.real_high:.2f})"
            )
            name, words = f"{MEASURES[key]}{space}", sentence if key == "coverage" else ""
            yield Headline(name, m.value, m.low, m.high, m.real, "real images", sentence=words)


def _verdict(result: FidelityResult, _: Results) -> str:
    share = result.measures.get("coverage")
    if share is None:
        return ""
    figures = f"coverage {share.value:.2f} ({share.low:.2f} to {share.high:.2f}), real images {share.real:.2f}"
    if share.high < share.real_low:
        return f"Synthetic images lack some of the variety of real images: {figures}."
    return f"No significant lack of variety was found: {figures}."


def space_name(name: str) -> str:
    """A feature space's name, and what it is, where that is known."""
    return f"{name}, {SPACES[name]}" if name in SPACES else name


SECTION = Section(
    FidelityResult,
    "Fidelity and coverage",
    Guide(
        "Do synthetic images resemble real ones, and is every kind of real image among them? They are compared with "
        "held-out patients in a feature space and, for the last three figures, in pixels.",
        "Distances: less is better. Precision and density: how many synthetic images lie among real ones. Recall and "
        "coverage: how many real images have synthetic ones nearby; low where some kind of real image is never "
        "generated. Pixels: texture and detail at every scale; the strength of coarse and fine structure; the "
        "similarity of two images of one class, which means less diversity where it is above that of real images.",
        "Floor of distances, ceiling of the others: what as many real images of other patients reach.",
        "All figures depend on the feature space and on the number of images: compare them with the column of real "
        "images only.",
    ),
    _body,
    subtitle="compared with real images of other patients",
    headlines=_headlines,
    verdict=_verdict,
)
