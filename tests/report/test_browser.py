"""The page in a real browser: no console errors, nothing fetched, no sideways scrolling, and it prints."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome to render the page with")

# Chromium talks DevTools' protocol over file descriptors 3 and 4: no port, no dependency.
LAUNCH = (
    "import fcntl, os, sys\n"
    "ends = [fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3]]\n"
    "for place, end in zip((3, 4), ends): os.dup2(end, place)\n"
    "os.execv(sys.argv[3], sys.argv[3:])"
)
WIDTHS = {"desktop": 1280, "phone": 390}
PATIENCE = 30.0


class Chromium:
    """A headless browser with one page."""

    def __init__(self, home: Path) -> None:
        (theirs_in, self.ours_out), (self.ours_in, theirs_out) = os.pipe(), os.pipe()
        assert BROWSER is not None
        flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
        words = [BROWSER, *flags, "--remote-debugging-pipe", f"--user-data-dir={home}", "about:blank"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(theirs_in), str(theirs_out), *words],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        os.set_blocking(self.ours_in, False)
        self.rest, self.count, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.count += 1
        call = {"id": self.count, "method": method, "params": parameters}
        os.write(
            self.ours_out, json.dumps(call | ({"sessionId": self.session} if self.session else {})).encode() + b"\0"
        )
        while True:
            message = self.read()
            if message.get("id") == self.count:
                assert "error" not in message, message
                return dict(message["result"])
            self.events.append(message)

    def read(self) -> dict[str, Any]:
        ends = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            assert time.monotonic() < ends, "the browser says nothing"
            try:
                read = os.read(self.ours_in, 1 << 20)
                assert read, "the browser has gone"
                self.rest += read
            except BlockingIOError:
                time.sleep(0.005)
        first, self.rest = self.rest.split(b"\0", 1)
        return dict(json.loads(first))

    def show(self, page: Path, width: int, scheme: str = "light") -> None:
        """Opens a page, and waits until it stands there with its images decoded."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.scheme(scheme)
        self.events.clear()
        self.ask("Page.navigate", url=page.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self.read())
        self.run("Promise.allSettled([...document.images].map(one => one.decode())).then(() => 0)")

    def scheme(self, scheme: str) -> None:
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def run(self, script: str) -> Any:
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return answer["result"].get("value")

    def faults(self) -> list[str]:
        """What went wrong since the page was opened: in the console, on the network, with its images."""
        found = []
        for event in self.events:
            method, about = event["method"], event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(str(about["exceptionDetails"].get("exception", about)))
            elif method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
                found.append(about["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
                found.append(str(about["args"]))
            elif method == "Network.requestWillBeSent" and about["type"] != "Document":
                url = about["request"]["url"]
                found += [] if url.startswith("data:") else [f"fetched {url}"]
        broken = self.run("[...document.images].filter(one => !one.naturalWidth).map(one => one.alt)")
        return found + [f"broken image: {name}" for name in broken]

    def close(self) -> None:
        os.close(self.ours_out)  # which it takes as a goodbye
        os.close(self.ours_in)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


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
