"""Every example in docs/priors.md runs and gives the result it shows."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import torch
import yaml

import semiray.priors
from semiray.priors import JointPrior

PAGE = Path(__file__).resolve().parents[2] / "docs" / "priors.md"
GLOBALS = {"torch": torch, **{name: getattr(semiray.priors, name) for name in semiray.priors.__all__}}


def test_the_page_s_python() -> None:
    assert "```python" in PAGE.read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(
        re.sub(r"^```.*$", "", PAGE.read_text(encoding="utf-8"), flags=re.M), dict(GLOBALS), "priors.md", str(PAGE), 0
    )
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_page_s_yaml() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    assert blocks
    for block in blocks:
        assert JointPrior.from_dict(yaml.safe_load(block)).dimensions > 0
