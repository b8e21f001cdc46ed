"""The explorer's server as an ASGI application: its pages, and its answers, made one at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from semiray.errors import SemirayError
from semiray.explorer.asking import Ask, read_ask, say_problem
from semiray.explorer.downloads import Download, pack_download
from semiray.explorer.guard import Guard, TooLargeError
from semiray.explorer.pictures import pack
from semiray.explorer.studio import Shown, Studio

if TYPE_CHECKING:  # of the extra: imported when a server is made
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["make_app"]

STATIC = Path(__file__).parent / "static"
_FILES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "explorer.css": ("explorer.css", "text/css; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
    **{
        f"{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
        for name in ("explorer", "controls", "server", "views")
    },
}
_WAITING = 16  # questions of all pages together

R = TypeVar("R")


class _SupersededError(Exception):
    """The page has asked something newer since."""


class _StoppedError(SemirayError):
    """Nobody waits for the search any more."""


class _Desk:
    """Hands questions to the studio, one at a time; of a page's questions of a kind only the newest waits."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        # One thread: PyTorch keeps threads of its own for each thread that computes.
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="semiray-explorer")
        self.newest: dict[tuple[str, str], int] = {}
        self.count = self.waiting = 0

    async def ask(self, kind: str, page: str, work: Callable[[], R]) -> R:
        """Do some work when its turn comes, unless it is out of date by then."""
        if self.waiting >= _WAITING:
            raise SemirayError("The explorer is busy: wait a moment.")
        self.count += 1
        ticket, key = self.count, (kind, page)
        self.newest[key] = ticket
        while len(self.newest) > 1000:
            self.newest.pop(next(iter(self.newest)))

        def turn() -> R:
            if self.newest.get(key, ticket) != ticket or self.studio.stopping.is_set():
                raise _SupersededError
            return work()

        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.worker, turn)
        finally:
            self.waiting -= 1


def make_app(studio: Studio, about: Mapping[str, Any], token: str, port: int) -> Guard:
    """The application.

    Args:
        studio: what makes the images.
        about: what the page is told of the run, from `describe_run`.
        token: the first part of every address.
        port: where it will listen.

    Raises:
        ImportError: Starlette isn't installed.
    """
    from starlette.applications import Starlette
    from starlette.requests import ClientDisconnect
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

    desk = _Desk(studio)
    questions: dict[str, Callable[[Ask], Shown]] = {
        "event": studio.event,
        "grid": studio.grid,
        "patient": studio.patient,
        "nearest": studio.nearest,
    }

    async def file(request: Request) -> Response:
        found = _FILES.get(request.path_params.get("name", ""))
        if found is None:
            return Response("There is no such page.\n", 404, media_type="text/plain")
        return Response((STATIC / found[0]).read_bytes(), media_type=found[1])

    async def tell(_: Request) -> Response:
        return JSONResponse(about)

    async def answer(request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in questions:
            return Response("There is no such question.\n", 404, media_type="text/plain")
        try:
            ask = read_ask(await request.body())
            shown = await desk.ask(kind, ask.page, lambda: questions[kind](ask))
        except _SupersededError:
            return Response(status_code=204)
        except SemirayError as error:
            return JSONResponse(say_problem(error), 400)
        return Response(pack(shown.head, shown.pictures), media_type="application/json")

    async def download(request: Request) -> Response:
        def make(ask: Ask) -> Download:
            if request.path_params["view"] == "grid":
                return pack_download([studio.images(ask)], ask.form, studio.name, studio.grid(ask).head["lines"])
            parts = studio.neighbours(ask)[1:]
            return pack_download(parts, ask.form, studio.name, studio.patient(ask).head["lines"])

        try:
            ask = read_ask(await request.body())
            found = await desk.ask("download", ask.page, lambda: make(ask))
        except _SupersededError:
            return Response(status_code=204)
        except SemirayError as error:
            return JSONResponse(say_problem(error), 400)
        named = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name)}"}
        return Response(found.content, media_type=found.kind, headers=named)

    async def upload(request: Request) -> Response:
        try:
            content = await request.body()
        except ClientDisconnect:
            return Response(status_code=204)
        query = request.query_params
        return StreamingResponse(
            _uploading(desk, content, query.get("name", ""), query.get("label")), media_type="application/x-ndjson"
        )

    async def too_large(_: Request, error: Exception) -> Response:
        return Response(f"{error}\n", 413, media_type="text/plain")

    routes = [
        Route("/about", tell),
        Route("/upload", upload, methods=["POST"]),
        Route("/ask/{kind}", answer, methods=["POST"]),
        Route("/download/{view:str}", download, methods=["POST"]),
        Route("/{name}", file),
        Route("/", file),
    ]
    return Guard(Starlette(routes=routes, exception_handlers={TooLargeError: too_large}), token, port)


async def _uploading(desk: _Desk, content: bytes, name: str, label: str | None) -> AsyncIterator[bytes]:
    """Lines of JSON: what is known so far, how far the search is, in the end the name of what is kept or an error.

    When the browser goes away, the search ends.
    """
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[Mapping[str, Any] | None]()
    gone = False

    def told(said: Mapping[str, Any]) -> None:
        if gone or desk.studio.stopping.is_set():
            raise _StoppedError("The search was stopped.")
        loop.call_soon_threadsafe(lines.put_nowait, dict(said))

    async def work() -> None:
        try:
            shown = await desk.ask("upload", name, lambda: desk.studio.take_upload(content, name, label, told))
            lines.put_nowait(dict(shown.head))
        except (_SupersededError, _StoppedError):
            lines.put_nowait({"error": "The search was stopped."})
        except SemirayError as error:
            lines.put_nowait(say_problem(error))
        finally:
            lines.put_nowait(None)

    task = asyncio.create_task(work())
    try:
        while (said := await lines.get()) is not None:
            yield json.dumps(said).encode() + b"\n"
        await task
    finally:
        gone = True
