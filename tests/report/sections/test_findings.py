"""What a report says of findings."""

from typing import Any

import pytest

from semiray.evaluation import FindingsResult, UtilitySettings
from semiray.evaluation.judgements.findings import FindingResult, FindingScores, Frequency, PairResult
from semiray.report.headlines import headlines, summarise, verdict
from semiray.report.page import render_page
from semiray.report.report import Report
from semiray.report.sections.findings import SECTION, plot_findings
from semiray.report.theme import LIGHT


@pytest.fixture
def result(make: Any) -> FindingsResult:
    def scores(value: float) -> FindingScores:
        return FindingScores(make.interval(value), make.interval(value - 0.3))

    seldom = Frequency(0.3, 0.34, 0.32, 0.36, 0.31, 0.3)
    one = FindingResult("<Effusion>", "Effusion", scores(0.8), scores(0.9), 0.95, seldom, 100, 90, 31)
    return FindingsResult(
        (one, one),
        {"Hernia": "2 held-out patients have it; at least 5 are needed"},
        scores(0.8),
        scores(0.9),
        make.interval(0.89),
        make.interval(0.83),
        (PairResult("Effusion", "Mass", Frequency(0.1, 0.07, 0.06, 0.08, 0.1, 0.09)),),
        UtilitySettings(seeds=2),
        400,
        390,
        6000,
        2000,
    )


def test_the_verdict_says_how_much_of_real_images_is_reached(result: FindingsResult, make: Any) -> None:
    results = make.results(findings=result)
    assert "recognises 2 findings of real patients with 89 % of the mean AUROC" in verdict(results)[0]
    figures = {one.name: one for one in headlines(results)}
    assert figures["mean AUROC, trained on synthetic images"].reference == pytest.approx(0.9)
    assert "mean of 2 findings" in figures["mean AUROC, trained on synthetic images"].sentence  # its card
    assert figures["rate, largest error"].value == pytest.approx(0.04)
    assert figures["rate of two together, largest error"].reference == pytest.approx(0.01)
    assert "Findings: mean over findings" in "\n".join(summarise(results))


def test_chance_is_no_evidence(result: FindingsResult, make: Any) -> None:
    import dataclasses

    bad = dataclasses.replace(result, tstr=FindingScores(make.interval(0.51), make.interval(0.3)))
    assert "No evidence that findings can be learned" in verdict(make.results(findings=bad))[0]


def test_the_page_shows_tables_and_says_what_is_missing(result: FindingsResult, make: Any) -> None:
    results = make.results(findings=result)
    blocks = list(SECTION.body(result, results))
    assert "Hernia: 2 held-out patients" in blocks[-1]
    page = render_page(Report.of(results), {})
    assert "&lt;Effusion&gt;" in page
    assert "Effusion and Mass" in page


def test_every_finding_has_its_line(result: FindingsResult) -> None:
    figure = plot_findings(result, LIGHT)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["<Effusion>"] * 2
