"""The script that sets everything up: what it decides, and what it says when it can't."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def start(tmp_path: Path) -> ModuleType:
    """start.py as a module, in a folder of its own beside copies of what it reads."""
    for name in ("start.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    specification = importlib.util.spec_from_file_location("start", tmp_path / "start.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def pins() -> dict[str, Version]:
    """The exact versions of constraints.txt, by normalised name."""
    found = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            (exact,) = pin.specifier
            assert exact.operator == "==", f"{line} is not an exact version"
            found[pin.name.lower().replace("_", "-")] = Version(exact.version)
    return found


def test_every_package_that_is_asked_for_is_pinned_to_a_version_that_satisfies(start: ModuleType) -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["parquet"],
        *project["project"]["optional-dependencies"]["tensorboard"],
        *project["project"]["optional-dependencies"]["tfp"],
        *project["build-system"]["requires"],
        *start.development(),
    ]
    known = pins()
    for requirement in map(Requirement, asked):
        name = requirement.name.lower().replace("_", "-")
        assert name in known, f"{name} has no line in constraints.txt"
        assert known[name] in requirement.specifier, f"constraints.txt pins {name} {known[name]}, not {requirement}"


def test_one_set_of_pins_serves_every_supported_python(start: ModuleType) -> None:
    assert (start.OLDEST, start.NEWEST) == ((3, 11), (3, 14))
    names = []
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            names.append(pin.name)
            versions = [f"3.{minor}.0" for minor in range(start.OLDEST[1], start.NEWEST[1] + 1)]
            linux = {"sys_platform": "linux", "platform_machine": "x86_64"}
            holds = [pin.marker is None or pin.marker.evaluate({"python_full_version": v, **linux}) for v in versions]
            # TensorFlow, of the extra tfp, has no wheels for Python 3.14: it and what only it needs may end before.
            until = [True, True, True, False] if "< '3.14'" in line else []
            assert holds in ([True] * 4, [False] * 4, until), f"{line} depends on the version of Python"
    assert len(names) == len(set(names))


def test_what_is_installed_depends_on_constraints_metadata_and_build(start: ModuleType) -> None:
    before = start.fingerprint(start.MAIN, cpu=False)
    assert start.fingerprint(start.MAIN, cpu=False) == before
    seen = {before, start.fingerprint(start.MAIN, cpu=True), start.fingerprint(start.TFP, cpu=False)}
    for name in ("constraints.txt", "pyproject.toml"):
        path = start.ROOT / name
        path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
        seen.add(start.fingerprint(start.MAIN, cpu=False))
    assert len(seen) == 5


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying ... NameResolutionError(...)", "HTTPS_PROXY"),
        ("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED]", "PIP_CERT"),
        ("ERROR: No matching distribution found for torch==2.13.0", "Intel Macs"),
        ("PermissionError: [Errno 13] Permission denied", "may not write"),
        ("something new", "pip's own words"),
    ],
)
def test_a_failed_install_says_what_to_do(start: ModuleType, log: str, words: str) -> None:
    start.MAIN.log.parent.mkdir()
    start.MAIN.log.write_text(log, encoding="utf-8")
    said = start.explain_pip(start.MAIN)
    assert words in said
    assert str(start.MAIN.log) in said


@pytest.mark.parametrize("words", [["dance"], ["check", "-k", "cli"], ["--cpu"]])
def test_words_it_does_not_know_are_refused(
    start: ModuleType, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", *words])
    assert start.main() == (0 if words == ["--cpu"] else 2)
    said = capsys.readouterr()
    assert "start.py test" in said.out or "check" in said.err


def test_an_old_python_is_told_what_is_needed(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "test"])
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    monkeypatch.setattr(shutil, "which", lambda name: None)  # noqa: ARG005
    assert start.main() == 2
    assert "needs Python 3.11 to 3.14; this is 3.9" in capsys.readouterr().err


def test_a_newer_python_on_the_path_takes_over(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr(sys, "argv", ["start.py", "test", "-q"])
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    monkeypatch.setattr(shutil, "which", lambda name: sys.executable if name == "python3.12" else None)
    monkeypatch.setattr(subprocess, "call", lambda words: called.append(words) or 0)
    assert start.main() == 0
    assert called == [[sys.executable, str(start.ROOT / "start.py"), "test", "-q"]]


@pytest.mark.slow
def test_without_a_network_it_says_so(start: ModuleType) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("PIP_")}
    environment |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
        "PIP_NO_CACHE_DIR": "1",
    }
    told = subprocess.run(
        [sys.executable, str(start.ROOT / "start.py"), "setup"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 2, told.stdout + told.stderr
    assert "could not be reached" in told.stderr
    assert not start.MAIN.stamp.exists()
