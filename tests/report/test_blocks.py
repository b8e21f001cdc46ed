from markupsafe import Markup

from semiray.evaluation import Interval
from semiray.report.blocks import cell, cells, ends, html, signed, span

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
