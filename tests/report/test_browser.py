"""The page in a real browser: no console errors, nothing fetched, no sideways scrolling, and it prints."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chromium import BROWSER, Chromium

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome to render the page with")

WIDTHS = {"desktop": 1280, "phone": 390}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def page(whole: Any) -> Path:
    return Path(whole[1] / "report.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_it_renders_without_faults_and_never_scrolls_sideways(
    browser: Chromium, page: Path, width: int, scheme: str
) -> None:
    browser.show(page, width, scheme)
    assert browser.faults() == []
    assert browser.run("document.querySelector('h1').innerText") == "RUN"
    assert browser.run("document.images.length") > 8
    browser.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("document.body.scrollWidth") <= width
    dark = browser.run("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    light = browser.run("[...document.images].every(one => one.currentSrc === one.src)")
    assert light == (scheme == "light"), "figures are those of the page's scheme"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_prints_on_white_paper(browser: Chromium, page: Path, scheme: str) -> None:
    browser.show(page, WIDTHS["desktop"], scheme)
    printed = base64.b64decode(browser.ask("Page.printToPDF", printBackground=True)["data"])
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 2
    assert browser.faults() == []


FAULTS = {
    "script": ("<script>1</script>", "script"),
    "image": ('<img alt="gone" src="data:image/png;base64,AAAA">', "broken image: gone"),
    "network": ('<link rel="stylesheet" href="https://example.invalid/a.css">', "example.invalid"),
}


@pytest.mark.parametrize(("fault", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_would_be_noticed(browser: Chromium, page: Path, tmp_path: Path, fault: str, said: str) -> None:
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(page.read_text(encoding="utf-8").replace("<h1>", f"{fault}<h1>", 1), encoding="utf-8")
    browser.show(spoilt, WIDTHS["desktop"])
    assert said in " ".join(browser.faults())


def test_errors_of_a_script_and_a_page_too_wide_would_be_noticed(browser: Chromium, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(
        "<div style='width:2000px'>wide</div><script>console.error('said'); throw Error('thrown')</script>"
    )
    browser.show(spoilt, WIDTHS["phone"])
    told = " ".join(browser.faults())
    assert "said" in told
    assert "thrown" in told
    assert browser.run("document.documentElement.scrollWidth") > WIDTHS["phone"]
