"""Who may ask the explorer's server what: this machine's browser, at the address with the token, in small bodies.

A page of another site can make a browser send requests to 127.0.0.1 (cross-site request forgery), and with a name that
it lets point there it can read the answers (DNS rebinding). So the Host header must name this server, an Origin must be
its own, and every address begins with a secret token. What the page may load says its content security policy: own
files, no script or style in the page, nothing of other sites.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["LARGEST_QUESTION", "LARGEST_UPLOAD", "POLICY", "Guard", "TooLargeError", "new_token"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGEST_UPLOAD = 64 << 20
"""Bytes of an image that is uploaded."""

LARGEST_QUESTION = 64 << 10
"""Bytes of any other request."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",  # patients' images may be among the answers
}


class TooLargeError(Exception):
    """A body of more bytes than are taken."""


def new_token() -> str:
    """A token that can't be guessed."""
    return secrets.token_urlsafe(24)


class Guard:
    """An ASGI application that hands on what is allowed, without the token, and refuses the rest.

    Args:
        app: what answers.
        token: the first part of every path.
        port: where the server listens.
    """

    def __init__(self, app: Any, token: str, port: int) -> None:
        self.app, self.token = app, token
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)  # the server's own start and end; there are no WebSockets
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if problem := self._problem(scope, headers):
            await _refuse(answer, 403, problem)
            return
        path = scope["path"][len(self.token) + 1 :]
        largest = LARGEST_UPLOAD if path == "/upload" else LARGEST_QUESTION
        length = headers.get(b"content-length", "0")
        if not length.isdecimal() or int(length) > largest:
            await _refuse(answer, 413, f"At most {largest:,} bytes are taken.")
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > largest:  # of a body that didn't say its length
                raise TooLargeError(f"At most {largest:,} bytes are taken.")
            return message

        await self.app({**scope, "path": path, "raw_path": path.encode(), "root_path": ""}, counted, answer)

    def _problem(self, scope: Message, headers: dict[bytes, str]) -> str:
        """Why a request is refused; empty if it isn't."""
        if headers.get(b"host", "").lower() not in self.hosts:
            return "This server answers to 127.0.0.1 and localhost only."
        if headers.get(b"origin", next(iter(self.origins))) not in self.origins:
            return "Requests of other sites are refused."
        opened = scope["method"] == "GET" and headers.get(b"sec-fetch-mode") == "navigate"
        if headers.get(b"sec-fetch-site", "none") not in ("none", "same-origin") and not opened:
            return "Requests of other sites are refused."
        first, slash, _ = scope["path"][1:].partition("/")
        if not (slash and secrets.compare_digest(first.encode(), self.token.encode())):
            return "The token in the address is missing or wrong: open the address that `semiray explore` printed."
        return ""


async def _refuse(send: Send, status: int, reason: str) -> None:
    head = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode()})
