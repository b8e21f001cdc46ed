import json
import math
from html.parser import HTMLParser
from typing import Any

from semiray.evaluation.skipped import Skipped

from semiray.evaluation import ImageSamples, Results
from semiray.evaluation.judgements.grounding import ConcordanceResult
from semiray.report import report_content
from semiray.report.page import render_page

VOID = {"meta", "img", "source", "br", "link", "input"}


class Checker(HTMLParser):
    """Collects what a page would fetch, and that its tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert tag not in {"script", "link", "iframe"}
        self.sources += [value for name, value in attrs if name in {"src", "href", "srcset"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(**changes: Any) -> str:
    given: dict[str, Any] = {
        "subject": "<RUN> & sons",
        "data": "12 images",
        "phantom": False,
        "utility": Skipped("no labels"),
        "samples": ImageSamples(("",), (), ()),
        "notes": ("first <b>", "second"),
    }
    report = Results(**(given | changes))
    return render_page(report, report_content(report), {"images": (b"light", b"dark")})


def test_the_page_is_whole_fetches_nothing_and_escapes_names() -> None:
    text = page()
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert checker.sources
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in checker.sources)
    assert "&lt;RUN&gt; &amp; sons" in text
    assert "<RUN>" not in text
    assert "first &lt;b&gt;" in text


def test_it_says_once_what_it_is_not_and_only_a_phantom_is_a_phantom() -> None:
    assert page().count("not a medical device") == 1
    assert "phantom" not in page()
    assert "This is a phantom" in page(phantom=True)


def test_dark_and_light_pages_get_their_own_figures() -> None:
    text = page()
    assert 'media="screen and (prefers-color-scheme: dark)"' in text
    assert "ZGFyaw==" in text
    assert "bGlnaHQ=" in text


def test_grounding_says_how_well_how_many_and_why_not() -> None:
    few = ConcordanceResult("auroc", 0.6, math.nan, math.nan, n_images=9, n_patients=7, n_events=2)
    found = ConcordanceResult("concordance", 0.7, 0.55, 0.81, n_images=243, n_patients=71, n_events=31)
    grounding = {"survival": few, "duration": found, "texture": Skipped("no column <b>")}
    given = {"grounding": grounding, "grounded": {"duration": 160, "survival": 50}}
    text = page(**given)
    assert "0.600 <small>too few for an interval</small>" in text
    assert "0.700 <small>0.55–0.81</small>" in text
    assert "71 patients, 243 images" in text
    assert "160 images" in text
    assert "not measured" in text
    assert "no column &lt;b&gt;" in text
    assert "nan" not in text
    assert "Grounding" not in page()
    checker = Checker()
    checker.feed(text)
    assert checker.open == []


def test_report_json_knows_no_nan() -> None:
    few = ConcordanceResult("auroc", 0.6, math.nan, math.nan, n_images=9, n_patients=7, n_events=2)
    report = Results("run", "12 images", False, Skipped("no labels"), ImageSamples(("",), (), ()), grounding={"a": few})
    content = json.loads(json.dumps(report_content(report), allow_nan=False))["grounding"]["a"]
    assert (content["value"], content["low"], content["high"], content["chance"]) == (0.6, None, None, 0.5)


def test_the_browser_is_told_to_fetch_nothing_and_run_nothing() -> None:
    assert """content="default-src 'none'; img-src data:; style-src 'unsafe-inline'\"""" in page()


def test_the_verdict_stands_on_top_and_no_line_begins_with_a_per_cent_sign() -> None:
    text = page(utility=Skipped("only 5 % <b>"))
    assert text.index("Verdict") < text.index("Look first")
    assert "was not measured: only 5\u00a0% &lt;b&gt;" in text
