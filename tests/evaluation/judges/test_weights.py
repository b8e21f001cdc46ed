"""Weights: nothing is downloaded unasked, nothing hangs, nothing false is kept, no pickle is loaded."""

import hashlib
import pickle
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semiray.errors import SemirayError
from semiray.evaluation.judges.weights import INCEPTION, RAD_DINO, Published, download_file, find_weights, read_tensors

CONTENT = bytes(range(256)) * 1200
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/absent":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        if self.path == "/stalls":
            self.wfile.write(CONTENT[:1000])
            self.wfile.flush()
            time.sleep(1.5)
        else:
            self.wfile.write(CONTENT[:100_000] if self.path == "/short.safetensors" else CONTENT)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEMIRAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


def test_a_file_is_downloaded_whole(server: str, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.bin"
    download_file(Published("file.bin", f"{server}/file", DIGEST), target)
    assert target.read_bytes() == CONTENT
    assert socket.getdefaulttimeout() is None
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]


@pytest.mark.parametrize(
    ("path", "digest", "says"),
    [
        ("file", "0" * 64, "invalid hash value"),
        ("absent", "", "Not Found"),
        ("short.safetensors", "", "could not be downloaded"),
        ("stalls", "", "timed out"),
    ],
)
def test_what_goes_wrong_is_reported_and_leaves_nothing(
    server: str, tmp_path: Path, path: str, digest: str, says: str
) -> None:
    with pytest.raises(SemirayError, match=says):
        download_file(Published(path, f"{server}/{path}", digest), tmp_path / path, timeout=0.3)
    assert not list(tmp_path.iterdir())


def test_an_address_that_refuses_or_never_answers_is_an_error_soon(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/file"
        with pytest.raises(SemirayError, match="refused"):  # bound, not listening
            download_file(Published("file.bin", address), tmp_path / "file.bin", timeout=0.3)
        silent.listen()
        started = time.monotonic()
        with pytest.raises(SemirayError, match="timed out"):
            download_file(Published("file.bin", address), tmp_path / "file.bin", timeout=0.3)
        assert time.monotonic() - started < 5
    (tmp_path / "taken").write_text("")
    with pytest.raises(SemirayError, match="could not be downloaded into"):
        download_file(Published("file.bin", address), tmp_path / "taken" / "file.bin", timeout=0.3)


def test_nothing_is_downloaded_unasked_and_the_error_says_what_to_do(cache: Path) -> None:
    for name, files in (("inception", INCEPTION), ("rad-dino", RAD_DINO)):
        with pytest.raises(SemirayError) as told:
            find_weights(name, files, weights=None, download=False)
        for part in (Path(files[-1].name).name, files[0].address.rsplit("/", 1)[0], "download=True", "as weights"):
            assert part in str(told.value)
    assert not cache.exists()
    with pytest.raises(SemirayError, match="no such file"):
        find_weights("inception", INCEPTION, weights=Path("absent.pth"), download=True)


def test_what_was_downloaded_once_is_found_again(server: str, cache: Path) -> None:
    files = [Published(f"pair/{name}", f"{server}/{name}", DIGEST) for name in "ab"]
    assert find_weights("pair", files, weights=None, download=True) == cache / "pair"
    assert find_weights("pair", files, weights=None, download=False) == cache / "pair"
    (cache / "pair" / "b").unlink()
    with pytest.raises(SemirayError, match="needs b from"):
        find_weights("pair", files, weights=None, download=False)
    assert find_weights("one", files[:1], weights=None, download=False) == cache / "pair" / "a"


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path("trap").touch, ())  # type: ignore[return-value]


def test_tensors_are_read_and_pickles_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tensors = {"a": torch.arange(3.0)}
    save_file(tensors, tmp_path / "a.safetensors")
    torch.save(tensors, tmp_path / "a.pth")
    for name in ("a.safetensors", "a.pth"):
        assert torch.equal(read_tensors(tmp_path / name)["a"], tensors["a"])
    torch.save(Trap(), tmp_path / "trap.pt")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Trap(), protocol=2))
    for name in ("trap.pt", "model.pt", "plain.pt"):
        with pytest.raises(SemirayError, match="Do this"):
            read_tensors(tmp_path / name, advice="Do this.")
    assert not (tmp_path / "trap").exists()
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "false.safetensors").write_bytes(b"<html>" * 9)
    torch.save([1, 2], tmp_path / "list.pt")
    for name in ("empty.pt", "false.safetensors", "absent.pt", "list.pt"):
        with pytest.raises(SemirayError, match=name):
            read_tensors(tmp_path / name)
