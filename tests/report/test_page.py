import re
from html.parser import HTMLParser
from typing import Any

import pytest

from semiray.evaluation import Skipped
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


@pytest.fixture
def page(make: Any) -> Any:
    def render(**changes: Any) -> str:
        given: dict[str, Any] = {
            "subject": "<RUN> & sons",
            "data": "12 images",
            "utility": Skipped("no labels"),
            "notes": ("first <b>", "second"),
        }
        return render_page(make.results(**given | changes), {"images": (b"light", b"dark")})

    return render


def test_the_page_is_whole_fetches_nothing_and_escapes_names(page: Any) -> None:
    text = page()
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert checker.sources
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in checker.sources)
    assert "&lt;RUN&gt; &amp; sons" in text
    assert "<RUN>" not in text
    assert "first &lt;b&gt;" in text


def test_it_says_once_what_it_is_not_and_only_a_phantom_is_a_phantom(page: Any) -> None:
    assert page().count("not a medical device") == 1
    assert "phantom" not in page()
    assert "This is a phantom" in page(phantom=True)


def test_dark_and_light_pages_get_their_own_figures(page: Any) -> None:
    text = page()
    assert 'media="screen and (prefers-color-scheme: dark)"' in text
    assert "ZGFyaw==" in text
    assert "bGlnaHQ=" in text


def test_the_browser_is_told_to_fetch_nothing_and_run_nothing(page: Any) -> None:
    assert """content="default-src &#39;none&#39;; img-src data:; style-src &#39;unsafe-inline&#39;\"""" in page()


def test_the_verdict_stands_on_top_and_no_line_begins_with_a_per_cent_sign(page: Any) -> None:
    text = page(utility=Skipped("only 5 % <b>"))
    assert text.index("Verdict") < text.index("Look first")
    assert "was not measured: only 5\u00a0% &lt;b&gt;" in text


def test_a_whole_page_has_a_guide_per_section_and_cards_that_link_to_them(whole: Any) -> None:
    text = (whole[1] / "report.html").read_text()
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    found = dict(re.findall(r"<section.*?><h2>(.*?)</h2>(.*?)</section>", text, re.DOTALL))
    for title in set(found) - {"Look first", "What to know", "Fidelity and coverage"}:
        guide = re.findall(r"<dt>(.*?)</dt>", found[title].split("</dl>")[0])
        assert guide == ["Measured", "How to read it", "Floor and ceiling", "Caveats"], title
    assert found["Fidelity and coverage"].strip().startswith("<p>Not measured")  # which takes 40 held-out patients
    cards = re.findall(r'<a class="card" href="#(.*?)"><span class="name">(.*?)</span>', text)
    assert [title for _, title in cards] == ["Utility", "Benefit", "Commitment", "Privacy"]
    assert all(f'<section id="{place}"><h2>{title}</h2>' in text for place, title in cards)
    for words in ("nan", "None", "Undefined"):
        assert not re.search(rf">\s*{words}\s*<", text)
