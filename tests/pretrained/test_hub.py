"""Runs on the Hub: a stand-in for its library, and, where that is installed, a stand-in for the Hub itself."""

import json
import shutil
import sys
from collections.abc import Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from semiray.errors import SemirayError
from semiray.pretrained import PUBLISHED, find_run, push
from semiray.training import Run

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def calls(shipped: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What is asked of a stand-in for huggingface_hub; it has one run, owner/name."""
    calls: Calls = []

    def snapshot_download(repository: str, **how: Any) -> str:
        calls.append((repository, how))
        if repository == "owner/name":
            shutil.copytree(shipped.path, how["local_dir"], dirs_exist_ok=True)
        elif repository != "owner/other":
            raise RuntimeError(f"no {repository} here")
        return str(how["local_dir"])

    class HfApi:
        def __init__(self, **_: Any) -> None: ...

        def create_repo(self, repository: str, **how: Any) -> str:
            calls.append((repository, how))
            return f"https://hub/{repository}"

        def upload_folder(self, **how: Any) -> None:
            calls.append(("upload", how))
            if how["repo_id"] == "owner/full":
                raise OSError("no space")

    library = SimpleNamespace(snapshot_download=snapshot_download, HfApi=HfApi)
    monkeypatch.setitem(sys.modules, "huggingface_hub", library)
    monkeypatch.setenv("SEMIRAY_CACHE", str(tmp_path / "cache"))
    return calls


@pytest.mark.parametrize("address", ["hf://owner/name", Path("hf://owner/name")])
def test_a_run_is_fetched_by_its_address(calls: Calls, address: str | Path, tmp_path: Path, shipped: Run) -> None:
    run = Run.load(address)
    assert run.path == tmp_path / "cache" / "hub" / "owner" / "name"
    assert run.classes == shipped.classes
    place = {"revision": None, "local_dir": run.path, "allow_patterns": list(PUBLISHED)}
    assert calls == [("owner/name", place)]
    assert find_run("hf://owner/name@v1.0").name == "name@v1.0"
    assert calls[-1][1]["revision"] == "v1.0"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("hf://owner", "expected hf://OWNER/NAME"),
        ("hf://owner/name/more", "expected hf://OWNER/NAME"),
        ("hf://../name", "expected hf://OWNER/NAME"),
        ("hf://owner/name@../../x", "expected hf://OWNER/NAME"),
        ("hf://owner/other", "isn't a run of semiray"),
        ("hf://owner/none", "can't be fetched: no owner/none here"),
    ],
)
def test_what_is_no_run_is_said(calls: Calls, address: str, told: str) -> None:
    with pytest.raises(SemirayError, match=told):
        Run.load(address)


def test_a_folder_is_uploaded_to_a_private_repository(calls: Calls, shipped: Run) -> None:
    assert push(shipped.path, "owner/name") == "https://hub/owner/name"
    (first, made), (_, sent) = calls
    assert (first, made) == ("owner/name", {"private": True, "exist_ok": True})
    assert (sent["repo_id"], sent["folder_path"], sent["allow_patterns"]) == (
        "owner/name",
        shipped.path,
        list(PUBLISHED),
    )
    with pytest.raises(SemirayError, match="can't be uploaded to owner/full: no space"):
        push(shipped.path, "owner/full")
    with pytest.raises(SemirayError, match="expected OWNER/NAME"):
        push(shipped.path, "name")


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(SemirayError, match=r"pip install 'semiray\[hub\]'"):
        find_run("hf://owner/name")


@pytest.fixture
def hub(shipped: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A server that answers as the Hub does to somebody who downloads owner/name: the paths that were asked for."""
    pytest.importorskip("huggingface_hub", reason="pip install 'semiray[hub]'")
    commit, asked = "a" * 40, []
    names = [file.name for file in shipped.path.iterdir()] + ["weights.pkl"]

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            path = self.path.partition("?")[0]
            asked.append(path)
            name = path.rpartition("/")[2]
            if path.startswith("/api/models/owner/name"):
                siblings = [{"rfilename": one} for one in names]
                content = json.dumps({"id": "owner/name", "sha": commit, "siblings": siblings}).encode()
                if "/tree/" in path:
                    content = json.dumps([{"type": "file", "path": n, "size": 1, "oid": "0"} for n in names]).encode()
            elif path.startswith("/owner/name/resolve/") and name in names:
                content = (shipped.path / name).read_bytes()
            else:
                self.send_response(404)
                self.send_header("X-Error-Code", "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{sha1(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", commit)
            self.end_headers()
            if body:
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", place)
    template = f"{place}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setenv("SEMIRAY_CACHE", str(tmp_path / "cache"))
    yield asked
    server.shutdown()
    server.server_close()


def test_the_library_itself_fetches_the_files_of_a_run_only(hub: list[str], shipped: Run) -> None:
    run = Run.load("hf://owner/name", "cpu")
    assert {file.name for file in run.path.iterdir() if file.is_file()} == set(PUBLISHED)
    assert not any("weights.pkl" in path for path in hub)
    assert run.settings == shipped.settings
    with pytest.raises(SemirayError, match="hf://owner/none can't be fetched"):
        find_run("hf://owner/none")
