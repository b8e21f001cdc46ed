"""A headless browser for tests of pages, driven over pipes: no port, no dependency."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
PATIENCE = 30.0  # seconds

# Chromium talks DevTools' protocol over file descriptors 3 and 4: no port, no dependency.
LAUNCH = (
    "import fcntl, os, sys\n"
    "ends = [fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3]]\n"
    "for place, end in zip((3, 4), ends): os.dup2(end, place)\n"
    "os.execv(sys.argv[3], sys.argv[3:])"
)


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
        """Opens a file, and waits until it stands there with its images decoded."""
        self.open(page.resolve().as_uri(), width, scheme)

    def open(self, address: str, width: int, scheme: str = "light") -> None:
        """The same of any address."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.scheme(scheme)
        self.events.clear()
        self.ask("Page.navigate", url=address)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self.read())
        self.run("Promise.allSettled([...document.images].map(one => one.decode())).then(() => 0)")

    def scheme(self, scheme: str) -> None:
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def run(self, script: str) -> Any:
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return answer["result"].get("value")

    def until(self, script: str, patience: float = PATIENCE) -> None:
        """Waits until a condition holds."""
        ends = time.monotonic() + patience
        while not self.run(script):
            assert time.monotonic() < ends, f"still not so: {script}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Presses a key."""
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, **(text if kind == "keyDown" else {}))

    def click(self, selector: str) -> None:
        """Clicks on the middle of an element, as a mouse does."""
        place = self.run(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)});"
            " one.scrollIntoView({block: 'center'}); const box = one.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        assert place, f"there is no {selector}"
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def choose_file(self, selector: str, file: Path) -> None:
        """Chooses a file in an input."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    def photograph(self, path: Path) -> None:
        """Writes what is seen as PNG."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def faults(self, *, fetched: bool = True) -> list[str]:
        """What went wrong since the page was opened: in the console, with its images; what was fetched."""
        found = []
        for event in self.events:
            method, about = event["method"], event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(str(about["exceptionDetails"].get("exception", about)))
            elif method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
                found.append(about["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
                found.append(str(about["args"]))
            elif fetched and method == "Network.requestWillBeSent" and about["type"] != "Document":
                url = about["request"]["url"]
                found += [] if url.startswith("data:") else [f"fetched {url}"]
        broken = self.run("[...document.images].filter(one => one.src && !one.naturalWidth).map(one => one.alt)")
        return found + [f"broken image: {name}" for name in broken]

    def close(self) -> None:
        os.close(self.ours_out)  # which it takes as a goodbye
        os.close(self.ours_in)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
