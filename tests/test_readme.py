"""The README promises commands, code and files: they are there."""

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import yaml

import semiray
from semiray.cli import app
from semiray.priors import read_grounds
from semiray.radiographs import RadiographSet
from semiray.settings import make_settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("semiray ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_can_be_typed(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    with command.make_context(command.name, words) as context:  # which fails at a wrong or a missing word
        assert not context.args


def test_it_has_commands_to_set_up_and_they_are_known() -> None:
    known = (ROOT / "start.py").read_text(encoding="utf-8")
    lines = [line for text in (README, CONTRIBUTING) for block in blocks("sh", text) for line in block.splitlines()]
    said = {shlex.split(line, comments=True)[2] for line in lines if line.startswith("python3 start.py")}
    assert said >= {"demo", "test"}
    assert all(f'"{word}": [' in known or f'COMMANDS["{word}"]' in known for word in said)
    assert len(COMMANDS) >= 5


def test_its_prior_is_the_default_and_its_grounds_can_be_read() -> None:
    prior, ground = (yaml.safe_load(text) for text in blocks("yaml"))
    assert semiray.JointPrior.from_dict(prior) == semiray.JointPrior.default()
    rules = read_grounds(ground["ground"], semiray.JointPrior.default())
    assert rules["survival"].words["died"] == 0
    assert rules["duration"].event == "discharged"


def test_its_python_names_what_is_public() -> None:
    (code,) = blocks("python")
    used = {
        node.attr
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "semiray"
    }
    assert used
    assert used <= set(semiray.__all__)


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = blocks("python")
    labels = np.arange(60) % 2
    data = RadiographSet(
        images=np.random.default_rng(0).integers(0, 256, (60, 32, 32), dtype=np.uint8),
        labels=labels,
        classes=("Normal", "COVID"),
        patients=np.array([f"p{i}" for i in range(60)]),
        keys=tuple(f"{i}.png" for i in range(60)),
        metadata=({},) * 60,
        fingerprint="readme",
    )
    tree = {"resolution": 32, "images": 64, "networks": {"width": 4, "widest": 8}, "optimisation": {"batch": 8}}
    semiray.train(data, tmp_path / "covid", make_settings(tree))
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), scope)
    assert scope["codes"].shape == (600, 20)
    assert len(scope["data"]) == 600
    assert (tmp_path / "traversal.png").stat().st_size > 1000


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README + CONTRIBUTING):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), f"README or CONTRIBUTING names {target}"
