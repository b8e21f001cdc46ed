"""The examples in the docstrings, which the API reference shows, run and give what they say."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest
import torch

import semiray

ROOT = Path(semiray.__file__).parent
# Those of the priors: tests/priors.
MODULES = [
    ".".join(("semiray", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(ROOT.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8") and path.relative_to(ROOT).parts[0] != "priors"
]
GLOBALS = {"np": np, "semiray": semiray, "torch": torch}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(importlib.import_module(name), extraglobs=GLOBALS)
    assert found.failed == 0
