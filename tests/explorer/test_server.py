import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import semiray
from semiray.errors import SemirayError
from semiray.explorer.server import explore, free_port
from semiray.training import Run


def test_a_port_in_use_gives_the_next_free_one() -> None:
    with free_port(20_000) as first:
        port = first.getsockname()[1]
        with free_port(port) as second:
            assert second.getsockname() == ("127.0.0.1", second.getsockname()[1])
            assert second.getsockname()[1] > port


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_no_such_port(port: int) -> None:
    with pytest.raises(SemirayError, match=f"port={port}"):
        free_port(port)


def test_without_the_extra_it_says_what_to_install(known: tuple[Run, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SemirayError, match=r"semiray\[explorer\]"):
        explore(known[0])
    assert semiray.explore is explore


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent in another way there")
def test_it_answers_on_the_loopback_until_ctrl_c(known: tuple[Run, Any]) -> None:
    pytest.importorskip("uvicorn")
    code = (
        "import sys; sys.path.insert(0, 'tests'); from conftest import make_run, make_set; from pathlib import Path;"
        "from semiray.explorer import explore;"
        f"run, _ = make_run(Path({str(known[0].path)!r}), make_set());"
        "explore(run, port=20100, browser=False, say=lambda line: print(line, flush=True))"
    )
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root
    )
    try:
        assert process.stdout is not None
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/\S+/", process.stdout.readline())):
            assert process.poll() is None
        with urllib.request.urlopen(f"{found[0]}about", timeout=60) as answer:
            assert answer.status == 200
        assert others_cannot_reach(int(found[1]))
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate(timeout=60)
    finally:
        process.kill()
    assert said.strip().endswith("Explorer stopped.")
    assert "Traceback" not in complaints
    assert process.returncode == 0


def others_cannot_reach(port: int) -> bool:
    """Whether this machine's other addresses refuse."""
    address = socket.gethostbyname(socket.gethostname())
    if address.startswith("127."):
        return True
    with socket.socket() as other:
        return other.connect_ex((address, port)) != 0
