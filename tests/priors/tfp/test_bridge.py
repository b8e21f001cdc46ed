"""What `JointPrior.from_tfp` says where there is no TensorFlow Probability; with it, see tests/tfp."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import semiray
from semiray.errors import SemirayError
from semiray.priors import JointPrior


def test_what_is_no_distribution_is_named_and_the_extra_with_it() -> None:
    with pytest.raises(SemirayError, match=r"factor 'd': a float is not a distribution .*pip install 'semiray\[tfp\]'"):
        JointPrior.from_tfp({"d": 0.1})
    with pytest.raises(SemirayError, match=r"takes a mapping of names to TFP distributions.*not a list"):
        JointPrior.from_tfp([0.1])
    with pytest.raises(
        SemirayError, match=r"factor 'b': its distribution depends on a,.*between=\[\('a', 'b', 0.3\)\]"
    ):
        JointPrior.from_tfp({"b": lambda a: a})
    with pytest.raises(SemirayError, match="at least one factor"):
        JointPrior.from_tfp({})


def test_a_name_that_no_factor_has_is_pointed_out() -> None:
    with pytest.raises(SemirayError, match=r"units: no factor 'duraton'"):
        JointPrior.from_tfp({}, units={"duraton": "days"})


def test_nothing_imports_tensorflow() -> None:
    for path in Path(semiray.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
                assert not any(name.startswith("tensorflow") for name in names), path
