import math
from typing import Any

from markupsafe import Markup

from semiray.evaluation import JUDGEMENTS, Interval, UtilityResult
from semiray.report.section import Headline, Section, assumed, cell, cells, ends, html, signed, span
from semiray.report.sections import sections


def test_a_headline_in_words() -> None:
    full = Headline("gain", -0.0125, -0.5, 1234.5, 0.0, "no benefit", digits=3, signed=True, section="Benefit")
    assert str(full) == "−0.013 (−0.500 to +1,234.500)" or str(full) == "−0.012 (−0.500 to +1,234.500)"
    assert (full.title, full.beside) == ("Benefit: gain", "no benefit 0")
    assert str(Headline("change", 3.25, unit="grey levels", digits=1)) == "3.2 grey levels"
    assert str(Headline("none", None)) == "-"
    assert str(Headline("few", 0.5, math.nan, math.nan)) == "0.50"
    assert Headline("none", 1.0).beside == ""


def test_a_section_per_judgement_in_their_order_with_all_that_a_reader_needs(whole: Any) -> None:
    assert tuple(section.name for section in sections()) == JUDGEMENTS
    assert len({section.title for section in sections()}) == len(JUDGEMENTS)
    names = [name for section in sections() for name in section.plots]
    assert len(set(names)) == len(names)
    for section in sections():
        assert section.real_plots <= set(section.plots)
        guide = section.guide
        for words in (guide.measured, guide.reading, guide.ends, guide.caveats):
            assert len(words) > 15


def test_what_was_not_measured_is_neither_found_nor_skipped(whole: Any, make: Any) -> None:
    section: Section[UtilityResult] = sections()[0]
    empty = make.results()
    assert section.found(empty) is None
    assert section.sentence(empty) == ""
    assert section.found(whole[0]) is whole[0].utility


def test_assumed_names_are_said(whole: Any, make: Any) -> None:
    assert assumed(whole[0]).startswith("Assumed names, not grounded in metadata: survival, ")
    assert assumed(make.results()) == ""


HALF = Interval(0.5, 0.25, 0.75, (0.5,))


def test_html_escapes_what_it_fills_in_and_formats_numbers() -> None:
    text = html("<b>{}</b> {:,} {:.1f}", "a < b", 1234, 0.25)
    assert text == Markup("<b>a &lt; b</b> 1,234 0.2")
    assert html("{}", html("<i>{}</i>", "x")) == "<i>x</i>"


def test_figures_with_their_intervals() -> None:
    assert cell(0.5, 0.25, 0.75) == "0.500 <small>0.25–0.75</small>"
    assert cells(HALF, HALF) == [cell(0.5, 0.25, 0.75)] * 2
    assert span(HALF) == "0.25 to 0.75"
    assert ends(HALF) == (0.5, 0.25, 0.75)
    assert (signed(-0.5), signed(0.5)) == ("−0.500", "+0.500")
