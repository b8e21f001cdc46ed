"""`explore`: find a free port on this machine, say the address, answer until Ctrl-C."""

from __future__ import annotations

import os
import socket
import sys
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semiray.errors import SemirayError
from semiray.files import user_path
from semiray.memory import keep_freed_memory

if TYPE_CHECKING:
    from semiray.radiographs import ImageArray, RadiographSet
    from semiray.training.run import Run

__all__ = ["PORT", "explore", "free_port"]

PORT = 8765
_TRIED = 100  # ports, one after the other


def explore(
    run: Run,
    data: RadiographSet[ImageArray] | None = None,
    *,
    port: int = PORT,
    browser: bool = True,
    report: str | Path | None = None,
    device: str = "auto",
    say: Callable[[str], None] = print,
) -> None:
    """Show a run in the browser, on this machine alone, until Ctrl-C: its images, and what moves them.

    Args:
        run: A trained run.
        data: What it was trained on, to look for the training image that is nearest to a generated one.
        port: Where to listen, 1 to 65535; if it is in use, the next free one.
        browser: Whether to open the page, where there is a desktop.
        report: A report.json, or its folder; by default the one that stands beside the run, if there is one.
        device: What the run was loaded to, for the lines that make the same images.
        say: Is told the address, and what happens.

    Raises:
        SemirayError: The extra isn't installed, no port is free, ``data`` are not what the run was trained on, or the
            report can't be read.

    Examples:
        ``semiray.explore(semiray.Run.load("RUN"))``
    """
    try:
        import uvicorn

        from semiray.explorer.app import make_app
    except ImportError as error:
        raise SemirayError(f"explore needs {error.name}: pip install 'semiray[explorer]'") from error
    from semiray.explorer.about import describe_run, find_report, read_figures
    from semiray.explorer.guard import new_token
    from semiray.explorer.studio import Studio

    keep_freed_memory()
    figures: dict[str, Any] | None = None
    if report is not None:
        given = user_path(report)
        figures = read_figures(given / "report.json" if given.is_dir() else given)
    elif beside := find_report(run):
        with suppress(SemirayError):  # of an older release: the run can be looked at without it
            figures = read_figures(beside)
    with free_port(port) as listening:
        found = int(listening.getsockname()[1])
        if found != port:
            say(f"Port {port} is in use: taking {found}.")
        if data is not None:
            say("Looking for training images that are alike; it takes a while for thousands.")
        studio, token = Studio(run, data, device=device), new_token()
        about = describe_run(run, has_data=data is not None, report=figures)
        app: Any = make_app(studio, about, token, found)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
        server: Any = uvicorn.Server(config)
        end = server.handle_exit

        def handle_exit(*what: Any) -> None:
            studio.stopping.set()  # a search that runs ends at its next step
            end(*what)

        server.handle_exit = handle_exit
        address = f"http://127.0.0.1:{found}/{token}/"
        say(f"Explorer: {address}")
        say("Only this machine can open it. Ctrl-C stops it.")
        if browser and _has_desktop():
            webbrowser.open(address)
        try:
            with suppress(KeyboardInterrupt):  # raised after a clean end, unless whoever started us ignores Ctrl-C
                server.run(sockets=[listening])
        finally:
            studio.stopping.set()
        say("Explorer stopped.")


def free_port(port: int) -> socket.socket:
    """A socket that is bound to the loopback, at this port or the next free one.

    Raises:
        SemirayError: No such port, or none of a hundred is free.
    """
    if not 1 <= port <= 65_535:
        raise SemirayError(f"port={port}: choose one from 1 to 65535.")
    problem = ""
    for candidate in range(port, min(port + _TRIED, 65_536)):
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if os.name != "nt":  # there it would let two servers share a port
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(("127.0.0.1", candidate))
            found.listen(64)
        except OSError as error:
            found.close()
            problem = error.strerror or str(error)
        else:
            return found
    raise SemirayError(f"port={port}: neither this port nor those after it can be used ({problem}).")


def _has_desktop() -> bool:
    """Whether a browser can be opened that isn't one of the terminal."""
    return sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
