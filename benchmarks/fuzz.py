"""Hostile inputs at every entrance: each must be accepted, or refused in a sentence, soon, and change no other file.

    python benchmarks/fuzz.py                 # 20,000 inputs, some minutes on two cores
    python benchmarks/fuzz.py -n 2000 --only events --show

Valid inputs are mutated from a seed: bytes changed, cut, doubled, spliced; numbers, words and nests put in that no one
would write; whole branches of trees replaced. The table says for each entrance how many were accepted, refused in a
sentence (`SemirayError`), ended in any other exception, took longer than 20 seconds, or changed a file outside the
output folder. The exit code is 1 if any did.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import gzip
import io
import json
import os
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["NO_COLOR"] = "1"

import numpy as np
import torch
import yaml
from PIL import Image

from semiray.errors import SemirayError

LONGEST = 20.0  # seconds
MEMORY = 12 << 30  # bytes of address space

WORDS = [
    " " * 3000, "a " * 1500, "_" * 2000, "-" * 2000, "|" * 2000, "," * 2000, "'" * 1001, '"' * 1001, "0" * 3000,
    "1." * 900,
    "[" * 3000, "{a: " * 500, "(" * 300, "- " * 200, "&a [*a]", "&a {b: *a}", "*b", "<<: *a",
    "!!python/object/apply:os.system [ls]", "!!timestamp 2020-01-01", "!!int ''", "!!set {a}", "2020-13-45", "1:30",
    "9" * 400, "9" * 5000, "1e400", ".nan", ".inf", "-1", "0", "true", "null", "~", "1e-400", "NaN", "Infinity",
    "-0.0", "99999999999999999999", "2147483648", "-9223372036854775809", "0x7fffffff", "1_000", "１２", "", " ", "\t",
    "\n", "\r", "\0", "\x1b[31m", "\x1b]0;x\x07", "\u202e", "\ufeff", "\\ud800", "\\U00110000", "$\\frac{", "$x$",
    "\\", "'", '"', "`", "=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "<script>alert(1)</script>",
    "[a](javascript:b)", "../../../etc/passwd", "/etc/passwd", "/dev/zero", "~nobody-of-this-name/x", "C:\\x",
    "a" * 300, "a" * 5000, "%s%n", "{0}", "{x!r}", "${HOME}", "(a|aa)+$", "(a*)*b", "(.*)(.*)(.*)(.*)(.*)(.*)$",
    "(?R)", "[[:alpha:]]", "a{1000}{1000}", "(?<=a+)b", "x" * 60 + "!", "|", ",", ";", ":", "=", "==", "and", "or",
    "not ", "not not not ", "in {0, 1}", "all(survival)", "any(duration) > 3", "mean(texture) < 0", "duration[99]",
    "survival == 2", "#", "---\n", "...\n",
]  # fmt: skip
VALUES: list[Any] = [
    True, False, None, -1, 0, 1.5, 10**20, 10**400, -(10**400), 1e308, -1e308, 5e-324, float("nan"), float("inf"),
    "", "x" * 3000, "9" * 400, "\x1b[31m", "\ud800", "$\\frac{", "=1+1", [], {}, [[]], [None], [True, 2], {"a": {}},
    {"": ""}, list(range(2000)), "2020-01-01", "../x", "nan", "1e5", [[[[[[[[1]]]]]]]],
]  # fmt: skip


class Hang(BaseException):
    """Raised by the watchdog; no handler of the package catches it."""


class Mutant:
    """Makes hostile inputs from valid ones, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def pick(self, among: Sequence[Any]) -> Any:
        """One of them."""
        return among[int(self.rng.integers(len(among)))]

    def bytes(self, valid: Sequence[bytes], words: bool = True) -> bytes:
        """Bytes like one of the valid ones; with ``words``, also words that no one would write."""
        text = bytearray(self.pick(valid))
        for _ in range(int(self.rng.integers(0, 5))):
            at = int(self.rng.integers(len(text) + 1))
            end = min(len(text), at + int(self.rng.integers(1, 1 + max(1, len(text) // 4))))
            match int(self.rng.integers(8 if words else 6)):
                case 0 if text:
                    text[at % len(text)] = int(self.rng.integers(256))
                case 1:
                    del text[at:end]
                case 2:
                    text[at:at] = text[at:end] * int(self.rng.integers(1, 4))
                case 3:
                    text[at:at] = self.rng.bytes(int(self.rng.integers(1, 9)))
                case 4:
                    del text[at:]
                case 5:
                    other = self.pick(valid)
                    begin = int(self.rng.integers(len(other) + 1))
                    text[at:end] = other[begin : begin + 40]
                case 6:
                    text[at:at] = self.pick(WORDS).encode("utf-8", "surrogatepass")
                case _:
                    text[at:end] = self.pick(WORDS).encode("utf-8", "surrogatepass")
        return bytes(text)

    def text(self, valid: Sequence[str]) -> str:
        """A text like one of the valid ones."""
        return self.bytes([one.encode() for one in valid]).decode("utf-8", "replace")

    def tree(self, valid: Sequence[Any]) -> Any:
        """A tree like one of the valid ones, with other branches and leaves."""
        tree = copy.deepcopy(self.pick(valid))
        for _ in range(int(self.rng.integers(1, 4))):
            places = list(_places(tree))
            if not places:
                return self.pick(VALUES)
            inside, key = self.pick(places)
            match int(self.rng.integers(4)):
                case 0:
                    del inside[key]
                case 1 if isinstance(inside, dict):
                    inside[self.pick(["", "x", "nearest", "\x1b[31m", "a" * 300, "0", "seed"])] = self.pick(VALUES)
                case 2:
                    other, at = self.pick(places)
                    with contextlib.suppress(KeyError, IndexError):
                        inside[key] = copy.deepcopy(other[at])
                case _:
                    inside[key] = copy.deepcopy(self.pick(VALUES))
        return tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(items)[:60]:
        yield tree, key
        yield from _places(value)


@dataclass
class Entrance:
    """A way into the package: makes an input in a folder and returns the call that reads it."""

    name: str
    prepare: Callable[[Mutant, Path], Callable[[Path], Any]]
    share: float = 1.0
    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    shown: Counter[str] = field(default_factory=Counter)


def main() -> int:
    asked = _arguments()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _stop)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name).resolve()
        os.environ |= {"HOME": str(work / "home"), "SEMIRAY_CACHE": str(work / "cache")}
        for folder in ("in", "out", "home", "cwd", "valid"):
            (work / folder).mkdir()
        os.chdir(work / "cwd")
        found = [one for one in entrances(work / "valid") if not asked.only or asked.only in one.name]
        total = sum(one.share for one in found)
        for place, one in enumerate(found):
            mutant = Mutant(asked.seed * 1000 + place)
            for number in range(max(1, round(asked.n * one.share / total))):
                _try(one, mutant, work, number, asked.show)
            print(f"\r{one.name:28}", end="", file=sys.stderr, flush=True)
        os.chdir("/")
    print("\r", end="", file=sys.stderr)
    print("\n".join(table(found)))
    return int(any(one.counts["traceback"] or one.counts["hang"] or one.counts["changed"] for one in found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=20_000, help="inputs in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="entrances whose name contains this")
    parser.add_argument("--show", action="store_true", help="print the first traceback of each kind")
    return parser.parse_args()


def _stop(*_: Any) -> None:
    raise Hang


def _try(one: Entrance, mutant: Mutant, work: Path, number: int, show: bool) -> None:
    for folder in ("in", "out"):
        _empty(work / folder)
    read = one.prepare(mutant, work / "in")
    before = _state(work)
    started = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            read(work / "out")
        outcome = "accepted"
    except SemirayError as error:
        outcome = "refused"
        said.write(str(error))
    except Hang:
        outcome = "hang"
        _show(one, show, number, f"{one.name}: hang")
    except BaseException:
        outcome = "traceback"
        _show(one, show, number, traceback.format_exc())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.monotonic() - started
    one.slowest = max(one.slowest, seconds)
    one.counts[outcome] += 1
    one.counts["hang"] += outcome != "hang" and seconds > LONGEST
    if _state(work) != before:
        one.counts["changed"] += 1
        _show(one, show, number, f"{one.name}: files changed")


def _show(one: Entrance, show: bool, number: int, text: str) -> None:
    kind = text.strip().splitlines()[-1][:80]
    where = next((line.strip() for line in reversed(text.splitlines()) if "/semiray/" in line), "")
    one.shown[where + kind] += 1
    if show and one.shown[where + kind] == 1:
        lines = text.splitlines()
        print("\n".join([f"\n--- {one.name}, input {number}", *lines[-14:]])[:3000], file=sys.stderr)


def _empty(folder: Path) -> None:
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files:
            os.unlink(os.path.join(place, name))  # noqa: PTH108, PTH118  # names may be bytes that pathlib can't join
        for name in folders:
            path = os.path.join(place, name)  # noqa: PTH118
            os.unlink(path) if os.path.islink(path) else os.rmdir(path)  # noqa: PTH106, PTH108, PTH114


def _state(work: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file that no input may change."""
    found = {}
    for top in ("in", "home", "cwd", "valid"):
        for place, _, files in os.walk(work / top):
            for name in files:
                status = os.lstat(os.path.join(place, name))  # noqa: PTH118
                found[f"{place}/{name}"] = (status.st_size, status.st_mtime_ns)
    return found


def table(found: Sequence[Entrance]) -> list[str]:
    """The counts as a table of Markdown."""
    head = [
        "entrance",
        "inputs",
        "accepted",
        "refused in a sentence",
        "tracebacks",
        "hangs",
        "files changed",
        "slowest",
    ]
    keys = ("accepted", "refused", "traceback", "hang", "changed")
    rows = [
        [one.name, sum(one.counts[key] for key in keys[:3]) + one.counts["hang"], *(one.counts[key] for key in keys)]
        for one in found
    ]
    rows.append(["all", *(sum(int(row[k]) for row in rows) for k in range(1, 7))])
    slow = [f"{one.slowest:.1f} s" for one in found] + [f"{max((one.slowest for one in found), default=0):.1f} s"]
    cells = [[row[0], *(f"{number:,}" for number in row[1:]), time_] for row, time_ in zip(rows, slow, strict=True)]
    return ["| " + " | ".join(row) + " |" for row in [head, ["---", *["---:"] * 7], *map(list, cells)]]


# Entrances.


def entrances(valid: Path) -> list[Entrance]:
    """All entrances, with valid inputs to start from in a folder."""
    return [*words(), *files(valid), *runs(valid), *images(valid), *commands(valid)]


SETTINGS: list[dict[str, Any]] = [
    {
        "preset": "study",
        "resolution": 32,
        "minutes": 1.5,
        "networks": {"noise": 8, "width": 8},
        "data": {"classes": {"a": "b"}},
    },
    {
        "seed": 3,
        "prior": {"factors": {"dose": {"family": "lognormal", "median": 3, "sigma": 0.5}}},
        "ground": "hannover",
    },
    {
        "objectives": {"sort": 0.5},
        "optimisation": {"betas": [0.0, 0.9], "bf16": None},
        "ground": {"dose": {"column": "d"}},
    },
]
PRIORS: list[dict[str, Any]] = [
    {
        "factors": {
            "survival": {"family": "bernoulli", "probability": 0.5},
            "duration": {"family": "exponential", "mean": 10, "unit": "days"},
        },
        "between": [["survival", "duration", 0.3]],
    },
    {
        "factors": {
            "grade": {"family": "categorical", "values": [0, 1, 2], "probabilities": [0.2, 0.3, 0.5], "dimensions": 2},
            "x": {"family": "uniform", "low": 0, "high": 1, "dimensions": 1},
        },
        "nearest": True,
        "correlation": [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]],
    },
    {
        "factors": {
            "w": {"family": "weibull", "scale": 3, "shape": 1.5},
            "n": {"family": "normal", "mean": 0, "standard_deviation": 1, "correlation": -0.1},
        }
    },
]
GROUNDS: list[Any] = [
    {
        "survival": {"column": "outcome", "values": {"recovered": 1, "died": 0}},
        "duration": {"time": "days", "event": "end"},
    },
    {"recipe": "hannover", "duration": None},
    "ieee8023",
]
EVENTS = [
    "survival == 1 and duration <= 14",
    "7 <= duration < 14 or presentation < texture",
    "not (survival[2] in {1})",
    "all(survival) == 1",
    "any(duration) > 30 and mean(texture) < 0",
    "duration[3] > duration and survival != 0",
]


def words() -> list[Entrance]:
    """What is written on a command line, and files that people write."""
    from semiray.priors import JointPrior, read_grounds
    from semiray.radiographs.reading.keep import read_condition
    from semiray.radiographs.reading.options import parse_classes, reading_options
    from semiray.radiographs.reading.patterns import compile_pattern, search
    from semiray.settings import load_settings, read_ground
    from semiray.structured import parse_json, parse_toml, parse_yaml
    from semiray.training import run_prior

    prior = JointPrior.default()
    keys = [f"p1{i}/patient{i:05d}/study1/view1_frontal.jpg" for i in range(9)] + ["a" * 60 + "!"]

    def written(suffix: str, trees: Sequence[Any], read: Callable[[Path], Any]) -> Callable[[Mutant, Path], Any]:
        texts = [yaml.safe_dump(tree, sort_keys=False).encode() for tree in trees]

        def prepare(mutant: Mutant, folder: Path) -> Callable[[Path], Any]:
            path = folder / f"file{suffix}"
            if mutant.rng.random() < 0.5:
                path.write_bytes(mutant.bytes(texts))
            else:
                with contextlib.suppress(yaml.YAMLError):
                    path.write_text(yaml.safe_dump(mutant.tree(trees)), encoding="utf-8", errors="surrogatepass")
            return lambda _: read(path)

        return prepare

    def said(valid: Sequence[str], read: Callable[[str], Any]) -> Callable[[Mutant, Path], Any]:
        def prepare(mutant: Mutant, _: Path) -> Callable[[Path], Any]:
            text = mutant.text(valid)
            return lambda _: read(text)

        return prepare

    def settings(path: Path) -> None:
        run_prior(load_settings(path)).to_yaml()

    def round_trip(path: Path) -> None:
        JointPrior.from_dict(JointPrior.from_yaml(path).to_dict())

    toml = ["preset = 'study'\n[networks]\nnoise = 8\n", "seed = 3\ndata.fractions = [0.7, 0.1, 0.2]\n"]
    assignments = ["objectives.sort=0.5", "data.classes={a: b}", "seed=3", "optimisation.betas=[0, 0.9]"]
    patterns = [r"patient(\d+)", r"^([^/]+)/", r"(?i)STUDY\d", r"(?P<a>p\d{2})/", r"(a|b)+c", r"view[12]_\w+(?=\.jpg)"]

    columns = ["age", "view", "Frontal/Lateral", "class"]
    rows = [dict(zip(columns, cells, strict=True)) for cells in (("60", "PA", "F", "x"), ("", "L", "", "\x1b[31m"))]
    conditions = ["age >= 18 and view in {'PA', 'AP'}", "not ('P' in view or `Frontal/Lateral` == '')", "class == 'x'"]

    def find(pattern: str) -> None:
        if compiled := compile_pattern(pattern, "label_from"):
            search(compiled, keys, "label_from", "unlabelled", [], seconds=1.0)

    return [
        Entrance("JSON reader", said([json.dumps(tree) for tree in PRIORS], lambda text: parse_json(text, "f")), 2),
        Entrance("YAML reader", said([yaml.safe_dump(tree) for tree in PRIORS], lambda text: parse_yaml(text, "f")), 2),
        Entrance("TOML reader", said(toml, lambda text: parse_toml(text, "f.toml"))),
        Entrance("settings.yaml", written(".yaml", SETTINGS, settings), 2),
        Entrance("--set", said(assignments, lambda text: load_settings(assignments=[text])), 2),
        Entrance("prior.yaml", written(".yaml", PRIORS, round_trip), 3),
        Entrance("ground rules", written(".yaml", GROUNDS, lambda path: read_grounds(read_ground(path), prior))),
        Entrance("events", said(EVENTS, lambda text: prior.given(text).sample(8)), 2),
        Entrance("classes", said(["COVID=covid, Normal", "a, b=c, d"], parse_classes)),
        Entrance("--keep", said(conditions, lambda text: read_condition(text, columns)(rows)), 1.5),
        Entrance(
            "reading options", said(["COVID", "p(\\d)"], lambda t: reading_options({"classes": t, "label_from": t}))
        ),
        Entrance("regular expressions", said(patterns, find), 2),
    ]


REPORTS: list[dict[str, Any]] = [
    {
        "subject": "run",
        "data": "d",
        "schema": 2,
        "semiray": "0.1",
        "headlines": [
            {
                "name": "synthetic / real",
                "value": 0.9,
                "low": 0.8,
                "high": 1.0,
                "section": "Utility",
                "unit": "",
                "digits": 2,
            },
            {"name": "presentation (R²)", "value": 0.6, "section": "Commitment", "signed": False},
        ],
    },
]


def files(valid: Path) -> list[Entrance]:
    """Files that semiray or other tools write."""
    from semiray.escaping import in_terminal
    from semiray.radiographs import Split, load_radiographs
    from semiray.radiographs.reading.options import reading_options
    from semiray.radiographs.reading.readers import read_records
    from semiray.report.compare import compare_lines, plot_comparison, read_reports

    old = Path(__file__).parent.parent / "tests" / "report" / "version1.json"
    reports = [*REPORTS, *([json.loads(old.read_text(encoding="utf-8"))] if old.exists() else [])]
    splits = [{"seed": 0, "train": ["a", "b"], "validation": ["c"], "test": ["d"]}]

    def tree(trees: Sequence[Any], name: str, read: Callable[[Path, int], Any]) -> Callable[[Mutant, Path], Any]:
        indents = [None, 1]
        texts = [json.dumps(one, indent=indent).encode() for one in trees for indent in indents]

        def prepare(mutant: Mutant, folder: Path) -> Callable[[Path], Any]:
            path = folder / name
            if mutant.rng.random() < 0.5:
                path.write_bytes(mutant.bytes(texts))
            else:
                path.write_text(json.dumps(mutant.tree(trees), indent=mutant.pick(indents)))
            dice = int(mutant.rng.integers(20))
            return lambda _: read(path, dice)

        return prepare

    def compare(path: Path, dice: int) -> None:
        found = read_reports([path])
        compare_lines(found)
        if not dice:
            plot_comparison(found).savefig(io.BytesIO(), format="png")

    asked = {
        "keep": ["View == 'PA'", "label != 'x' and path in {'a/0.png'}"],
        "findings": ["all", "none", "Effusion, Mass"],
        "classes": ["COVID, Normal", "Effusion, No Finding"],
        "label_column": ["label", "class"],
        "patient_column": ["patient"],
        "path_column": ["path"],
        "label_from": ["(a|b)/"],
        "patient_from": ["(\\d)", "kermany"],
        "uncertain": ["positive"],
    }

    def options(mutant: Mutant) -> dict[str, Any]:
        names = [name for name in asked if mutant.rng.random() < 0.15]
        return {name: mutant.text(asked[name]) if mutant.rng.random() < 0.5 else asked[name][0] for name in names}

    rng = np.random.default_rng(0)
    small: list[bytes] = []
    for _ in range(6):
        stream = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (20, 20), np.uint8)).save(stream, "PNG")
        small.append(stream.getvalue())
    tables = [
        "path,label,patient\na/0.png,COVID,p1\na/1.png,Normal,p2\na/2.png,COVID,p1\nb/3.png,Normal,p3\n",
        "Image Index;Finding Labels;Patient ID;View\n0.png;Effusion|Mass;1;PA\n1.png;No Finding;2;AP\n3.png;Mass;3;P\n",
        "patientId\tfile\tclass\n1\t0.png\tx\n2\t1.png\ty\n",
    ]

    plain = [text.encode() for text in tables] + [tables[0].encode("utf-16"), tables[1].encode("cp1252")]
    named = [{"path": "a/0.png", "label": "x", "patient": "1"}, {"path": "b/3.png", "label": "y", "patient": None}]
    forms = {
        ".json": [json.dumps(one).encode() for one in (named, {"labels": [["0.png", 0], ["1.png", 1]]})],
        ".gz": [gzip.compress(text.encode()) for text in tables],
    }
    with contextlib.suppress(ImportError):
        import pandas

        for ending, write in ((".xlsx", "to_excel"), (".parquet", "to_parquet")):
            stream = io.BytesIO()
            getattr(pandas.DataFrame(named), write)(stream, index=False)
            forms[ending] = [stream.getvalue()]

    def tabled(name: str) -> Callable[[Mutant, Path], Any]:
        def prepare(mutant: Mutant, folder: Path) -> Callable[[Path], Any]:
            for i in range(4):
                place = folder / "set" / "ab"[i // 3]
                place.mkdir(parents=True, exist_ok=True)
                (place / f"{i}.png").write_bytes(small[i])
            path = folder / "set" / name
            path.write_bytes(mutant.bytes(forms.get(path.suffix, plain)))
            data, chosen = (folder / "set" if mutant.rng.random() < 0.5 else path), options(mutant)
            whole = mutant.rng.random() < 0.3

            def read(out: Path) -> None:
                if not whole:
                    read_records(data, reading_options(chosen))
                    return
                found = load_radiographs(data, resolution=16, cache=out / "cache", **chosen)
                in_terminal("\n".join(found.summary.lines() if found.summary else ())).encode()

            return read

        return prepare

    def folders(mutant: Mutant, folder: Path) -> Callable[[Path], Any]:
        for i in range(int(mutant.rng.integers(1, 6))):
            parts = [mutant.pick(["a", "images_001", "train", "masks", "p10", "0", *WORDS]) for _ in range(2)]
            clean = [part.replace("/", "").replace("\0", "")[:60].encode("utf-8", "replace") or b"x" for part in parts]
            clean = [b"_" if part in (b".", b"..") else part for part in clean]
            if mutant.rng.random() < 0.1:
                clean[0] = b"\xff\xfe" + clean[0][:50]
            place = os.path.join(os.fsencode(folder), *clean)  # noqa: PTH118
            os.makedirs(place, exist_ok=True)  # noqa: PTH103
            ending = mutant.pick([b".png", b".jpg", b".dcm", b"", b".csv", b".tar", b".json", b".PNG"])
            with open(os.path.join(place, b"%d" % i + ending), "wb") as file:  # noqa: PTH118, PTH123
                file.write(mutant.bytes(small, words=False) if mutant.rng.random() < 0.5 else small[i % 6])
        return lambda out: load_radiographs(folder, resolution=16, cache=out / "cache")

    shards = [_shard(small)]

    def shard(mutant: Mutant, folder: Path) -> Callable[[Path], Any]:
        (folder / "a.tar").write_bytes(mutant.bytes(shards))
        return lambda out: load_radiographs(folder, resolution=16, cache=out / "cache")

    return [
        Entrance("split.json", tree(splits, "split.json", lambda path, _: Split.load(path, list("abcd"))), 2),
        Entrance("report.json", tree(reports, "report.json", compare), 2),
        Entrance("CSV", tabled("table.csv"), 1.5),
        Entrance("TSV", tabled("table.tsv"), 0.5),
        Entrance("JSON table", tabled("dataset.json"), 0.5),
        Entrance("gzipped CSV", tabled("table.csv.gz"), 0.5),
        *[Entrance(f"{e[1:]} table", tabled(f"table{e}"), 0.5) for e in (".xlsx", ".parquet") if e in forms],
        Entrance("folders and names", folders, 0.5),
        Entrance("tar shards", shard, 1),
        *prepared(valid, small),
    ]


def _shard(small: Sequence[bytes]) -> bytes:
    import tarfile

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for i, content in enumerate(small[:3]):
            for name, part in ((f"{i}.png", content), (f"{i}.json", b'{"label": "a", "patient": "p%d"}' % i)):
                member = tarfile.TarInfo(name)
                member.size = len(part)
                tar.addfile(member, io.BytesIO(part))
    return stream.getvalue()


def prepared(valid: Path, small: Sequence[bytes]) -> list[Entrance]:
    """Prepared sets: files are changed, and then sealed again, so that all checksums hold."""
    import shutil

    from semiray.radiographs import load_radiographs, prepare_radiographs
    from semiray.radiographs.store.files import seal

    source, ready = valid / "source", valid / "prepared"
    for i, content in enumerate(small):
        (source / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        (source / "ab"[i % 2] / f"{i}.png").write_bytes(content)
    prepare_radiographs(source, ready, resolution=16)
    facts = {name: json.loads((ready / name).read_text()) for name in ("set.json", "decoded.json")}
    arrays = [path.name for path in ready.glob("*.npy")]

    def prepare(mutant: Mutant, folder: Path) -> Callable[[Path], Any]:
        shutil.copytree(ready, folder / "set")
        said = copy.deepcopy(facts)
        for _ in range(int(mutant.rng.integers(1, 3))):
            match int(mutant.rng.integers(4)):
                case 0:
                    name = mutant.pick(arrays)
                    dtype = mutant.pick([np.int64, np.float32, np.uint8, np.int32, "U3", np.bool_, np.complex64])
                    shape = mutant.pick([(0,), (6,), (7,), (6, 1), (), (6, 16, 16), (6, 3), (6, 16, 8)])
                    array = (mutant.rng.integers(-3, 300, shape) * 1.0).astype(dtype, casting="unsafe")
                    np.save(folder / "set" / name, array)
                case 1:
                    path = folder / "set" / mutant.pick([*arrays, "rows.jsonl", "files.jsonl"])
                    path.write_bytes(mutant.bytes([path.read_bytes()]))
                case _:
                    name = mutant.pick(sorted(said))
                    changed = mutant.tree([{key: value for key, value in said[name].items() if key != "files"}])
                    said[name] = changed if isinstance(changed, dict) else {"what": changed}
                    said[name]["files"] = facts[name]["files"]
        for name in ("decoded.json", "set.json"):
            content = {key: value for key, value in said[name].items() if key not in ("files", "sealed")}
            with contextlib.suppress(KeyError, OSError):
                seal(folder / "set" / name, content, list(facts[name]["files"]))

        def read(out: Path) -> None:
            data = load_radiographs(folder / "set", resolution=16, cache=out / "cache")
            data.take(range(min(2, len(data))))
            list(zip(data.keys, data.metadata, strict=True))
            np.bincount(data.patient_codes)

        return read

    return [Entrance("prepared sets, sealed", prepare, 1)]


def runs(valid: Path) -> list[Entrance]:
    """Runs and checkpoints whose checksums hold."""
    from safetensors.torch import save_file

    from semiray.networks import build_networks
    from semiray.radiographs.pixels.traces import Traces
    from semiray.settings import make_settings
    from semiray.training import Run, network_shape, run_prior
    from semiray.training.checkpoints import read_checkpoint, save_tensors

    tree = {"resolution": 32, "networks": {"noise": 4, "width": 4, "widest": 8, "embedding": 4}}
    settings = make_settings(tree)
    networks = build_networks("residual", network_shape(settings, run_prior(settings), 2, 0))
    weights = {
        f"{name}.{key}": value
        for name, network in zip(("generator", "discriminator"), networks, strict=True)
        for key, value in network.state_dict().items()
    }
    record = {"settings": tree, "data": {"fingerprint": "0", "images": 6, "classes": ["a", "b"], "grounded": {}}}

    def change(mutant: Mutant, tensors: dict[str, Any]) -> dict[str, Any]:
        changed = dict(tensors)
        name = mutant.pick(sorted(changed))
        match int(mutant.rng.integers(6)):
            case 0:
                del changed[name]
            case 1:
                changed[name] = torch.zeros(mutant.pick([(0,), (1,), (3, 3), ()]))
            case 2:
                changed[name] = changed[name].to(mutant.pick([torch.float64, torch.int64, torch.bool, torch.bfloat16]))
            case 3:
                changed[name] = torch.full_like(changed[name].float(), float(mutant.pick(["nan", "inf", "1e38"])))
            case 4:
                changed[mutant.pick(["x", "generator.x", "\x1b[31m"])] = torch.zeros(2)
        return changed

    def run(mutant: Mutant, folder: Path) -> Callable[[Path], Any]:
        (folder / "run").mkdir()
        text = yaml.safe_dump(record).encode()
        dice = mutant.rng.random()
        if dice < 0.3:
            text = mutant.bytes([text])
        elif dice < 0.6:
            text = yaml.safe_dump(mutant.tree([record])).encode("utf-8", "surrogatepass")
        (folder / "run" / "settings.yaml").write_bytes(text)
        save_tensors(folder / "run" / "model.safetensors", change(mutant, weights), {"images": "3"})
        return lambda _: Run.load(folder / "run", "cpu")

    def checkpoint(mutant: Mutant, folder: Path) -> Callable[[Path], Any]:
        path = folder / "step-000000001.safetensors"
        progress = json.dumps(mutant.tree([{"steps": 3, "images": 96, "seconds": 1.5}]))
        state = mutant.pick([torch.get_rng_state(), torch.zeros(3), torch.zeros(3, dtype=torch.uint8)])
        match int(mutant.rng.integers(3)):
            case 0:
                save_tensors(path, {"random.cpu": state}, {"progress": progress})
            case 1:
                save_file({"a": torch.zeros(2)}, path, {"semiray": mutant.text(['{"progress": "{}", "crc32": "0"}'])})
            case _:
                save_tensors(path, {"random.cpu": torch.get_rng_state()}, {"progress": '{"steps": 3}'})
                path.write_bytes(mutant.bytes([path.read_bytes()]))
        return lambda _: read_checkpoint(folder)

    traced = io.BytesIO()
    np.save(traced, Traces.of(np.random.default_rng(2).integers(0, 256, (3, 16, 16), np.uint8)).rows)

    def traces(mutant: Mutant, folder: Path) -> Callable[[Path], Any]:
        (folder / "traces.npy").write_bytes(mutant.bytes([traced.getvalue()]))
        return lambda _: Traces.load(folder / "traces.npy").find(np.zeros((2, 16, 16), np.uint8))

    del valid
    found = [Entrance("runs, checksums right", run, 0.5), Entrance("checkpoints", checkpoint, 1)]
    return [*found, Entrance("traces", traces, 0.5), Entrance("figures and names", figures, 0.3)]


def figures(mutant: Mutant, _: Path) -> Callable[[Path], Any]:
    """Names of classes, units and titles in a figure and in Markdown."""
    from semiray.escaping import in_markdown
    from semiray.figures import SemirayFigure
    from semiray.priors import Factor, JointPrior

    names = [mutant.text(["COVID", "Viral Pneumonia", "µm"]) for _ in range(3)]

    def read(_: Path) -> None:
        figure = SemirayFigure(figsize=(2, 2))
        axes = figure.add_subplot()
        axes.set_yticks([0, 1], names[:2])
        axes.set_title(names[2][:200])
        figure.tight_layout()
        figure.savefig(io.BytesIO(), format="png")
        in_markdown("".join(names)).encode()
        JointPrior([Factor("a", "uniform", 1, {"low": 0, "high": 1}, unit=names[0])]).to_yaml()

    return read


def images(valid: Path) -> list[Entrance]:
    """Files of pixels."""
    from semiray.radiographs.pixels.framing import UnreadableImageError, decode_grey, frame

    rng = np.random.default_rng(1)
    deep, grey = rng.integers(0, 65536, (24, 20), np.uint16), rng.integers(0, 256, (24, 20), np.uint8)
    colour = rng.integers(0, 256, (24, 20, 3), np.uint8)

    def stored(pixels: Any, kind: str, **how: Any) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, kind, **how)
        return stream.getvalue()

    kinds = {
        "PNG": [stored(grey, "PNG"), stored(deep, "PNG"), stored(colour, "PNG")],
        "JPEG": [stored(grey, "JPEG"), stored(colour, "JPEG", progressive=True)],
        "TIFF": [stored(grey, "TIFF"), stored(deep, "TIFF", compression="tiff_lzw"), stored(colour, "TIFF")],
        "BMP": [stored(grey, "BMP"), stored(colour, "BMP")],
        "WebP": [stored(colour, "WEBP")],
    }

    def pixels(content: list[bytes]) -> Callable[[Mutant, Path], Any]:
        def prepare(mutant: Mutant, _: Path) -> Callable[[Path], Any]:
            raw, framing = mutant.bytes(content, words=False), mutant.pick(["crop", "pad"])

            def read(_: Path) -> None:
                try:
                    frame(decode_grey(raw)[0], 32, framing)
                except UnreadableImageError as error:
                    raise SemirayError(str(error)) from error

            return read

        return prepare

    found = [Entrance(f"{kind} pixels", pixels(content), 1) for kind, content in kinds.items()]
    for wide, high in ((1, 60_000), (60_000, 1), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (0, 0)):
        head, png, bmp = b"IHDR" + struct.pack(">II", wide, high) + b"\x08\0\0\0\0", kinds["PNG"][0], kinds["BMP"][0]
        kinds["PNG"].append(png[:12] + head + zlib.crc32(head).to_bytes(4, "big") + png[33:])
        kinds["BMP"].append(bmp[:18] + struct.pack("<II", wide, high) + bmp[26:])
    kinds["PNG"].append(stored(np.zeros((1, 50_000), np.uint8), "PNG"))
    with contextlib.suppress(ImportError):
        from pydicom.data import get_testdata_file

        names = ("CT_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm")
        dicom = [Path(str(path)).read_bytes() for name in names if (path := get_testdata_file(name, download=False))]
        if dicom:
            found += [
                Entrance("DICOM pixels", pixels(dicom), 0.5),
                Entrance("DICOM folders", _dicom_folder(dicom), 0.5),
            ]
    del valid
    return found


def _dicom_folder(valid: list[bytes]) -> Callable[[Mutant, Path], Any]:
    from semiray.radiographs import load_radiographs

    heads = [one.replace(b"CT", b"CR").replace(b"MR", b"DX") for one in valid]  # so that some pass for radiographs

    def prepare(mutant: Mutant, folder: Path) -> Callable[[Path], Any]:
        for i in range(3):
            (folder / f"{i}.dcm").write_bytes(mutant.bytes([*valid, *heads], words=bool(i)))

        def read(out: Path) -> None:
            found = load_radiographs(folder, resolution=16, cache=out / "cache")
            "".join(cell for row in found.metadata for cell in row.values()).encode()

        return read

    return prepare


def commands(valid: Path) -> list[Entrance]:
    """The command line with values that nobody would give; what it says holds no control character."""
    from semiray.cli import main as semiray

    numbers = [
        "3",
        "16",
        "-1",
        "0",
        "99999999999999999999999",
        "1e9",
        "nan",
        "\x1b[31m",
        "9" * 400,
        "１６",
        "true",
        "2.5",
    ]
    prior = valid / "prior.yaml"
    prior.write_text(yaml.safe_dump(PRIORS[0]))
    places = [
        "new",
        "new/deep",
        ".",
        str(prior),
        "~nobody-of-this-name/x",
        "a" * 300,
        "\x1b[31m",
        "x.png",
        "x.nope",
        "/",
    ]

    def prepare(mutant: Mutant, _: Path) -> Callable[[Path], Any]:
        number = lambda: str(mutant.pick(numbers))  # noqa: E731
        place = mutant.pick(places)

        def arguments(out: Path) -> list[str]:
            where = place if place[:1] in "~/" else str(out / place)
            return mutant.pick(
                [
                    ["data", "phantom", where, "-n", "3", "--resolution", number(), "--seed", number()],
                    ["data", "phantom", where, "-n", number(), "--resolution", "16"],
                    ["prior", "show", str(prior), "--out", where],
                    ["networks", "--resolution", number(), "--out", where],
                    ["generate", where, "-n", number(), "--start", number(), "--out", where],
                    ["train", where, "--out", where, "--set", f"networks.noise={number()}", "--minutes", number()],
                    ["data", "inspect", where, "--resolution", number(), "--label-from", mutant.text(["a(b)"])],
                    ["compare", where, where],
                    [mutant.text(["data", "--version"])],
                ]
            )

        def read(out: Path) -> None:
            said, words = io.StringIO(), arguments(out)
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = semiray([word.replace("\0", "") for word in words])
            odd = [c for c in said.getvalue() if not c.isprintable() and c not in "\n\t\r"]
            if odd:
                raise AssertionError(f"control characters in what {words} says: {odd[:3]}")
            if code:
                raise SemirayError(said.getvalue())

        return read

    return [Entrance("command line", prepare, 0.5)]


if __name__ == "__main__":
    sys.exit(main())
