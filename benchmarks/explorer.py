"""How long the explorer takes from a slider's move to new images: the server alone, and in a browser if there is one.

    python benchmarks/explorer.py RUN --moves 60

Needs `semiray[explorer]`; the browser's part, Chromium. Prints medians and 90th percentiles in milliseconds, and the
server's processor time, which tells what a machine without other work needs on one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import torch
import uvicorn

import semiray
from semiray.explorer.about import describe_run
from semiray.explorer.app import make_app
from semiray.explorer.server import free_port
from semiray.explorer.studio import Studio
from semiray.memory import keep_freed_memory

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from chromium import BROWSER, Chromium

COUNT = 12  # images of the page's grid
WARM = 3  # moves that don't count
SLIDER = "document.querySelector('input[type=range]')"
MOVE = f"(() => {{ const one = {SLIDER}; one.value = PLACE; one.dispatchEvent(new Event('input')); }})()"
TIMES = "performance.getEntriesByName('semiray-images').map((one) => one.duration)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--moves", type=int, default=60)
    given = parser.parse_args()
    keep_freed_memory()  # as `explore` does
    run = semiray.Run.load(given.run)
    listening = free_port(22_000)
    port = listening.getsockname()[1]
    app = make_app(Studio(run), describe_run(run, has_data=False, report=None), "token", port)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    address = f"http://127.0.0.1:{port}/token/"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{run.resolution} px, {COUNT} images, {torch.get_num_threads()} threads, {os.cpu_count()} cores{load}")
    factor = next(one for one in run.prior.factors if not one.entry.discrete).name
    begun = time.process_time()
    report("server", ask_server(address, factor, run, given.moves))
    spent = 1000 * (time.process_time() - begun) / (given.moves + WARM)
    print(f"server: {spent:.0f} ms of the processor a move")
    if BROWSER is None:
        print("no Chromium: the browser's part is left out")
    else:
        report("browser", move_in_browser(address, given.moves))


def ask_server(address: str, factor: str, run: semiray.Run, moves: int) -> list[float]:
    from semiray.explorer.scale import factor_scale

    values, times = factor_scale(run.prior, factor).values, []
    for i in range(moves + WARM):
        body = json.dumps({"count": COUNT, "hold": {factor: values[7 * i % len(values)]}}).encode()
        begun = time.perf_counter()
        urllib.request.urlopen(f"{address}ask/grid", body).read()
        times.append(1000 * (time.perf_counter() - begun))
    return times[WARM:]


def move_in_browser(address: str, moves: int) -> list[float]:
    with tempfile.TemporaryDirectory() as home:
        browser = Chromium(Path(home))
        try:
            browser.open(address, 1280)
            browser.until(f"document.querySelectorAll('.tile img[src]').length === {COUNT}", 300)
            for i in range(moves + WARM):
                browser.run(MOVE.replace("PLACE", str(7 * i % 197)))
                browser.until(f"{TIMES}.length >= {i + 2}", 300)
            return [float(one) for one in browser.run(TIMES)[-moves:]]
        finally:
            browser.close()


def report(name: str, times: list[float]) -> None:
    tenth = statistics.quantiles(times, n=10)[-1]
    print(f"{name}: median {statistics.median(times):.0f} ms, 90th percentile {tenth:.0f} ms, of {len(times)} moves")


if __name__ == "__main__":
    main()
