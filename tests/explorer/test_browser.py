"""The page in a real browser: everything that it offers by a click or a key, without errors, at every width."""

import dataclasses
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chromium import BROWSER, Chromium
from semiray.explorer.about import describe_run
from semiray.explorer.server import free_port
from semiray.explorer.studio import Studio
from semiray.radiographs import RadiographSet
from semiray.training import Run

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome to open the page with")

WIDTHS = {"desktop": 1280, "phone": 390}
FIGURE = {"section": "Utility", "name": "ratio", "figure": "0.90", "beside": "ceiling 1.00", "says": ""}
REPORT = {"file": "report.json", "data": "", "verdict": ["Useful."], "warnings": ["Beware."], "figures": [FIGURE]}


@pytest.fixture(scope="module")
def address(known: tuple[Run, RadiographSet], short_search: None) -> Iterator[str]:
    """The explorer of a run, one of whose factors is grounded."""
    uvicorn = pytest.importorskip("uvicorn", reason="the extra `explorer` isn't installed")
    from semiray.explorer.app import make_app

    run = dataclasses.replace(known[0], grounded={"duration": 812})
    studio = Studio(run, known[1])
    listening: socket.socket = free_port(21_000)
    port = listening.getsockname()[1]
    app = make_app(studio, describe_run(run, has_data=True, report=REPORT), "token", port)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}/token/"
    studio.stopping.set()
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("chromium"))
    chromium.downloads = tmp_path_factory.mktemp("downloads")  # type: ignore[attr-defined]
    yield chromium
    chromium.close()


class Page:
    """The page, and what tests do on it."""

    def __init__(self, browser: Chromium) -> None:
        self.browser, self.run, self.click, self.until = browser, browser.run, browser.click, browser.until

    def text(self, selector: str) -> str:
        return str(self.run(f"document.querySelector({json.dumps(selector)}).textContent"))

    def slide(self, factor: str, place: int) -> None:
        self.move(f"[data-factor={factor}] input[type=range]", place, "input")

    def move(self, selector: str, value: object, kind: str) -> None:
        """Gives a control a value, as a hand does."""
        self.run(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)}); one.value = {json.dumps(value)};"
            f" one.dispatchEvent(new Event({json.dumps(kind)})); }})()"
        )

    def write(self, event: str) -> None:
        self.move("#where", event, "input")

    def changed(self, what: Callable[[], object], selector: str = ".tile img") -> None:
        """Does something and waits until an image is another."""
        before = json.dumps(self.run(f"document.querySelector('{selector}').src"))
        what()
        self.until(f"document.querySelector('{selector}').src !== {before}")

    def enlarge(self, place: int = 3) -> None:
        self.click(f".tile:nth-child({place})")
        self.until("document.querySelectorAll('.row img[src]').length === 7")


@pytest.fixture
def page(browser: Chromium, address: str) -> Iterator[Page]:
    opened(browser, address, WIDTHS["desktop"])
    yield Page(browser)
    assert browser.faults(fetched=False) == []


def opened(browser: Chromium, address: str, width: int, scheme: str = "light") -> None:
    browser.open("about:blank", width, scheme)  # another hash alone would load nothing
    browser.open(address, width, scheme)
    browser.until("document.querySelectorAll('.tile img[src]').length === 12")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_it_fits_every_width_and_scheme_and_says_what_it_shows(
    browser: Chromium, address: str, width: int, scheme: str
) -> None:
    opened(browser, address, width, scheme)
    page = Page(browser)
    assert browser.run("document.documentElement.scrollWidth") <= width
    dark = browser.run("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    seen = browser.run(
        "(() => { const box = meaning.getBoundingClientRect(); return box.height > 0 && box.bottom <= innerHeight; })()"
    )
    assert seen, "what names mean is always in sight"
    assert "Grounded: duration on 812 images" in page.text("#meaning")
    assert "Assumed, grounded on no image: survival, presentation, texture" in page.text("#meaning")
    marks = browser.run(
        "[...document.querySelectorAll('.picture')].filter((one) => one.offsetWidth)"
        ".map((one) => getComputedStyle(one, '::after').content)"
    )
    assert set(marks) == {'"synthetic"'}
    assert browser.faults(fetched=False) == []


def test_sliders_classes_and_seeds_change_the_images(page: Page) -> None:
    page.changed(lambda: page.slide("duration", 150))
    assert page.text("[data-factor=duration] output").endswith("days")
    page.until("command.textContent.includes('--hold duration=')")
    page.changed(lambda: page.click("#release"))
    assert page.text("[data-factor=duration] output") == "as drawn"
    second = ".tile:nth-child(2)"  # the first is of this class already
    page.changed(lambda: page.click("#classes label:nth-child(2)"), f"{second} img")
    page.until(f"document.querySelector('{second} .caption').textContent === '1 · dark'")
    page.changed(lambda: page.click("#redraw"))
    page.until("command.textContent.includes('--seed 1')")
    page.click("#noise label:nth-child(2)")
    page.changed(lambda: page.slide("texture", 20))
    page.until("command.textContent.includes('--seed 2')")
    page.click("[data-factor=survival] label:nth-child(3)")
    page.until("command.textContent.includes('survival=1')")


def test_companions_unfold_follow_and_are_held_alone(page: Page) -> None:
    page.slide("duration", 150)
    page.click("[data-factor=duration] summary")
    page.until("document.querySelector('[data-factor=duration] .companion output').textContent.startsWith('follows')")
    page.move(".companion input[type=range]", 3, "input")
    page.until("command.textContent.includes('duration[1]=')")


def test_events_are_checked_as_they_are_written(page: Page) -> None:
    page.write("survival == 1 and  duraton <= 14")
    page.until("document.querySelector('#where-marks mark')?.textContent === 'duraton'")
    assert page.text("#where-said").startswith("no factor")
    assert page.run("where.getAttribute('aria-invalid')") == "true"
    page.write("survival == 1")
    page.until("document.querySelector('#where-said').textContent.startsWith('Probability 0.5')")
    page.until("command.textContent.includes('--where')")
    page.click("[data-factor=survival] label:nth-child(2)")
    page.until("note.textContent.startsWith('12 of 12 patients have left the event')")
    # The browser's own note of the answer 400 is no fault of the page.
    page.browser.events = [event for event in page.browser.events if "400" not in json.dumps(event)]


def test_a_patient_large_among_neighbours_and_the_differences(page: Page) -> None:
    page.enlarge()
    page.until("command.textContent.includes('--start 2')")
    page.changed(lambda: page.click(".neighbours label:nth-child(4)"), ".row img")
    page.until("document.querySelector('.neighbours p').textContent.startsWith('texture is assumed')")
    page.changed(lambda: page.click(".row .tile:nth-child(7)"), ".large .main img")
    page.until("command.textContent.includes('--hold texture=')")
    page.changed(lambda: page.click("#look label:nth-child(2)"), ".large .main img")
    assert page.run("legend.hidden") is False
    page.browser.press("Escape")
    page.until("!grid.hidden && document.activeElement.classList.contains('tile')")


def test_the_nearest_training_image(page: Page) -> None:
    page.enlarge()
    page.click(".tools button")
    page.until("document.querySelectorAll('.found img').length === 2")
    assert "cop" in page.text(".found strong").lower()


def test_a_real_image_is_sorted_reconstructed_and_moved(page: Page, picture: Path) -> None:
    page.browser.choose_file("#upload", picture)
    page.until("document.body.dataset.view === 'upload' && document.querySelectorAll('.row img[src]').length === 7")
    said = page.text(".facts")
    assert "patient 1.png, real" in said
    assert "as the sorter estimates" in said
    assert "SSIM" in page.text(".beside")
    assert page.run("asked.inert") is True
    page.changed(lambda: page.slide("texture", 190), ".large .main img")
    page.until("python.textContent.includes(\"read_radiograph('patient 1.png'\")")
    page.move(".tools select", "bright", "change")
    page.until("document.querySelector('.facts').textContent.includes('bright, as given')")
    page.until("document.body.dataset.view === 'upload'")


def test_what_is_no_image_is_refused(page: Page, tmp_path: Path) -> None:
    (tmp_path / "letter.png").write_text("dear colleague")
    page.browser.choose_file("#upload", tmp_path / "letter.png")
    page.until("note.textContent.startsWith('letter.png: not an image')")
    assert page.run("grid.hidden") is False


def test_files_are_downloaded(page: Page) -> None:
    folder: Path = page.browser.downloads  # type: ignore[attr-defined]
    page.browser.ask("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    page.click("[data-form=zip]")
    wait_for(folder / "synthetic-RUN.zip")
    page.enlarge()
    page.click("[data-form=png]")
    wait_for(folder / "synthetic-RUN-000002.png")


def wait_for(file: Path) -> None:
    ends = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < ends, f"no {file.name}"
        time.sleep(0.05)
    assert file.stat().st_size > 100


def test_the_report_is_a_click_away(page: Page) -> None:
    page.click("#open-report")
    page.until("report.open")
    assert "ceiling 1.00" in page.text("#report-body")
    page.click("#report [data-close]")
    assert page.run("report.open") is False


def test_all_of_it_by_keys(page: Page) -> None:
    page.run("document.querySelector('.tile').focus()")
    page.browser.press("ArrowRight")
    page.until("document.activeElement === document.querySelectorAll('.tile')[1]")
    page.changed(lambda: page.browser.press("r"))
    page.browser.press("d")
    page.until("!legend.hidden")
    page.browser.press("/")
    page.until("document.activeElement.id === 'where'")
    page.browser.press("Escape")
    unnamed = page.run(
        "[...document.querySelectorAll('button, input, select')].filter((one) => !(one.getAttribute('aria-label')"
        " || one.labels?.length || one.textContent.trim())).map((one) => one.outerHTML)"
    )
    assert unnamed == []


def test_a_reload_keeps_what_is_asked(page: Page) -> None:
    page.slide("duration", 150)
    page.until("location.hash.includes('duration')")
    page.run("location.reload()")
    page.until("document.querySelectorAll('.tile img[src]').length === 12")
    page.until("command.textContent.includes('duration=')")


def test_light_and_dark_by_a_click(page: Page) -> None:
    before = page.run("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    assert page.run("getComputedStyle(document.body).backgroundColor") != before
