"""Set semiray up on a machine that has Python and nothing else, then run its demo or its tests.

    python3 start.py demo     set up, then show a trained run, and train, generate and judge on phantoms (5 minutes)
    python3 start.py test     set up, then run the tests
    python3 start.py lint     set up, then check style, types and the import rules
    python3 start.py docs     set up, then build the documentation's site into site/
    python3 start.py check    test, lint and docs together
    python3 start.py tfp      set up a second environment with TensorFlow, and check priors against its Probability
    python3 start.py setup    set up only

Everything goes into .venv beside this file (`tfp`: into .venv-tfp), at the exact versions of constraints.txt. Nothing
else on the machine is touched, and a second start reuses what the first installed. What follows the command is handed
on: `python3 start.py demo --full`, `python3 start.py test -k cli`. On Linux, `--cpu` before the command takes
PyTorch's build without CUDA, which is a tenth of the download.

Only the standard library is used, and only the syntax that an older Python can read, so that it can say what is wrong.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
OLDEST, NEWEST = (3, 11), (3, 14)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


class Place(NamedTuple):
    """An environment: its folder, and the extra of semiray that goes into it."""

    folder: Path
    extra: str

    @property
    def stamp(self) -> Path:
        """Says what is installed."""
        return self.folder / "semiray-installed"

    @property
    def log(self) -> Path:
        """What pip said."""
        return self.folder / "install.log"

    def program(self, name: str) -> Path:
        """Where it keeps a program, its Python among them."""
        return self.folder / "Scripts" / (name + ".exe") if os.name == "nt" else self.folder / "bin" / name


MAIN = Place(ROOT / ".venv", "all")
TFP = Place(ROOT / ".venv-tfp", "tfp")  # TensorFlow stays out of the main one

# Each step is a program that the installation puts into the environment, and its arguments.
COMMANDS = {
    "demo": [["semiray", "demo"]],
    "test": [["pytest", "-n", "auto"]],
    "lint": [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"], ["lint-imports"]],
    "docs": [["mkdocs", "build", "--strict"]],
    "tfp": [["pytest", "tests/tfp"]],
    "setup": [],
}
COMMANDS["check"] = COMMANDS["test"] + COMMANDS["lint"] + COMMANDS["docs"]

# What pip's log says, and what a person can do about it; the first that is found is told.
TROUBLES = (
    (
        ("No space left on device", "[Errno 28]"),
        "The disk is full. semiray needs about 2 GB (on Linux with CUDA about 7 GB).",
    ),
    (
        ("CERTIFICATE_VERIFY_FAILED", "SSLError"),
        "The package index's certificate was not accepted. A company proxy often stands between: "
        "give pip its certificate with PIP_CERT=/path/to/certificate.pem.",
    ),
    (
        (
            "NewConnectionError",
            "NameResolutionError",
            "ConnectTimeout",
            "ReadTimeout",
            "ProxyError",
            "ConnectionResetError",
            "Failed to establish a new connection",
            "Temporary failure in name resolution",
            "Connection broken",
        ),
        "The package index could not be reached. Check the network; behind a proxy set HTTPS_PROXY, with a mirror set "
        "PIP_INDEX_URL. Then run the same command again: what was downloaded is kept.",
    ),
    (
        ("Permission denied", "Read-only file system", "[WinError 5]"),
        "pip may not write here. Move semiray to a folder of your own.",
    ),
    (
        ("No matching distribution found", "ResolutionImpossible"),
        "A pinned version has no build for this machine. PyTorch has none for Intel Macs and for 32-bit systems, "
        "TensorFlow (`tfp`) none for Python 3.14.",
    ),
)


def main() -> int:
    """Run the command that the arguments name, after setting up what it needs."""
    arguments = sys.argv[1:]
    cpu = bool(arguments) and arguments[0] == "--cpu"
    if cpu:
        arguments = arguments[1:]
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__)
        return 0 if not arguments or arguments[0] in ("-h", "--help", "help") else 2
    command, rest = arguments[0], arguments[1:]
    steps = COMMANDS[command]
    if rest and len(steps) != 1:
        return fail(f"'{command}' takes no options; got {' '.join(rest)}")
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return use_another_python()
    place = TFP if command == "tfp" else MAIN
    problem = set_up(place, cpu)
    if problem:
        return fail(problem)
    return max([run(place, [*step, *rest]) for step in steps], default=0)


def run(place: Place, step: list[str]) -> int:
    """Run one program of an environment, its output to the screen, and return its exit code."""
    print(f"\n> {' '.join(step)}", flush=True)
    process = subprocess.Popen([str(place.program(step[0])), *step[1:]], cwd=str(ROOT))
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt:  # the program got it, too, and may be saving: let it end by itself
            continue
    return code if code >= 0 else 128 - code


def set_up(place: Place, cpu: bool) -> str:
    """Make it as constraints.txt and pyproject.toml ask, unless it is so already; return what went wrong, or ''."""
    wanted = fingerprint(place, cpu)
    if venv_works(place) and place.stamp.is_file() and place.stamp.read_text(encoding="utf-8") == wanted:
        return ""
    problem = "" if venv_works(place) else make_venv(place)
    if problem:
        return problem
    place.stamp.unlink(missing_ok=True)
    print(f"Installing semiray and what it needs into {place.folder} (once; this takes some minutes)", flush=True)
    place.log.unlink(missing_ok=True)
    pip = [str(place.program("python")), "-m", "pip", "install", "--log", str(place.log), "--disable-pip-version-check"]
    # As addresses: pip splits these variables at blanks, which a path may hold. They reach semiray's own build, too.
    constraints = (ROOT / "constraints.txt").as_uri()
    environment = dict(os.environ, PIP_CONSTRAINT=constraints, PIP_BUILD_CONSTRAINT=constraints)
    index = ["--extra-index-url", CPU_INDEX] if cpu else []
    wish = ["--editable", f".[{place.extra}]", *development()]
    if subprocess.call([*pip, *index, *wish], cwd=str(ROOT), env=environment):
        return explain_pip(place)
    place.stamp.write_text(wanted, encoding="utf-8")
    return ""


def make_venv(place: Place) -> str:
    """Make an environment afresh; return what went wrong, or ''."""
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(place.folder)], capture_output=True, text=True, check=False
    )
    if made.returncode == 0:
        return ""
    said = (made.stdout + made.stderr).strip()
    if "ensurepip" in said:
        package = f"python{version(sys.version_info[:2])}-venv"
        return f"This Python comes without venv. On Debian and Ubuntu: sudo apt install {package}\n\n{said}"
    return f"Could not make {place.folder}\n\n{said}"


def venv_works(place: Place) -> bool:
    """Whether it has a Python that runs, of the version that runs this file: a folder moved or copied has none."""
    probe = [str(place.program("python")), "-c", "import sys, pip; print(sys.prefix, *sys.version_info[:2], sep='|')"]
    try:
        said = subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return False
    prefix, major, minor = said.rsplit("|", 2)
    return Path(prefix).resolve() == place.folder.resolve() and (int(major), int(minor)) == sys.version_info[:2]


def fingerprint(place: Place, cpu: bool) -> str:
    """A digest of all that decides what is installed, and where."""
    digest = hashlib.sha256(f"{ROOT} {place.extra} {version(sys.version_info[:2])} {cpu}".encode())
    for name in ("constraints.txt", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def development() -> list[str]:
    """What tests and checks need: the group `dev` of pyproject.toml, which older pips cannot read."""
    import tomllib

    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(table["dependency-groups"]["dev"])


def explain_pip(place: Place) -> str:
    """What a failed pip means, read from its log."""
    log = place.log.read_text(encoding="utf-8", errors="replace") if place.log.is_file() else ""
    for signs, advice in TROUBLES:
        if any(sign in log for sign in signs):
            return f"Installing failed. {advice}\n(pip's own words stand above, and in {place.log})"
    return f"Installing failed; pip's own words stand above, and in {place.log}"


def use_another_python() -> int:
    """Hand over to a Python of a supported version if there is one on the path, else say what is needed."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        # A pyenv or asdf shim may be on the path for a version that isn't installed: ask it.
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            print(f"Python {version(sys.version_info[:2])} is not supported; using {found}", flush=True)
            return subprocess.call([found, str(ROOT / "start.py"), *sys.argv[1:]])
    return fail(
        f"semiray needs Python {version(OLDEST)} to {version(NEWEST)}; "
        f"this is {version(sys.version_info[:2])} ({sys.executable}).\n"
        "Install one from https://www.python.org/downloads/ and run this again with it."
    )


def version(parts: tuple[int, ...]) -> str:
    """A version of Python as a person writes it."""
    return f"{parts[0]}.{parts[1]}"


def fail(message: str) -> int:
    """Say what is wrong, and return the exit code that goes with it."""
    print("\n" + message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
