"""Who is refused: other hosts, other sites, no token, bodies too large; and what every answer forbids."""

from typing import Any

import pytest

from semiray.explorer.guard import LARGEST_QUESTION, Guard, TooLargeError, new_token

HOME = "http://127.0.0.1:8765"


@pytest.fixture
def client() -> Any:
    """Asks a server behind the guard that says what it was asked."""
    pytest.importorskip("starlette", reason="the extra `explorer` isn't installed")
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from starlette.testclient import TestClient

    async def echo(request: Any) -> Any:
        return PlainTextResponse(f"{request.url.path} {len(await request.body())}")

    async def too_large(_: Any, error: Exception) -> Any:
        return PlainTextResponse(str(error), 413)

    routes = [Route("/{path:path}", echo, methods=["GET", "POST"])]
    app = Starlette(routes=routes, exception_handlers={TooLargeError: too_large})
    return TestClient(Guard(app, "secret", 8765), base_url=HOME)


def test_the_address_with_the_token_is_answered_under_strict_headers(client: Any) -> None:
    answer = client.get("/secret/about")
    assert (answer.status_code, answer.text) == (200, "/about 0")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert client.get("/secret/", headers={"host": "localhost:8765"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/about", "/secre/about", "/secretx/about", "/SECRET/about", "/secret"])
def test_without_the_token_nothing_is_told(client: Any, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 403
    assert "token" in answer.text
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("host", ["evil.example:8765", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.evil.example:8765", ""])
def test_other_hosts_are_refused(client: Any, host: str) -> None:
    assert client.get("/secret/about", headers={"host": host}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_sites_are_refused(client: Any, headers: dict[str, str]) -> None:
    assert client.post("/secret/ask/grid", content=b"{}", headers=headers).status_code == 403
    assert client.post("/secret/ask/grid", content=b"{}", headers={"origin": HOME}).status_code == 200


def test_a_link_from_elsewhere_may_open_the_page_but_not_post(client: Any) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/secret/", headers=link).status_code == 200
    assert client.post("/secret/ask/grid", content=b"{}", headers=link).status_code == 403


def test_large_bodies_are_refused_whether_they_say_their_length_or_not(client: Any) -> None:
    body = b"x" * (LARGEST_QUESTION + 1)
    assert client.post("/secret/ask/grid", content=body).status_code == 413
    assert client.post("/secret/ask/grid", content=iter([body[:9], body])).status_code == 413
    assert client.post("/secret/upload", content=body).text == f"/upload {len(body)}"


def test_tokens_differ_and_are_long() -> None:
    tokens = {new_token() for _ in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 32
