"""The README and the documentation promise commands, code, files and figures: they are there, and the code runs."""

import inspect
import json
import re
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
import yaml

import semiray
from semiray.cli import app
from semiray.evaluation import Interval
from semiray.priors import read_grounds
from semiray.report import report_schema

ROOT = Path(__file__).resolve().parents[1]
TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES = [*TOP, *sorted(ROOT.glob("docs/**/*.md"))]
TINY = {"networks": {"width": 4, "widest": 8, "noise": 8, "embedding": 4}, "optimisation": {"batch": 8, "average": 2}}
# What makes a page's code take seconds: the same calls, with less of everything.
SHORTER = (
    (r"resolution=64", "resolution=32"),
    (r"minutes=\d+", f"images=64, networks={TINY['networks']}, optimisation={TINY['optimisation']}"),
    (r"\b(2000|3000|20_000)\b", "60"),
)


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page, without those marked `<!-- not run: the reason -->`."""
    text = re.sub(r"<!-- not run: [^>]+ -->\s*```.*?\n```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def shell_lines(program: str) -> list[str]:
    text = "\n".join(block for page in PAGES for block in blocks(page, "sh")).replace("\\\n", " ")
    return sorted({line for line in text.splitlines() if line.startswith(program)})


@pytest.mark.parametrize("line", shell_lines("semiray "))
def test_a_command_can_be_typed(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        if words == ["--help"]:
            return
        command = command.commands[words.pop(0)]
    with command.make_context(command.name, words) as context:  # which fails at a wrong or a missing word
        assert not context.args


def test_the_readme_has_an_example_of_every_task() -> None:
    lines = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    tasks = {line.split()[1] for line in lines if line.startswith("semiray ")}
    assert tasks >= {"data", "train", "generate", "traverse", "represent", "evaluate", "judge"}
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90


def test_the_commands_of_start_py_are_known() -> None:
    known = (ROOT / "start.py").read_text(encoding="utf-8")
    said = {shlex.split(line.replace("--cpu ", ""), comments=True)[2] for line in shell_lines("python3 start.py")}
    assert said >= {"demo", "test", "docs", "check"}
    assert all(f'"{word}": [' in known or f'COMMANDS["{word}"]' in known for word in said)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with DATA, phantoms of three classes, and RUN, trained on them for an instant."""
    folder = tmp_path_factory.mktemp("docs")
    semiray.make_phantoms(folder / "DATA", 150, resolution=32)
    data = semiray.load_radiographs(folder / "DATA", resolution=32, cache=folder / "cache")
    semiray.train(data, folder / "RUN", images=64, **TINY)
    return folder


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(">>>" not in block for block in blocks(page, "python"))], ids=page_name
)
def test_a_page_s_python_runs(page: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    takes = inspect.signature(semiray.evaluate)

    def evaluate(*words: Any, **more: Any) -> Any:
        """Say whether it could be called like this: tests/test_notebook.py waits for what comes out."""
        takes.bind(*words, **more)
        return SimpleNamespace(utility=SimpleNamespace(ratio=Interval(0.9, 0.8, 1.0, (0.9,))))

    monkeypatch.setattr(semiray, "evaluate", evaluate)
    monkeypatch.setenv("SEMIRAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "here"))
    scope: dict[str, Any] = {}
    for block in blocks(page, "python"):
        if ">>>" in block:  # tests/priors/test_examples.py runs these
            continue
        for long, short in SHORTER:
            block = re.sub(long, short, block)
        exec(compile(block, page_name(page), "exec"), scope)
    assert "semiray" in scope


@pytest.mark.parametrize("name", ["tutorial.md", "how-to/choose-prior.md", "how-to/ground.md"])
def test_a_page_s_yaml_is_read(name: str) -> None:
    found = blocks(ROOT / "docs" / name, "yaml")
    assert found
    for block in found:
        tree = yaml.safe_load(block)
        if "factors" in tree:
            assert semiray.JointPrior.from_dict(tree).dimensions == 20
        else:
            rules = read_grounds(tree["ground"], semiray.JointPrior.default())
            assert set(rules) in ({"survival", "duration"}, {"survival", "presentation"})


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_lines_are_short(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [f"line {i}: {len(line)}" for i, line in enumerate(lines, 1) if len(line) > 120] == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [target for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in target]
    assert [target for target in links if not (page.parent / target).exists()] == []
    named = re.findall(r"\b((?:benchmarks|docs|examples|tests|src)/[\w./-]*\w\.(?:py|sh|md|json|png))", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
    sources = re.findall(r"(?<![\w/])training/\w+\.py", text)
    assert [name for name in sources if not (ROOT / "src" / "semiray" / name).exists()] == []


def test_every_page_has_its_place_on_the_site() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("theme:")[0]
    for page in ROOT.glob("docs/**/*.md"):
        assert f": {page.relative_to(ROOT / 'docs').as_posix()}\n" in navigation, page


def test_the_keys_of_report_json_are_those_of_its_schema() -> None:
    text = (ROOT / "docs" / "report-json.md").read_text(encoding="utf-8").split("## At the top")[1]
    known, words = re.findall(r'"(\w+)": \{', json.dumps(report_schema())), re.findall(r"`([\w.]+)`", text)
    besides = {"semiray", "evaluation", "classical", "judge"}  # words of the page that are no keys
    keys = {part for word in words for part in word.split(".") if not part.endswith("Result")} - besides
    assert keys <= {*known, "schema"}, keys - set(known)
