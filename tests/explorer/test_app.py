"""The server as a browser meets it, without one."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from semiray.explorer.about import describe_run
from semiray.explorer.app import STATIC, make_app
from semiray.explorer.studio import Studio

testclient = pytest.importorskip("starlette.testclient", reason="the extra `explorer` isn't installed")
HOME = "http://127.0.0.1:8765"


@pytest.fixture
def client(studio: Studio) -> Any:
    about = describe_run(studio.run, has_data=True, report=None)
    return testclient.TestClient(make_app(studio, about, "token", 8765), base_url=f"{HOME}/token/")


def test_the_page_and_its_files_are_served_and_need_nothing_else(client: Any) -> None:
    page = client.get("")
    assert page.headers["content-type"].startswith("text/html")
    for name in ("explorer.css", "explorer.js", "controls.js", "server.js", "views.js", "icon.svg"):
        assert client.get(name).status_code == 200
    assert client.get("../app.py").status_code in (403, 404)
    assert client.get("app.py").status_code == 404
    shipped = "".join(path.read_text(encoding="utf-8") for path in STATIC.iterdir())
    assert "https://" not in shipped, "nothing of other sites"
    for forbidden in ("<style", "style=", "onclick=", "javascript:", "eval(", "innerHTML"):
        assert forbidden not in shipped, "the policy forbids it, or it would run what data say"


def test_questions_are_answered(client: Any) -> None:
    assert client.get("about").json()["classes"] == ["dark", "middle", "bright"]
    answer = client.post("ask/grid", content=json.dumps({"count": 2, "where": "survival == 1"}))
    assert answer.status_code == 200
    assert len(answer.json()["pictures"]) == 2
    assert client.post("ask/nothing", content=b"{}").status_code == 404
    assert client.get("ask/grid").status_code == 405


def test_errors_are_sentences_with_their_place(client: Any) -> None:
    answer = client.post("ask/event", content=json.dumps({"where": "survival = 1"}))
    assert answer.status_code == 400
    assert answer.json() == {"error": "equality is written ==", "line": "survival = 1", "place": [9, 10]}
    assert client.post("ask/grid", content=b"{").status_code == 400
    assert "label" in client.post("ask/grid", content=json.dumps({"label": "virsu"})).json()["error"]


def test_downloads_are_named(client: Any) -> None:
    answer = client.post("download/grid", content=json.dumps({"count": 2, "form": "zip"}))
    assert answer.headers["content-disposition"].endswith("synthetic-RUN.zip")
    assert answer.content.startswith(b"PK")
    answer = client.post("download/patient", content=json.dumps({"index": 3, "factor": "texture", "form": "png"}))
    assert answer.content.startswith(b"\x89PNG")


@pytest.mark.usefixtures("short_search")
def test_an_upload_tells_how_far_it_is_and_is_kept(client: Any, picture: Path) -> None:
    answer = client.post("upload?name=a.png&label=dark", content=picture.read_bytes())
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["label"] == "dark"
    assert lines[-2] == {"done": 4, "of": 4}
    shown = client.post("ask/patient", content=json.dumps({"upload": lines[-1]["upload"], "factor": "texture"}))
    assert len(shown.json()["pictures"]) == 11
    refused = client.post("upload?name=a.png", content=b"no image").text
    assert json.loads(refused)["error"].startswith("a.png: ")


def test_of_a_page_s_questions_only_the_newest_waits(studio: Studio) -> None:
    begun, go, made = threading.Event(), threading.Event(), list[int]()
    grid = studio.grid

    def slow(ask: Any) -> Any:
        made.append(ask.seed)
        begun.set()
        assert go.wait(20)
        return grid(ask)

    about = describe_run(studio.run, has_data=True, report=None)
    studio.grid = slow  # type: ignore[method-assign]
    with testclient.TestClient(make_app(studio, about, "token", 8765), base_url=f"{HOME}/token/") as client:
        answers: dict[int, int] = {}

        def post(seed: int) -> None:
            body = json.dumps({"seed": seed, "count": 1, "page": "p"})
            answers[seed] = client.post("ask/grid", content=body).status_code

        threads = [threading.Thread(target=post, args=(seed,)) for seed in range(4)]
        threads[0].start()
        assert begun.wait(20)
        for thread in threads[1:]:
            thread.start()
            threading.Event().wait(0.2)  # so that they arrive in order
        go.set()
        for thread in threads:
            thread.join(20)
    assert made == [0, 3]
    assert answers == {0: 200, 1: 204, 2: 204, 3: 200}
